//! Putting the application on a socket, with a limit on everything a client can take its time over.

mod asked;
mod body;
mod connection;
mod io;
mod phase;
mod seats;
mod tls;

use std::{io::ErrorKind, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

pub(crate) use body::SlowBody;
pub use tls::{Tls, TlsFault};

use crate::{ClientCertificate, Metrics, Networks, PeerAddr, Shutdown};
use connection::Peer;
use seats::{Seat, Seats};

/// How long clients may take, and how many there may be. `docs/limits.md` lists the defaults.
#[derive(Debug, Clone)]
pub struct ServeLimits {
    /// From the first byte of a request, or the start of a connection, to the end of the request's headers.
    pub header: Duration,
    /// Between two pieces of a request body.
    pub body_idle: Duration,
    /// Bytes per second that a request body must come at, after a head start of `body_idle`.
    pub body_rate_min: u32,
    /// Between the end of an answer and the next request.
    pub keep_alive: Duration,
    /// For a client to take the next piece of an answer.
    pub write_stall: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// Connections at a time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Connections at a time from one address (of IPv6: one /64); more are closed at once.
    pub connections_per_address_max: usize,
    /// Proxies, which may have as many connections as they like.
    pub trusted_proxies: Networks,
    /// Requests at a time on one HTTP/2 connection.
    pub streams_max: u32,
    /// From the start of the shutdown, when readiness turns red, until no more connections are accepted.
    pub linger: Duration,
    /// From then on, for requests in flight to finish.
    pub finish: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            body_rate_min: 1024,
            keep_alive: Duration::from_secs(60),
            write_stall: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            connections_max: 4096,
            connections_per_address_max: 256,
            trusted_proxies: Networks::default(),
            streams_max: 128,
            linger: Duration::ZERO,
            finish: Duration::from_secs(20),
        }
    }
}

/// How often an HTTP/2 peer is asked whether it is still there, and how long it may take to answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long accepting rests when the system has no more descriptors to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is served, and how.
#[derive(Clone)]
pub struct Serve {
    /// The application.
    pub app: Router,
    /// The certificate, if this listener speaks TLS.
    pub tls: Option<Tls>,
    /// The limits.
    pub limits: ServeLimits,
    /// Where connections are counted.
    pub metrics: Metrics,
}

/// Serving ended otherwise than by the shutdown.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// The socket is broken.
    #[error("the listening socket is broken")]
    Listener(#[source] std::io::Error),
}

/// Serve until the shutdown: then stop accepting, let requests in flight finish, and cut off what does not.
///
/// # Errors
/// [`ServeFault`] if the listening socket breaks.
pub async fn serve(listener: TcpListener, serve: Serve, shutdown: &Shutdown) -> Result<(), ServeFault> {
    let seats = Seats::new(&serve.limits, &serve.metrics);
    let serve = Arc::new(serve);
    let closing = CancellationToken::new();
    let mut connections = JoinSet::new();
    let ending = async {
        shutdown.begun().await;
        sleep(serve.limits.linger).await;
    };
    tokio::pin!(ending);
    let outcome = loop {
        tokio::select! {
            biased;
            () = &mut ending => break Ok(()),
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &seats) => match accepted {
                Ok(Some((stream, peer, seat))) => {
                    connections.spawn(connect(serve.clone(), stream, peer, closing.clone(), seat));
                }
                Ok(None) => {}
                Err(fault) => break Err(fault),
            },
        }
    };
    drop(listener);
    closing.cancel();
    let left = async { while connections.join_next().await.is_some() {} };
    if timeout(serve.limits.finish, left).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off at the end of the shutdown's time");
    }
    connections.shutdown().await;
    outcome
}

/// The next connection that there is a seat for; none if its address has too many.
async fn accept(
    listener: &TcpListener,
    seats: &Seats,
) -> Result<Option<(TcpStream, PeerAddr, Seat)>, ServeFault> {
    let place = seats.place().await;
    match listener.accept().await {
        Ok((stream, peer)) => Ok(seats.take(place, peer.ip()).map(|seat| (stream, PeerAddr(peer), seat))),
        Err(error) => match error.kind() {
            // The client was gone before we came to it.
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => Ok(None),
            ErrorKind::InvalidInput | ErrorKind::NotConnected => Err(ServeFault::Listener(error)),
            _ => {
                tracing::warn!(%error, "cannot accept connections for the moment");
                sleep(ACCEPT_PAUSE).await;
                Ok(None)
            }
        },
    }
}

async fn connect(
    serve: Arc<Serve>,
    stream: TcpStream,
    peer: PeerAddr,
    closing: CancellationToken,
    _seat: Seat,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let Some(tls) = &serve.tls else {
        let peer = Peer { address: peer, certificate: None };
        return connection::converse(stream, false, &serve, peer, &closing).await;
    };
    let handshake = tls.acceptor().accept(stream);
    let shaken = tokio::select! {
        biased;
        () = closing.cancelled() => return,
        shaken = timeout(serve.limits.handshake, handshake) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let is_h2 = session.alpn_protocol() == Some(b"h2");
            let chain = session.peer_certificates().unwrap_or_default();
            let chain = chain.iter().map(|certificate| certificate.to_vec()).collect();
            let peer = Peer { address: peer, certificate: ClientCertificate::of_chain(chain) };
            connection::converse(stream, is_h2, &serve, peer, &closing).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}
