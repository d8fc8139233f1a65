//! Rate limits on routes, and bearer tokens at them.

use std::sync::Arc;

use axum::{Extension, Router, body::Body, routing::get as on_get};
use futures_util::future::BoxFuture;
use http::Request;
use kernel::Caller;
use web::{
    Answer, AuthFault, Authenticate, Bearer, Dialect, Families, Key, Metrics, PeerAddr, Presented, Quota,
    RateLimiter, limited, per_client,
};

use crate::{Told, around, ask, testing};

/// Knows the tokens `one` and `two`, each of a client of its own.
struct Two;

impl Authenticate for Two {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let world = testing::world().0;
        let caller = |nth: u8| Caller {
            organisation: world.new_id(),
            client: kernel::Id::from_bytes([nth; 16]),
            person: None,
            scopes: "read".parse().unwrap(),
            grants: kernel::Grants::none(),
            token: world.new_id(),
        };
        Box::pin(std::future::ready(match presented.token {
            "one" => Ok(caller(1)),
            "two" => Ok(caller(2)),
            "down" => Err(AuthFault::Unavailable("the database is away".into())),
            _ => Err(AuthFault::Invalid),
        }))
    }
}

async fn read(bearer: Bearer) -> Answer<&'static str> {
    bearer.require("read")?;
    Ok("read")
}

async fn write(bearer: Bearer) -> Answer<&'static str> {
    bearer.require("write")?;
    Ok("written")
}

fn app(metrics: &Metrics) -> (Router, testing::StoppedClock) {
    let (world, clock) = testing::world();
    let limiter = RateLimiter::memory(&world);
    let by_client = Router::new().route("/read", on_get(read)).route("/write", on_get(write));
    let by_client = per_client(&limiter, metrics, ("api", Quota::per_minute(3)), by_client);
    let by_address = Router::new().route("/sign-in", on_get(|| async { "page" }));
    let by_address = limited(&limiter, metrics, ("sign-in", Quota::per_minute(2)), Key::Address, by_address);
    let authority: Arc<dyn Authenticate> = Arc::new(Two);
    let routes = by_client.merge(by_address).layer(Extension(authority));
    let families = Families::new().with(Dialect::ProblemJson, routes);
    (around("http://127.0.0.1:1/", families.build(Dialect::ProblemJson)), clock)
}

async fn with(app: &Router, path: &str, authorization: &str) -> Told {
    let request = Request::get(path).header("authorization", authorization).body(Body::empty()).unwrap();
    ask(app, request).await
}

#[tokio::test]
async fn bearers_are_challenged_by_rfc_6750() {
    let (app, _) = app(&Metrics::new());
    let table = [
        ("/read", "bearer one", 200, None, None),
        ("/read", "Bearer bad", 401, Some(r#"Bearer error="invalid_token""#), Some("invalid_token")),
        ("/read", "Basic abc", 401, Some("Bearer"), Some("invalid_token")),
        (
            "/write",
            "Bearer one",
            403,
            Some(r#"Bearer error="insufficient_scope", scope="write""#),
            Some("insufficient_scope"),
        ),
        (
            "/read?access_token=one",
            "",
            400,
            Some(r#"Bearer error="invalid_request""#),
            Some("invalid_request"),
        ),
        ("/read", "Bearer down", 503, None, None),
    ];
    for (path, authorization, status, challenge, code) in table {
        let told = with(&app, path, authorization).await;
        assert_eq!(told.status, status, "{path} {authorization}");
        assert_eq!(told.header("www-authenticate"), challenge, "{path} {authorization}");
        if let Some(code) = code {
            assert_eq!(told.json()["code"], code);
        }
    }
    assert!(!with(&app, "/read", "Bearer down").await.text.contains("database"));
}

#[tokio::test]
async fn a_client_has_one_quota_for_its_routes() {
    let metrics = Metrics::new();
    let (app, clock) = app(&metrics);
    for (left, status) in [("2", 200), ("1", 200), ("0", 200), ("0", 429)] {
        let told = with(&app, "/read", "Bearer one").await;
        assert_eq!((told.status, told.header("ratelimit-remaining")), (status, Some(left)));
        assert_eq!(told.header("ratelimit-limit"), Some("3"));
        assert_eq!(told.header("retry-after"), (status == 429).then_some("20"));
    }
    assert_eq!(with(&app, "/write", "Bearer one").await.status, 429);
    assert_eq!(with(&app, "/read", "Bearer two").await.status, 200);
    clock.advance_s(20);
    assert_eq!(with(&app, "/read", "Bearer one").await.status, 200);
    let text = metrics.encode();
    assert!(text.contains(r#"hilum_http_throttled_total{route="api"} 2"#), "{text}");
}

#[tokio::test]
async fn an_address_has_its_own_quota_and_cannot_borrow_another() {
    let (app, _) = app(&Metrics::new());
    let from = async |peer: &str, forwarded: &str| {
        let request = Request::get("/sign-in")
            .header("x-forwarded-for", forwarded)
            .extension(PeerAddr(peer.parse().unwrap()))
            .body(Body::empty());
        ask(&app, request.unwrap()).await.status
    };
    for (peer, forwarded, status) in [
        ("203.0.113.9:1", "1.1.1.1", 200),
        ("203.0.113.9:2", "1.1.1.2", 200),
        ("203.0.113.9:3", "1.1.1.3", 429),
        ("203.0.113.10:1", "", 200),
        ("10.0.0.1:1", "203.0.113.9", 429),
        ("[2001:db8::1]:1", "", 200),
        ("[2001:db8::2]:1", "", 200),
        ("[2001:db8::3]:1", "", 429),
        ("[2001:db8:0:1::1]:1", "", 200),
    ] {
        assert_eq!(from(peer, forwarded).await, status, "{peer} {forwarded}");
    }
}
