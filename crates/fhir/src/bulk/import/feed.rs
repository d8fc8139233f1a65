//! Bytes as they come, unpacked where they are packed, cut into pieces that end where a line ends. No more is held than one piece, one
//! line, and what one block of packed bytes unpacks to.

use std::io::Write;

use flate2::write::MultiGzDecoder;

use crate::{bulk::chunk::CHUNK_BYTES, interaction::RECORD_BYTES_MAX};

/// Packed bytes that are unpacked at once: at the most a thousand times as many come of them.
const BLOCK_BYTES: usize = 4 << 10;
/// What packed bytes begin with.  RFC 1952 §2.3.1
const PACKED: [u8; 2] = [0x1f, 0x8b];

/// Lines, each with a line feed at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub text: String,
    /// How many bytes of the feed that was.
    pub bytes: u64,
}

/// Why a feed goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FeedFault {
    #[error("there are more than {0} bytes")]
    TooLarge(u64),
    #[error("a line is longer than {RECORD_BYTES_MAX} bytes")]
    LongLine,
    #[error("a line is not UTF-8")]
    NotText,
    #[error("the packed bytes are damaged")]
    Damaged,
}

/// How the bytes come.
enum Coding {
    /// Seen from the first two bytes, which are held until then.
    Unknown(Vec<u8>),
    Plain,
    Packed(Box<MultiGzDecoder<Vec<u8>>>),
}

/// Bytes on their way into pieces.
pub(super) struct Feed {
    coding: Coding,
    /// Bytes that were dealt with before, and are passed over.
    skip: u64,
    held: Vec<u8>,
    passed: u64,
    bytes_max: u64,
}

impl Feed {
    /// So many bytes at the most; the first ones, which were dealt with before, are passed over.
    pub fn new(bytes_max: u64, skip: u64) -> Self {
        Self { coding: Coding::Unknown(Vec::new()), skip, held: Vec::new(), passed: 0, bytes_max }
    }

    /// Of the same, from so many bytes on: nothing is packed there.
    pub fn from(bytes_max: u64, at: u64) -> Self {
        Self { coding: Coding::Plain, skip: 0, held: Vec::new(), passed: at, bytes_max }
    }

    /// Whether the bytes come packed.
    pub const fn is_packed(&self) -> bool {
        matches!(self.coding, Coding::Packed(_))
    }

    /// How many bytes have come, unpacked.
    pub const fn passed(&self) -> u64 {
        self.passed
    }

    /// More bytes; the pieces that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, FeedFault> {
        let mut pieces = Vec::new();
        let first = match &mut self.coding {
            Coding::Unknown(first) => {
                first.extend_from_slice(bytes);
                if first.len() < PACKED.len() {
                    return Ok(pieces);
                }
                let first = std::mem::take(first);
                self.coding = match first.starts_with(&PACKED) {
                    true => Coding::Packed(Box::new(MultiGzDecoder::new(Vec::new()))),
                    false => Coding::Plain,
                };
                Some(first)
            }
            _ => None,
        };
        for block in first.as_deref().unwrap_or(bytes).chunks(BLOCK_BYTES) {
            match &mut self.coding {
                Coding::Packed(unpacking) => {
                    unpacking.write_all(block).map_err(|_| FeedFault::Damaged)?;
                    let plain = std::mem::take(unpacking.get_mut());
                    self.take(&plain, &mut pieces)?;
                }
                _ => self.take(block, &mut pieces)?,
            }
        }
        Ok(pieces)
    }

    /// There are no more bytes.
    pub fn end(&mut self) -> Result<Vec<Piece>, FeedFault> {
        let mut pieces = Vec::new();
        match std::mem::replace(&mut self.coding, Coding::Plain) {
            Coding::Unknown(first) => self.take(&first, &mut pieces)?,
            Coding::Plain => {}
            Coding::Packed(unpacking) => {
                let plain = unpacking.finish().map_err(|_| FeedFault::Damaged)?;
                self.take(&plain, &mut pieces)?;
            }
        }
        if !self.held.is_empty() {
            pieces.push(piece(std::mem::take(&mut self.held))?);
        }
        Ok(pieces)
    }

    fn take(&mut self, plain: &[u8], pieces: &mut Vec<Piece>) -> Result<(), FeedFault> {
        self.passed += u64::try_from(plain.len()).unwrap_or(u64::MAX);
        if self.passed > self.bytes_max {
            return Err(FeedFault::TooLarge(self.bytes_max));
        }
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(plain.len());
        self.skip -= u64::try_from(skipped).unwrap_or_default();
        let plain = plain.get(skipped..).unwrap_or_default();
        let Some(ends) = plain.iter().rposition(|byte| *byte == b'\n') else {
            self.held.extend_from_slice(plain);
            return match self.held.len() > CHUNK_BYTES + RECORD_BYTES_MAX {
                true => Err(FeedFault::LongLine),
                false => Ok(()),
            };
        };
        let (lines, rest) = plain.split_at(ends + 1);
        self.held.extend_from_slice(lines);
        if self.held.len() >= CHUNK_BYTES {
            pieces.push(piece(std::mem::take(&mut self.held))?);
        }
        self.held.extend_from_slice(rest);
        Ok(())
    }
}

