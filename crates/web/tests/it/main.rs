//! The manners as callers meet them: through routers, and through real sockets.

#![cfg(test)]

mod bound;
mod cors;
mod dialects;
mod manners;
mod openapi;
mod rates;
mod sockets;
#[path = "../../src/testing.rs"]
mod testing;
mod tls;

use axum::{Router, body::Body};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// An answer, read whole.
struct Told {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Told {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn ask(app: &Router, request: Request<Body>) -> Told {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Told { status: parts.status.as_u16(), headers: parts.headers, text }
}

async fn get(app: &Router, path: &str) -> Told {
    ask(app, Request::get(path).body(Body::empty()).unwrap()).await
}

/// The manners of a deployment at this address, around these routes.
fn around(public_url: &str, app: Router) -> Router {
    let world = testing::world().0;
    let trusted_proxies = "10.0.0.0/8".parse().unwrap();
    let public_url = public_url.parse().unwrap();
    web::Manners {
        world,
        public_url,
        trusted_proxies,
        client_certificates: web::ClientCertificates::Ask,
        metrics: web::Metrics::new(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    }
    .around(app)
}
