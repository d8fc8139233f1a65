//! Real sockets: clients that are slow, half-hearted, many, or there when we leave.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Bytes, routing::get as on_get, routing::post};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use web::{Answer, Dialect, Families, Health, Metrics, Serve, ServeFault, ServeLimits, Shutdown, serve};

use crate::around;

/// Long for what should happen within tens of milliseconds, and short for a test that fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub metrics: Metrics,
    task: JoinHandle<Result<(), ServeFault>>,
}

pub async fn run(app: Router, tls: Option<web::Tls>, limits: ServeLimits) -> Running {
    run_until(Shutdown::new(), app, tls, limits).await
}

async fn run_until(shutdown: Shutdown, app: Router, tls: Option<web::Tls>, limits: ServeLimits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::new();
    let (signal, served) = (shutdown.clone(), Serve { app, tls, limits, metrics: metrics.clone() });
    #[expect(clippy::disallowed_methods, reason = "the test ends it by its shutdown")]
    let task = tokio::spawn(async move { serve(listener, served, &signal).await });
    Running { address, shutdown, metrics, task }
}

impl Running {
    pub async fn end(self) {
        self.shutdown.begin();
        timeout(PATIENCE, self.task).await.expect("ends").unwrap().unwrap();
    }
}

async fn read_all(bytes: Bytes) -> String {
    bytes.len().to_string()
}

async fn read_json(web::Json(value): web::Json<serde_json::Value>) -> Answer<String> {
    Ok(value.to_string())
}

fn app() -> Router {
    let routes = Router::new()
        .route("/", on_get(|| async { "hello" }))
        .route("/bytes", post(read_all))
        .route("/json", post(read_json))
        .route("/endless", on_get(endless));
    around(
        "http://127.0.0.1:1/",
        Families::new().with(Dialect::ProblemJson, routes).build(Dialect::ProblemJson),
    )
}

async fn endless() -> axum::body::Body {
    let chunk = || Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 64 * 1024]));
    axum::body::Body::from_stream(futures_util::stream::repeat_with(chunk))
}

/// Limits of half a second where `set` shortens them, and beyond the test's patience where not.
fn limits(set: impl FnOnce(&mut ServeLimits, Duration)) -> ServeLimits {
    let long = PATIENCE * 6;
    let mut limits = ServeLimits {
        header: long,
        body_idle: long,
        keep_alive: long,
        write_stall: long,
        handshake: long,
        finish: long,
        ..ServeLimits::default()
    };
    set(&mut limits, Duration::from_millis(500));
    limits
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.unwrap()
}

/// What comes until the other side closes; a reset is a close.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("closed in time");
    if let Err(error) = read {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer, whose end is this text.
async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("in time").unwrap();
        assert_ne!(read, 0, "closed after {}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_half_sent_header_is_closed() {
    let running = run(app(), None, limits(|limits, short| limits.header = short)).await;
    for half in
        ["", "G", "GET / HTTP/1.1\r\nHost: a", "PRI * HTTP/2.0\r\n\r\nSM", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let mut stream = connect(&running).await;
        stream.write_all(half.as_bytes()).await.unwrap();
        let said = until_closed(&mut stream).await;
        assert!(!said.starts_with("HTTP/1.1 200"), "{half:?}: {said}");
    }
    running.end().await;
}

#[tokio::test]
async fn a_quiet_connection_is_kept_and_then_closed() {
    let running = run(app(), None, limits(|limits, short| limits.keep_alive = short)).await;
    let mut stream = connect(&running).await;
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        until(&mut stream, "hello").await;
    }
    assert_eq!(until_closed(&mut stream).await, "");
    running.end().await;
}

#[tokio::test]
async fn the_second_half_sent_header_is_closed_too() {
    let running = run(app(), None, limits(|limits, short| limits.header = short)).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until(&mut stream, "hello").await;
    stream.write_all(b"GET / HTT").await.unwrap();
    assert_eq!(until_closed(&mut stream).await, "");
    running.end().await;
}

