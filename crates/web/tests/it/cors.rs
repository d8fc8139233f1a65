//! Pages of other origins: which of them may read answers.

use std::sync::Arc;

use axum::{Router, body::Body, routing::post};
use http::Request;
use web::{AllowedOrigins, Dialect, Families, Guards, Problem};

use crate::{Told, around, ask};

struct One;

impl AllowedOrigins for One {
    fn allows(&self, origin: &str) -> bool {
        origin == "https://app.example" || origin == "null"
    }
}

fn app() -> Router {
    let routes = Router::new()
        .route("/token", post(|| async { "token" }))
        .route("/jwks", post(|| async { ([("access-control-allow-origin", "*")], "keys") }))
        .route("/refused", post(|| async { Problem::new(kernel::Kind::Unauthenticated, "no") }));
    let families = Families::new().guarded(Dialect::OAuth, Guards::none().read_from(Arc::new(One)), routes);
    around("https://hilum.example/", families.build(Dialect::OAuth))
}

async fn from(method: &str, path: &str, headers: &[(&str, &str)]) -> Told {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(&app(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_registered_origins_may_read() {
    let mine = Some("https://app.example");
    for (path, status) in [("/token", 200), ("/refused", 401)] {
        for (origin, allowed) in [
            ("https://app.example", mine),
            ("https://app.example.evil.example", None),
            ("https://app.example:8443", None),
            ("http://app.example", None),
            ("HTTPS://APP.EXAMPLE", None),
            ("null", None),
            ("*", None),
            ("", None),
        ] {
            let told = from("POST", path, &[("origin", origin)]).await;
            assert_eq!((told.status, told.header("vary")), (status, Some("Origin")), "{origin}");
            assert_eq!(told.header("access-control-allow-origin"), allowed, "{path} {origin}");
            assert_eq!(told.header("access-control-allow-credentials"), None, "cookies never");
            let exposed = told.header("access-control-expose-headers").unwrap_or_default();
            assert_eq!(exposed.contains("DPoP-Nonce"), allowed.is_some());
        }
    }
    let two = from("POST", "/token", &[("origin", "https://app.example"), ("origin", "https://app.example")]);
    assert_eq!(two.await.header("access-control-allow-origin"), None);
    assert_eq!(from("POST", "/token", &[]).await.header("vary"), Some("Origin"), "for caches");
    let keys = from("POST", "/jwks", &[("origin", "https://stranger.example")]).await;
    assert_eq!(keys.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn a_browser_may_ask_first() {
    let ask = ("access-control-request-method", "POST");
    let allowed = from("OPTIONS", "/token", &[("origin", "https://app.example"), ask]).await;
    assert_eq!((allowed.status, allowed.text.as_str()), (204, ""));
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("DPoP"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("POST"));
    let stranger = from("OPTIONS", "/token", &[("origin", "https://evil.example"), ask]).await;
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    assert_eq!(stranger.header("access-control-allow-headers"), None);
    for headers in [&[("origin", "https://app.example")] as &[(&str, &str)], &[ask]] {
        assert_eq!(from("OPTIONS", "/token", headers).await.status, 405, "no preflight: {headers:?}");
    }
}
