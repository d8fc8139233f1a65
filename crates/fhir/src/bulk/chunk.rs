//! Lines gathered into pieces of files: compressed, each small enough to be held in memory by whoever serves it.

use std::collections::BTreeMap;

use store::{DbError, Writer};

use super::{
    FILE_BYTES_MAX, queries,
    row::{File, Role},
};

/// Bytes of lines after which a piece is closed; one line may be longer.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Good for text that is kept for a day: a fifth smaller than the fastest, at a third of its speed.
const LEVEL: i32 = 3;

/// A piece of a file.
#[derive(Clone)]
pub(super) struct Chunk {
    pub role: Role,
    pub of: String,
    pub resources: i64,
    pub bytes: i64,
    pub body: Vec<u8>,
    /// The file of the kick-off that it is about; 0 for none.
    pub source: i64,
}

impl Chunk {
    /// Lines of one file.
    pub fn of(role: Role, of: &str, resources: i64, text: &str) -> Result<Self, ChunkFault> {
        let body = zstd::bulk::compress(text.as_bytes(), LEVEL).map_err(|_| ChunkFault)?;
        let bytes = i64::try_from(text.len()).map_err(|_| ChunkFault)?;
        Ok(Self { role, of: of.to_owned(), resources, bytes, body, source: 0 })
    }
}

/// A piece cannot be compressed, or read again.
#[derive(Debug, thiserror::Error)]
#[error("a piece of a file of a bulk job is damaged")]
pub(super) struct ChunkFault;

impl From<ChunkFault> for DbError {
    fn from(fault: ChunkFault) -> Self {
        Self::Corrupt { why: fault.to_string().into() }
    }
}

/// What lies in a piece.
pub(super) fn unpack(body: &[u8], bytes: i64) -> Result<Vec<u8>, ChunkFault> {
    let capacity = usize::try_from(bytes).map_err(|_| ChunkFault)?;
    let unpacked = zstd::bulk::decompress(body, capacity).map_err(|_| ChunkFault)?;
    if unpacked.len() == capacity { Ok(unpacked) } else { Err(ChunkFault) }
}

/// Lines on their way into pieces.
#[derive(Default)]
pub(super) struct Lines {
    open: BTreeMap<(Role, String), (i64, String)>,
    chunks: Vec<Chunk>,
    bytes: usize,
    source: i64,
}

impl Lines {
    /// Of what is about this file of the kick-off.
    pub fn of_source(source: i64) -> Self {
        Self { source, ..Self::default() }
    }

    /// One more line.
    pub fn push(&mut self, role: Role, of: &str, line: &str) -> Result<(), ChunkFault> {
        let key = (role, of.to_owned());
        let (resources, text) = self.open.entry(key.clone()).or_default();
        text.push_str(line);
        text.push('\n');
        *resources += 1;
        self.bytes += line.len() + 1;
        if text.len() >= CHUNK_BYTES {
            self.close(&key)?;
        }
        Ok(())
    }

    /// How many bytes of lines were pushed.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn close(&mut self, key: &(Role, String)) -> Result<(), ChunkFault> {
        let Some((resources, text)) = self.open.remove(key) else { return Ok(()) };
        let chunk = Chunk::of(key.0, &key.1, resources, &text)?;
        self.chunks.push(Chunk { source: self.source, ..chunk });
        Ok(())
    }

    /// The pieces.
    pub fn chunks(mut self) -> Result<Vec<Chunk>, ChunkFault> {
        let open: Vec<(Role, String)> = self.open.keys().cloned().collect();
        open.iter().try_for_each(|key| self.close(key))?;
        Ok(self.chunks)
    }
}

/// Append pieces to the files of a job: to the last one of its kind while there is room, else to a new one.
pub(super) async fn append(
    tx: &mut Writer,
    job: (i64, kernel::Id<kernel::BulkJob>),
    chunks: &[Chunk],
) -> Result<(), DbError> {
    let mut files = queries::files(tx, job).await?;
    for chunk in chunks {
        let is_of =
            |file: &File| (file.role, file.source, &*file.of) == (chunk.role, chunk.source, &*chunk.of);
        let last = files.iter_mut().rev().find(|file| is_of(file));
        let file = match last {
            Some(file) if file.bytes + chunk.bytes <= FILE_BYTES_MAX => file,
            _ => {
                let number = files.last().map_or(1, |file| file.number + 1);
                let (role, of, source) = (chunk.role, chunk.of.clone(), chunk.source);
                files.push(File { number, role, of, resources: 0, bytes: 0, source });
                let Some(file) = files.last_mut() else { continue };
                file
            }
        };
        queries::add_chunk(tx, job, (file.number, file.bytes), chunk).await?;
        file.bytes += chunk.bytes;
        file.resources += chunk.resources;
        queries::put_file(tx, job, file).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_in_their_order() {
        let mut lines = Lines::default();
        let long = "x".repeat(CHUNK_BYTES);
        for (of, line) in [("Patient", "a"), ("Basic", "b"), ("Patient", &*long), ("Patient", "c")] {
            lines.push(Role::Output, of, line).unwrap();
        }
        let chunks = lines.chunks().unwrap();
        let text = |of: &str| -> Vec<u8> {
            let own = chunks.iter().filter(|chunk| chunk.of == of);
            own.flat_map(|chunk| unpack(&chunk.body, chunk.bytes).unwrap()).collect()
        };
        assert_eq!(text("Patient"), format!("a\n{long}\nc\n").into_bytes());
        assert_eq!(text("Basic"), b"b\n");
        assert_eq!(chunks.iter().map(|chunk| chunk.resources).sum::<i64>(), 4);
        assert!(unpack(&chunks[0].body, chunks[0].bytes + 1).is_err());
        assert!(unpack(b"junk", 4).is_err());
    }
}