#[tokio::test]
async fn a_body_that_stops_is_408_in_the_familys_dialect() {
    let running = run(app(), None, limits(|limits, short| limits.body_idle = short)).await;
    let mut stream = connect(&running).await;
    let head =
        b"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head).await.unwrap();
    let said = until_closed(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.contains("application/problem+json") && said.contains("connection: close"), "{said}");
    running.end().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_before_it_is_sent() {
    let running = run(app(), None, limits(|_, _| {})).await;
    let mut stream = connect(&running).await;
    let head =
        "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let said = until_closed(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("application/problem+json"), "{said}");
    running.end().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let running = run(app(), None, limits(|limits, short| limits.write_stall = short)).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut first = [0_u8; 1];
    stream.read_exact(&mut first).await.unwrap();
    let gone = async {
        while running.metrics.encode().contains("hilum_http_connections 1") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("its connection is given up");
    running.end().await;
}

#[tokio::test]
async fn headers_over_the_limit_are_refused() {
    let running = run(app(), None, limits(|_, _| {})).await;
    let mut stream = connect(&running).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    stream.write_all(request.as_bytes()).await.unwrap();
    let said = until_closed(&mut stream).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431 "), "{said}");
    running.end().await;
}

#[tokio::test]
async fn ambiguous_lengths_are_refused_and_the_connection_closed() {
    let running = run(app(), None, limits(|_, _| {})).await;
    for headers in [
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +1\r\n",
    ] {
        let mut stream = connect(&running).await;
        let request = format!(
            "POST /bytes HTTP/1.1\r\nHost: a\r\n{headers}\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let said = until_closed(&mut stream).await;
        assert!(!said.contains("hello"), "the smuggled request was answered: {headers:?}: {said}");
    }
    running.end().await;
}

#[tokio::test]
async fn an_address_with_too_many_connections_is_refused_at_once() {
    let running = run(app(), None, limits(|limits, _| limits.connections_per_address_max = 2)).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&running).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        until(&mut stream, "hello").await;
        streams.push(stream);
    }
    assert_eq!(until_closed(&mut connect(&running).await).await, "");
    assert!(running.metrics.encode().contains("hilum_http_connections_refused_total 1"));
    running.end().await;
}

#[tokio::test]
async fn shutdown_lets_what_is_in_flight_finish() {
    let (entered, mut entries) = mpsc::channel(1);
    let (leave, leaving) = tokio::sync::watch::channel(false);
    let slow = move || {
        let (entered, mut leaving) = (entered.clone(), leaving.clone());
        async move {
            entered.send(()).await.unwrap();
            leaving.wait_for(|leave| *leave).await.unwrap();
            "finished"
        }
    };
    let running = run(Router::new().route("/", on_get(slow)), None, limits(|_, _| {})).await;
    let mut quiet = connect(&running).await;
    let mut busy = connect(&running).await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    entries.recv().await.unwrap();
    running.shutdown.begin();
    assert_eq!(until_closed(&mut quiet).await, "");
    assert!(TcpStream::connect(running.address).await.is_err(), "nobody listens any more");
    leave.send(true).unwrap();
    assert!(until_closed(&mut busy).await.ends_with("finished"));
    running.end().await;
}

#[tokio::test]
async fn readiness_is_red_before_the_door_closes() {
    let shutdown = Shutdown::new();
    let limits = limits(|limits, _| limits.linger = PATIENCE * 6);
    let running = run_until(shutdown.clone(), Health::new(&shutdown).routes(), None, limits).await;
    for expected in ["HTTP/1.1 200", "HTTP/1.1 503"] {
        let mut stream = connect(&running).await;
        let request = b"GET /health/ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let said = until_closed(&mut stream).await;
        assert!(said.starts_with(expected), "{said}");
        shutdown.begin();
    }
    running.task.abort();
}

/// Frames by hand (RFC 9113 §4.1): hyper's own client would answer pings and settings for us.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn http2_in_the_clear_is_answered_and_its_quiet_connections_are_closed() {
    const SETTINGS: u8 = 4;
    const HEADERS: u8 = 1;
    const END_OF_STREAM_AND_HEADERS: u8 = 5;
    let running = run(app(), None, limits(|limits, short| limits.keep_alive = short)).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    // HPACK (RFC 7541 Appendix A): `:method: GET`, `:scheme: http`, `:path: /`, `:authority: a`.
    let headers = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
    stream.write_all(&frame(HEADERS, END_OF_STREAM_AND_HEADERS, 1, &headers)).await.unwrap();
    let said = until_closed(&mut stream).await;
    assert!(said.contains("hello"), "{said:?}");
    running.end().await;
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let stuck = || std::future::pending::<&'static str>();
    let limits = limits(|limits, short| limits.finish = short);
    let running = run(Router::new().route("/", on_get(stuck)), None, limits).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    running.shutdown.begin();
    assert_eq!(until_closed(&mut stream).await, "");
    running.end().await;
}
