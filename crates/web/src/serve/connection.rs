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
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    PING_INTERVAL, PING_TIMEOUT, Serve, ServeLimits,
    body::{Answer, Paced},
    io::Watched,
    phase::{Phase, Phases, Standing},
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
    let phases = Phases::new();
    let io = TokioIo::new(Watched::new(stream, is_h2, phases.clone(), limits.write_stall));
    let (answering, told) = (serve.clone(), phases.clone());
    let service = service_fn(move |request| answer(answering.clone(), told.clone(), peer.clone(), request));
    let builder = builder(limits);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut look = pin!(sleep(limits.header.min(limits.keep_alive)));
    let mut is_closing = false;
    let overdue = loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended_with(ended),
            () = closing.cancelled(), if !is_closing => {
                is_closing = true;
                connection.as_mut().graceful_shutdown();
                if phases.now() == Phase::Fresh {
                    return;
                }
            }
            () = look.as_mut() => match phases.standing(limits, Instant::now()) {
                Standing::Until(then) => look.as_mut().reset(then),
                Standing::Overdue(phase) => break phase,
            },
        }
    };
    // A quiet client is told that this is the end; one that owes us its headers is not waited for.
    if overdue == Phase::Quiet {
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
    // hyper's own timer does not tell a quiet connection from a half-sent header, and is set anew for every request;
    // ours does, and is not.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(headers_bytes_max);
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
