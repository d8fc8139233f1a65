//! One connection, from its first byte to its last.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    PING_INTERVAL, PING_TIMEOUT, Serve, ServeLimits,
    body::{Answer, Paced},
    io::Watched,
    phase::{Phase, Phases},
};
use crate::{ClientCertificate, PeerAddr, limits::HEADERS_BYTES_MAX};

/// How long a connection that is told to end may take to say so to its client.
const FAREWELL: Duration = Duration::from_secs(1);

/// The other end of a connection.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: PeerAddr,
    pub(super) certificate: Option<ClientCertificate>,
}

pub(super) async fn converse<S>(
    stream: S,
    is_h2: bool,
    serve: &Arc<Serve>,
    peer: Peer,
    closing: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &serve.limits;
    let (phases, mut phase) = Phases::new();
    let io = TokioIo::new(Watched::new(stream, is_h2, phases.clone(), limits.write_stall));
    let answering = serve.clone();
    let service = service_fn(move |request| answer(answering.clone(), phases.clone(), peer.clone(), request));
    let builder = builder(limits);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut is_closing = false;
    loop {
        let now = *phase.borrow_and_update();
        let overdue = async {
            match now.limit(limits) {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended_with(ended),
            () = closing.cancelled(), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
                if now == Phase::Fresh {
                    return;
                }
            }
            // The phase has changed: its limit is another. The sender lives as long as the connection.
            _ = phase.changed() => {}
            () = overdue => break,
        }
    }
    // A quiet client is told that this is the end; one that owes us its headers is not waited for.
    if *phase.borrow() == Phase::Quiet {
        connection.as_mut().graceful_shutdown();
        if let Ok(ended) = timeout(FAREWELL, connection).await {
            ended_with(ended);
        }
    }
}

fn ended_with(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

fn builder(limits: &ServeLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let headers_bytes_max = usize::try_from(HEADERS_BYTES_MAX).unwrap_or(usize::MAX);
    // hyper's own timer does not tell a quiet connection from a half-sent header; ours does, and this stands behind it.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.keep_alive.max(limits.header))
        .max_buf_size(headers_bytes_max);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

async fn answer(
    serve: Arc<Serve>,
    phases: Phases,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let answering = phases.request();
    let mut request = request.map(|body| Body::new(Paced::new(body, &serve.limits)));
    request.extensions_mut().insert(peer.address);
    if let Some(certificate) = peer.certificate {
        request.extensions_mut().insert(certificate);
    }
    let response = serve.app.clone().oneshot(request).await?;
    Ok(response.map(|body| Answer { body, _answering: answering }))
}
