//! Listening, and dropping connections when an answer must get lost.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use kernel::World;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Sandbox, SandboxConfig, SandboxError, fault::Lost, router};

/// How many connections are open at the same time; more have to wait.
const CONNECTIONS_MAX: usize = 1_024;
/// How long a client may take over the head of a request.
const HEADER: Duration = Duration::from_secs(10);
/// How long requests may go on after the sandbox was told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long to wait when the system gives no connection: it is out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The answer was switched off; the connection is closed in its place.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox was told to lose this answer")]
struct AnswerLost;

/// Listen where the configuration says and serve until told to stop.
///
/// # Errors
/// [`SandboxError`] if it cannot start, or must not there.
pub async fn run(
    mut config: SandboxConfig,
    world: World,
    shutdown: CancellationToken,
) -> Result<(), SandboxError> {
    let address = config.listen;
    if !address.ip().is_loopback() && !config.beyond_loopback {
        return Err(SandboxError::BeyondLoopback(address));
    }
    let refused = |source| SandboxError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    // port 0 has become a real one
    config.listen = listener.local_addr().map_err(refused)?;
    let sandbox = Sandbox::open(config, world)?;
    tracing::info!(address = sandbox.issuer(), "the sandbox is ready; its people and their data are made up");
    serve(listener, sandbox, shutdown).await;
    Ok(())
}

/// Serve on a listener that is there already, until told to stop.
pub async fn serve(listener: TcpListener, sandbox: Arc<Sandbox>, shutdown: CancellationToken) {
    let app = router(sandbox);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Some((stream, place)) => {
                let (app, shutdown) = (app.clone(), shutdown.clone());
                open.spawn(async move {
                    connection(stream, app, shutdown).await;
                    drop(place);
                });
            }
            None => sleep(ACCEPT_PAUSE).await,
        }
    }
    // what is still open when the time is over is closed with the set
    drop(timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await);
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    let (stream, _) = listener.accept().await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some((stream, place))
}

async fn connection(stream: TcpStream, app: Router, shutdown: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| answer(app.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// hyper closes the connection without a byte when there is an error in place of an answer.
async fn answer(app: Router, request: Request<Incoming>) -> Result<Response, AnswerLost> {
    let outcome: Result<Response, Infallible> = app.oneshot(request.map(Body::new)).await;
    match outcome {
        Ok(answer) if answer.extensions().get::<Lost>().is_some() => Err(AnswerLost),
        Ok(answer) => Ok(answer),
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::sandbox::visit::{config, world};

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer).await);
        answer
    }

    #[tokio::test]
    async fn a_lost_answer_is_a_closed_connection_without_a_byte() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sandbox = Sandbox::open(config(), world().0).unwrap();
        let shutdown = CancellationToken::new();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&sandbox), shutdown.clone()));
        let lose = serde_json::from_str(r#"{"endpoints":{"profile":{"answer":{"kind":"lost"},"times":1}}}"#);
        sandbox.misbehave(lose.unwrap()).await.unwrap();
        let request = "GET /1/user/-/profile.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert_eq!(ask(address, request).await, "");
        assert!(ask(address, request).await.starts_with("HTTP/1.1 401"));
        shutdown.cancel();
        assert!(server.join_next().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn other_machines_are_not_let_in_by_accident() {
        let mut open = config();
        open.listen = "0.0.0.0:0".parse().unwrap();
        let refused = run(open, world().0, CancellationToken::new()).await;
        assert!(matches!(refused, Err(SandboxError::BeyondLoopback(_))));
    }
}
