//! What goes around every request.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{Extension, Router, body::Body, routing::get as on_get};
use http::Request;
use kernel::{Kind, RequestId};
use web::{Answer, ClientAddr, Dialect, Families, Metrics, PeerAddr};

use crate::{
    around, ask, get,
    testing::{Fell, Root},
};

async fn who(ClientAddr(address): ClientAddr, Extension(id): Extension<RequestId>) -> String {
    format!("{address} {id}")
}

async fn fall() -> Answer<&'static str> {
    Err(Fell { kind: Kind::Internal, source: Some(Root) })?
}

fn app(public_url: &str) -> Router {
    let long = || async { web::Json("x".repeat(4096)) };
    let routes = Router::new()
        .route("/who/{id}", on_get(who))
        .route("/fall", on_get(fall))
        .route("/long", on_get(long))
        .route(
            "/secret",
            on_get(move || async move { ([("cache-control", "no-store, no-transform")], long().await) }),
        );
    let tokens = Router::new().route("/token", on_get(long));
    let families = Families::new().with(Dialect::ProblemJson, routes).with(Dialect::OAuth, tokens);
    around(public_url, families.build(Dialect::ProblemJson))
}

#[tokio::test]
async fn request_ids_are_taken_over_only_where_they_are_well_formed() {
    let app = app("http://127.0.0.1:1/");
    let send = async |ids: &[&str]| {
        let mut request = Request::get("/who/1");
        for id in ids {
            request = request.header("x-request-id", *id);
        }
        let told = ask(&app, request.body(Body::empty()).unwrap()).await;
        let id = told.header("x-request-id").unwrap().to_owned();
        assert!(told.text.ends_with(&id), "{}", told.text);
        id
    };
    assert_eq!(send(&["abc-1_2"]).await, "abc-1_2");
    let ours = format!("req_{}", "07".repeat(16));
    for ids in [&["a b"] as &[&str], &[], &["a", "b"], &["{\"level\":\"info\"}"]] {
        assert_eq!(send(ids).await, ours, "{ids:?}");
    }
}

