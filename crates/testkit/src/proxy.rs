//! A proxy on loopback between a client and an HTTP server that does to answers what networks and servers do. Which answer meets what is chance that
//! repeats.

#![expect(clippy::expect_used, reason = "this runs in tests only")]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use kernel::Entropy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::SeededEntropy;

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It comes late.
    Delay,
    /// The connection ends before it.
    Reset,
    /// The connection ends within it.
    Truncate,
    /// One byte of the body is another one, which no text has.
    Corrupt,
    /// It comes byte by byte.
    Drip,
    /// The server is said to have trouble: 503.
    Unavailable,
    /// The server is said to have had enough: 429 with `Retry-After`.
    Throttled,
}

const ALL: [Trouble; 7] = [
    Trouble::Delay,
    Trouble::Reset,
    Trouble::Truncate,
    Trouble::Corrupt,
    Trouble::Drip,
    Trouble::Unavailable,
    Trouble::Throttled,
];
/// The longest head of a request that is read.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The longest body of a request that is passed on.
const BODY_BYTES_MAX: usize = 1 << 20;
/// How late an answer comes that is delayed.
const DELAY: Duration = Duration::from_millis(50);
/// Bytes of an answer that drip one by one; the rest comes at once.
const DRIPS: usize = 64;

/// The proxy; it ends when this is dropped.
pub struct FaultProxy {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    _serving: JoinSet<()>,
}

struct Shared {
    upstream: SocketAddr,
    chance: SeededEntropy,
    percent: AtomicU8,
    answers: AtomicU64,
    met: Mutex<Vec<Trouble>>,
    always: Mutex<Option<Trouble>>,
}

impl FaultProxy {
    /// Between its own address and the server's, with trouble for so many of a hundred answers.
    pub async fn open(upstream: SocketAddr, seed: u64, percent: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            upstream,
            chance: SeededEntropy::new(seed),
            percent: AtomicU8::new(percent),
            answers: AtomicU64::new(0),
            met: Mutex::default(),
            always: Mutex::default(),
        });
        let (own, mut serving) = (Arc::clone(&shared), JoinSet::new());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let own = Arc::clone(&own);
                connections.spawn(async move { drop(own.serve(client).await) });
            }
        });
        Self { address, shared, _serving: serving }
    }

    /// From now on trouble for so many of a hundred answers.
    pub fn trouble(&self, percent: u8) {
        self.shared.percent.store(percent, Relaxed);
    }

    /// From now on this for every answer; none for what chance brings.
    pub fn always(&self, trouble: Option<Trouble>) {
        *self.shared.always.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// How many answers have come through, whole or not.
    pub fn answers(&self) -> u64 {
        self.shared.answers.load(Relaxed)
    }

    /// What they met.
    pub fn met(&self) -> Vec<Trouble> {
        self.shared.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn draw(&self) -> Option<Trouble> {
        let mut bytes = [0; 2];
        self.chance.fill(&mut bytes);
        let [whether, which] = bytes;
        let is_met = u16::from(whether) * 100 < u16::from(self.percent.load(Relaxed)) * 256;
        let always = *self.always.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble =
            always.or_else(|| ALL.get(usize::from(which) % ALL.len()).copied().filter(|_| is_met))?;
        self.met.lock().unwrap_or_else(PoisonError::into_inner).push(trouble);
        Some(trouble)
    }

    /// One request: the connection ends with its answer.
    async fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(request) = request(&mut client).await? else { return Ok(()) };
        self.answers.fetch_add(1, Relaxed);
        let trouble = self.draw();
        match trouble {
            Some(Trouble::Reset) => return Ok(()),
            Some(Trouble::Unavailable) => return client.write_all(UNAVAILABLE).await,
            Some(Trouble::Throttled) => return client.write_all(THROTTLED).await,
            Some(Trouble::Delay) => sleep(DELAY).await,
            _ => {}
        }
        let mut server = TcpStream::connect(self.upstream).await?;
        server.write_all(&request).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        match trouble {
            Some(Trouble::Truncate) => {
                client.write_all(answer.get(..answer.len() / 2).unwrap_or_default()).await?
            }
            Some(Trouble::Corrupt) => {
                if let Some(byte) = answer.last_mut() {
                    *byte = 0;
                }
                client.write_all(&answer).await?;
            }
            Some(Trouble::Drip) => {
                let (drips, rest) = answer.split_at(answer.len().min(DRIPS));
                for drip in drips.chunks(1) {
                    client.write_all(drip).await?;
                    client.flush().await?;
                }
                client.write_all(rest).await?;
            }
            _ => client.write_all(&answer).await?,
        }
        client.shutdown().await
    }
}

const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const THROTTLED: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A request with its body, asking for the connection to be closed behind its answer.
async fn request(client: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut read = Vec::new();
    let mut block = [0; 4096];
    let head = loop {
        if let Some(end) = read.windows(4).position(|end| end == b"\r\n\r\n") {
            break end + 4;
        }
        let bytes = client.read(&mut block).await?;
        if bytes == 0 || read.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
        read.extend_from_slice(block.get(..bytes).unwrap_or_default());
    };
    let text = String::from_utf8_lossy(read.get(..head).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text
        .split("\r\n")
        .filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    let length = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.unwrap_or(0).min(BODY_BYTES_MAX);
    while read.len() < head + length {
        let bytes = client.read(&mut block).await?;
        if bytes == 0 {
            return Ok(None);
        }
        read.extend_from_slice(block.get(..bytes).unwrap_or_default());
    }
    let mut whole = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n")).into_bytes();
    whole.extend_from_slice(read.get(head..).unwrap_or_default());
    Ok(Some(whole))
}
