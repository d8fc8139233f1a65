//! One keep-alive HTTP/1.1 connection, blocking, so that little stands between the clock and the socket.  RFC 9112

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// A call that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of an answer that is read.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// The longest body of an answer that is sent in chunks.
const CHUNKED_BYTES_MAX: usize = 256 << 20;

/// What the bytes go through: a socket, or TLS over one.
pub trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

pub struct Connection {
    stream: Box<dyn Stream>,
    bytes: Vec<u8>,
}

/// An answer, read to its end.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The values of a field, by its name in lower case.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &str> {
        fields(self.head, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

impl Connection {
    pub fn open(port: u16) -> std::io::Result<Self> {
        Ok(Self::over(Box::new(socket(port)?)))
    }

    pub fn over(stream: Box<dyn Stream>) -> Self {
        Self { stream, bytes: Vec::with_capacity(HEAD_BYTES_MAX) }
    }

    /// Send a request, written out, and read its answer.
    pub fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        self.bytes.clear();
        let head_ends = loop {
            if let Some(at) = self.bytes.windows(END_OF_HEAD.len()).position(|four| four == END_OF_HEAD) {
                break at + END_OF_HEAD.len();
            }
            self.read_more(HEAD_BYTES_MAX)?;
        };
        let head =
            std::str::from_utf8(&self.bytes[..head_ends]).map_err(|_| broken("the head is not text"))?;
        let is_chunked = fields(head, "transfer-encoding").any(|coding| coding == "chunked");
        let length = fields(head, "content-length").next().and_then(|text| text.parse::<usize>().ok());
        if is_chunked {
            self.read_chunks(head_ends)?;
        } else {
            let ends = head_ends + length.ok_or_else(|| broken("an answer that does not say its length"))?;
            while self.bytes.len() < ends {
                self.read_more(ends)?;
            }
        }
        let (head, body) = self.bytes.split_at(head_ends);
        let head = std::str::from_utf8(head).map_err(|_| broken("the head is not text"))?;
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        Ok(Answer { status: status.ok_or_else(|| broken("no status"))?, head, body })
    }

    /// Chunks become one body, in its place.  RFC 9112, section 7.1
    fn read_chunks(&mut self, head_ends: usize) -> std::io::Result<()> {
        let mut body = Vec::new();
        let mut at = head_ends;
        loop {
            let line_ends = loop {
                let rest = self.bytes.get(at..).unwrap_or_default();
                if let Some(length) = rest.windows(2).position(|two| two == b"\r\n") {
                    break at + length;
                }
                self.read_more(CHUNKED_BYTES_MAX)?;
            };
            let size = std::str::from_utf8(&self.bytes[at..line_ends]).ok().and_then(|line| {
                let size = line.split(';').next().unwrap_or_default();
                usize::from_str_radix(size.trim(), 16).ok()
            });
            let size = size.ok_or_else(|| broken("a chunk without a size"))?;
            let (from, until) = (line_ends + 2, line_ends + 2 + size);
            while self.bytes.len() < until + 2 {
                self.read_more(CHUNKED_BYTES_MAX)?;
            }
            body.extend_from_slice(&self.bytes[from..until]);
            at = until + 2;
            if size == 0 {
                self.bytes.truncate(head_ends);
                self.bytes.extend_from_slice(&body);
                return Ok(());
            }
        }
    }

    fn read_more(&mut self, bytes_max: usize) -> std::io::Result<()> {
        let mut piece = [0; 16 * 1024];
        let read = self.stream.read(&mut piece)?;
        if read == 0 || self.bytes.len() + read > bytes_max.max(HEAD_BYTES_MAX) {
            return Err(broken("cut short, or too long"));
        }
        self.bytes.extend_from_slice(&piece[..read]);
        Ok(())
    }
}

/// A socket on this machine that waits for nothing and for nobody too long.
pub fn socket(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn broken(why: &str) -> std::io::Error {
    std::io::Error::other(String::from(why))
}

fn fields<'a>(head: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(move |(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