#[tokio::test]
async fn where_a_contract_wants_it_requests_are_numbered() {
    let manners = web::Manners {
        world: crate::testing::world().0,
        public_url: "http://127.0.0.1:1/".parse().unwrap(),
        trusted_proxies: web::Networks::default(),
        client_certificates: web::ClientCertificates::Ask,
        metrics: Metrics::new(),
        numbered: &["/numbered"],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    let app = manners.around(Router::new());
    let told = async |path: &str| get(&app, path).await.header("x-request-id").unwrap().to_owned();
    let process = "07070707-0707-4707-8707-070707070707";
    assert_eq!(told("/numbered").await, format!("{process}#1"));
    assert_eq!(told("/numbered/below?x").await, format!("{process}#2"));
    assert!(told("/numberedbeside").await.starts_with("req_"));
    let request = Request::get("/numbered").header("x-request-id", format!("{process}#1"));
    let again = ask(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        again.header("x-request-id"),
        Some(format!("{process}#1").as_str()),
        "one of ours is well formed"
    );
}

#[tokio::test]
async fn only_a_trusted_proxy_speaks_for_others() {
    let app = app("http://127.0.0.1:1/");
    for (peer, client) in [("203.0.113.9:1", "203.0.113.9"), ("10.0.0.1:1", "198.51.100.7")] {
        let request = Request::get("/who/1")
            .header("x-forwarded-for", "198.51.100.7")
            .extension(PeerAddr(peer.parse().unwrap()))
            .body(Body::empty());
        let told = ask(&app, request.unwrap()).await;
        assert!(told.text.starts_with(&format!("{client} ")), "{}", told.text);
    }
}

#[tokio::test]
async fn security_headers_are_on_every_answer() {
    for (public_url, hsts) in
        [("https://hilum.example/", Some("max-age=63072000")), ("http://127.0.0.1:1/", None)]
    {
        let app = app(public_url);
        for path in ["/who/1", "/nothing", "/fall"] {
            let told = get(&app, path).await;
            assert_eq!(told.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(told.header("referrer-policy"), Some("no-referrer"));
            assert_eq!(
                told.header("content-security-policy"),
                Some("default-src 'none'; frame-ancestors 'none'")
            );
            assert_eq!(told.header("strict-transport-security"), hsts);
        }
    }
}

#[tokio::test]
async fn what_may_hold_a_secret_is_not_compressed() {
    let app = app("https://hilum.example/");
    for (path, encoding) in [("/long", Some("gzip")), ("/secret", None), ("/token", None), ("/who/1", None)] {
        let request = Request::get(path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        let found = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(found, encoding, "{path}");
    }
}

#[tokio::test]
async fn a_url_over_the_limit_is_414() {
    let told = get(&app("http://127.0.0.1:1/"), &format!("/who/{}", "x".repeat(9000))).await;
    assert_eq!((told.status, told.header("content-type")), (414, Some("application/problem+json")));
}

/// Lines that a test can read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_line_per_request_and_the_chain_of_a_fault_under_its_id() {
    let lines = Lines::default();
    let to = lines.clone();
    let subscriber = web::logging::json_lines("info", move || to.clone()).unwrap();
    // With one dispatcher alone `tracing` asks that of the thread which comes by an event first, and keeps the answer for all: of a test
    // beside this one it is "never".
    let _second = tracing::Dispatch::new(web::logging::json_lines("info", std::io::sink).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let app = app("http://127.0.0.1:1/");
        runtime.block_on(get(&app, "/who/hunter2?token=hunter2"));
        runtime.block_on(get(&app, "/fall"));
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [who, fault, fall] = lines.as_slice() else { panic!("{text}") };
    let id = format!("req_{}", "07".repeat(16));
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(who["target"], "access");
    assert_eq!(who["route"], "/who/{id}");
    assert_eq!(
        (&who["method"], &who["status"], &who["request_id"]),
        (&"GET".into(), &200.into(), &id.as_str().into())
    );
    assert!(who["duration_us"].is_u64() && who["client_addr"] == "0.0.0.0", "{who}");
    assert_eq!((&fault["level"], &fault["chain"]), (&"ERROR".into(), &"operator words: root cause".into()));
    assert_eq!(fault["span"]["request_id"], id.as_str());
    assert_eq!(fall["status"], 500);
}

#[tokio::test]
async fn requests_are_counted_by_route() {
    let metrics = Metrics::new();
    let manners = web::Manners {
        world: crate::testing::world().0,
        public_url: "http://127.0.0.1:1/".parse().unwrap(),
        trusted_proxies: web::Networks::default(),
        client_certificates: web::ClientCertificates::Off,
        metrics: metrics.clone(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    let app = manners.around(Router::new().route("/who/{id}", on_get(who)));
    for path in ["/who/1", "/who/2", "/nothing"] {
        get(&app, path).await;
    }
    let text = metrics.encode();
    for line in [
        r#"hilum_http_requests_total{method="GET",route="/who/{id}",status="2xx"} 2"#,
        r#"hilum_http_requests_total{method="GET",route="unmatched",status="4xx"} 1"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_wait_is_counted_too() {
    let metrics = Metrics::new();
    let manners = web::Manners {
        world: crate::testing::world().0,
        public_url: "http://127.0.0.1:1/".parse().unwrap(),
        trusted_proxies: web::Networks::default(),
        client_certificates: web::ClientCertificates::Off,
        metrics: metrics.clone(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    let app = manners.around(Router::new().route("/", on_get(std::future::pending::<()>)));
    let asked = get(&app, "/");
    assert!(futures_util::FutureExt::now_or_never(asked).is_none());
    let line = r#"hilum_http_requests_total{method="GET",route="/",status="4xx"} 1"#;
    assert!(metrics.encode().contains(line), "{}", metrics.encode());
}