fn piece(held: Vec<u8>) -> Result<Piece, FeedFault> {
    let bytes = u64::try_from(held.len()).unwrap_or(u64::MAX);
    let mut text = String::from_utf8(held).map_err(|_| FeedFault::NotText)?;
    if text.lines().any(|line| line.len() > RECORD_BYTES_MAX) {
        return Err(FeedFault::LongLine);
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(Piece { text, bytes })
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut packing = GzEncoder::new(Vec::new(), Compression::default());
        packing.write_all(text.as_bytes()).unwrap();
        packing.finish().unwrap()
    }

    /// What comes of bytes in blocks of so many.
    fn fed(mut feed: Feed, bytes: &[u8], block: usize) -> Result<(String, u64), FeedFault> {
        let mut all = Vec::new();
        for block in bytes.chunks(block) {
            all.extend(feed.push(block)?);
        }
        all.extend(feed.end()?);
        assert!(all.iter().all(|piece| piece.text.ends_with('\n')));
        Ok((all.iter().map(|piece| &*piece.text).collect(), all.iter().map(|piece| piece.bytes).sum()))
    }

    #[test]
    fn lines_come_whole_however_the_bytes_come() {
        let lines: String =
            (0..40_000).map(|nth| format!("{{\"n\":\"{nth} є — {}\"}}\n", "x".repeat(60))).collect();
        let (without_end, length) = (lines.trim_end(), u64::try_from(lines.len()).unwrap());
        for block in [1_000, 7_777, 1 << 20] {
            assert_eq!(fed(Feed::new(1 << 30, 0), lines.as_bytes(), block), Ok((lines.clone(), length)));
            assert_eq!(
                fed(Feed::new(1 << 30, 0), without_end.as_bytes(), block),
                Ok((lines.clone(), length - 1))
            );
            assert_eq!(fed(Feed::new(1 << 30, 0), &packed(&lines), block), Ok((lines.clone(), length)));
            // Two members, one after the other, are one file.  RFC 1952 §2.2
            let two = [packed(&lines), packed(&lines)].concat();
            assert_eq!(fed(Feed::new(1 << 30, 0), &two, block), Ok((lines.repeat(2), length * 2)));
        }
        let cut = lines.match_indices('\n').nth(20_000).unwrap().0 + 1;
        let (skip, rest) = (u64::try_from(cut).unwrap(), &lines[cut..]);
        let left = length - skip;
        for bytes in [lines.clone().into_bytes(), packed(&lines)] {
            assert_eq!(fed(Feed::new(1 << 30, skip), &bytes, 1 << 16), Ok((rest.to_owned(), left)));
        }
        assert_eq!(fed(Feed::from(1 << 30, skip), rest.as_bytes(), 1 << 16), Ok((rest.to_owned(), left)));
        assert_eq!(fed(Feed::new(10, 0), b"", 1), Ok((String::new(), 0)));
        assert_eq!(fed(Feed::new(10, 0), b"x", 1), Ok(("x\n".to_owned(), 1)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let many = "x\n".repeat(1 << 20);
        assert_eq!(fed(Feed::new(1 << 20, 0), many.as_bytes(), 1 << 16), Err(FeedFault::TooLarge(1 << 20)));
        assert_eq!(fed(Feed::new(1 << 20, 0), &packed(&many), 1 << 16), Err(FeedFault::TooLarge(1 << 20)));
        assert_eq!(fed(Feed::from(10, 10), b"x", 1), Err(FeedFault::TooLarge(10)));
        let long = "x".repeat(RECORD_BYTES_MAX + 1) + "\n";
        assert_eq!(fed(Feed::new(1 << 30, 0), long.as_bytes(), 1 << 20), Err(FeedFault::LongLine));
        let endless = vec![b'x'; CHUNK_BYTES + RECORD_BYTES_MAX + 1];
        assert_eq!(Feed::new(1 << 30, 0).push(&endless), Err(FeedFault::LongLine));
        assert_eq!(fed(Feed::new(100, 0), &[b'a', 0xff, b'\n'], 10), Err(FeedFault::NotText));
        let whole = packed("a\nb\n");
        assert_eq!(fed(Feed::new(100, 0), &whole[..whole.len() - 6], 10), Err(FeedFault::Damaged));
        assert_eq!(fed(Feed::new(100, 0), &[0x1f, 0x8b, 0, 0, 0, 0, 0, 0], 10), Err(FeedFault::Damaged));
    }
}
