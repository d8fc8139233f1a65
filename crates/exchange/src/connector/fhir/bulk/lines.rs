//! Lines of a file as it comes in, in bounded memory.  <https://github.com/ndjson/ndjson-spec>

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream::BoxStream};
use outbound::OutboundFault;

use crate::connector::{PullFault, way::unanswered};

/// The longest line.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// The longest that nothing may come.
pub const FILE_SILENCE_MAX: Duration = Duration::from_secs(60);

/// The lines of a file, from where they were read to.
pub(super) struct Lines<B> {
    body: BoxStream<'static, Result<B, OutboundFault>>,
    buffer: Vec<u8>,
    /// Up to here the buffer was looked through.
    looked: usize,
    /// Up to here the buffer was taken.
    taken: usize,
    is_ended: bool,
}

impl<B: AsRef<[u8]> + Send + 'static> Lines<B> {
    pub fn of(body: impl Stream<Item = Result<B, OutboundFault>> + Send + 'static) -> Self {
        Self { body: body.boxed(), buffer: Vec::new(), looked: 0, taken: 0, is_ended: false }
    }

    /// The next line without its end; none behind the last one. What is no UTF-8 is told by whoever reads it.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, PullFault> {
        loop {
            let behind = self.buffer.get(self.looked..).unwrap_or_default();
            if let Some(at) = behind.iter().position(|byte| *byte == b'\n') {
                let end = self.looked + at;
                let line = self.buffer.get(self.taken..end).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                (self.taken, self.looked) = (end + 1, end + 1);
                match line.iter().all(u8::is_ascii_whitespace) {
                    true => continue,
                    false => return Ok(Some(line)),
                }
            }
            if self.is_ended {
                let rest = self.buffer.split_off(self.taken);
                (self.buffer, self.taken, self.looked) = (Vec::new(), 0, 0);
                return Ok((!rest.iter().all(u8::is_ascii_whitespace)).then_some(rest));
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), PullFault> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.looked = self.buffer.len();
        if self.buffer.len() > LINE_BYTES_MAX {
            return Err(PullFault::last("a line of the source's file is too long"));
        }
        let chunk = tokio::time::timeout(FILE_SILENCE_MAX, self.body.next()).await;
        match chunk.map_err(|_| PullFault::again("the source does not answer in time"))? {
            Some(Ok(chunk)) => self.buffer.extend_from_slice(chunk.as_ref()),
            Some(Err(fault)) => return Err(unanswered(&fault)),
            None => self.is_ended = true,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn lines_are_the_same_however_they_are_cut() {
        let text = "{\"a\":1}\n\r\n{\"b\":\"é\"}\r\n  \nlast";
        for size in 1..text.len() {
            let chunks: Vec<Result<Vec<u8>, OutboundFault>> =
                text.as_bytes().chunks(size).map(|chunk| Ok(chunk.to_vec())).collect();
            let mut lines = Lines::of(stream::iter(chunks));
            let mut all = Vec::new();
            while let Some(line) = lines.next().await.unwrap() {
                all.push(String::from_utf8(line).unwrap());
            }
            assert_eq!(all, ["{\"a\":1}", "{\"b\":\"é\"}", "last"], "{size}");
        }
    }

    #[tokio::test]
    async fn a_line_that_breaks_off_is_none_and_one_that_never_ends_is_too_long() {
        let broken = vec![Ok(b"{\"a\":1}\n{\"b\"".to_vec()), Err(OutboundFault::TimedOut)];
        let mut lines = Lines::of(stream::iter(broken));
        assert!(lines.next().await.unwrap().is_some());
        assert!(lines.next().await.is_err());
        let endless = stream::repeat_with(|| Ok(vec![b' '; 1 << 20]));
        assert!(matches!(Lines::of(endless).next().await, Err(PullFault::Final { .. })));
    }
}
