//! Server-sent events as they come in.  HTML §9.2

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use outbound::{Answer, OutboundFault};

use super::ClientFault;

/// The largest event that is read, bytes.
pub const EVENT_BYTES_MAX: usize = 1 << 20;
/// What is read of one stream, bytes; then it is opened again where it ended.
const STREAM_BYTES_MAX: usize = 1 << 30;

/// An event; one without data only says where the stream has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Where the stream goes on behind it.
    pub id: Option<String>,
    /// Its type.
    pub event: String,
    /// What it says; none where nobody is told anything.
    pub data: Option<String>,
}

type Pieces = Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, OutboundFault>> + Send>>;

/// A stream of events.
pub struct Stream {
    pieces: Pieces,
    kept: BytesMut,
    next: Message,
}

impl Stream {
    pub(super) fn of(answer: Answer) -> Self {
        Self {
            pieces: Box::pin(answer.stream(STREAM_BYTES_MAX)),
            kept: BytesMut::new(),
            next: Message::default(),
        }
    }

    /// The next event; none where the stream has ended, as it does from time to time.
    ///
    /// # Errors
    /// An event that is larger than any of ours.
    pub async fn next(&mut self) -> Result<Option<Message>, ClientFault> {
        loop {
            while let Some(line) = self.line() {
                if let Some(message) = self.next.take(&line) {
                    return Ok(Some(message));
                }
            }
            let data = self.next.data.as_ref().map_or(0, String::len);
            if self.kept.len().saturating_add(data) > EVENT_BYTES_MAX {
                return Err(ClientFault::not_hilum());
            }
            match self.pieces.next().await {
                Some(Ok(piece)) => self.kept.extend_from_slice(&piece),
                // A stream that breaks is opened again like one that ends.
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }

    /// The next whole line, without its end. Ours end with a line feed.
    fn line(&mut self) -> Option<String> {
        let end = self.kept.iter().position(|byte| *byte == b'\n')?;
        let line = self.kept.split_to(end + 1);
        let text = String::from_utf8_lossy(&line).into_owned();
        Some(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}

impl Message {
    /// Take a line in; the event, where the line ends one that says something.
    fn take(&mut self, line: &str) -> Option<Self> {
        if line.is_empty() {
            let whole = std::mem::take(self);
            return (whole != Self::default()).then_some(whole);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&'static str]) -> Vec<Message> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pieces: Vec<Result<Bytes, OutboundFault>> =
            pieces.iter().map(|text| Ok(Bytes::from(*text))).collect();
        let mut stream = Stream {
            pieces: Box::pin(futures_util::stream::iter(pieces)),
            kept: BytesMut::new(),
            next: Message::default(),
        };
        runtime.block_on(async {
            let mut all = Vec::new();
            while let Some(message) = stream.next().await.unwrap() {
                all.push(message);
            }
            all
        })
    }

    fn message(id: Option<&str>, event: &str, data: Option<&str>) -> Message {
        Message { id: id.map(str::to_owned), event: event.to_owned(), data: data.map(str::to_owned) }
    }

    #[test]
    fn events_are_read_whatever_the_pieces_they_come_in() {
        let whole = read(&[": open\n\nid: 7-1\nevent: a.b\ndata: {}\n\n: alive\nid: 8-1\n\n"]);
        assert_eq!(whole, [message(Some("7-1"), "a.b", Some("{}")), message(Some("8-1"), "", None)]);
        assert_eq!(
            read(&[": open\n", "\nid: 7-", "1\r\nevent: a.b\ndata: {}\n", "\n: alive\nid: 8-1\n\n"]),
            whole
        );
        assert_eq!(read(&["data: a\ndata: b\n\n"]), [message(None, "", Some("a\nb"))]);
        assert_eq!(read(&["data: cut off"]), []);
    }
}
