//! Applications in browsers that call from their own origin.  Fetch standard, SMART App Launch 2.2 §2.0.9

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Who knows from which origins applications call. A client's origins are those of its registered redirect URIs.
pub trait AllowedOrigins: Send + Sync {
    /// Whether a live client is registered with a page of exactly this origin (`https://app.example`).
    fn allows(&self, origin: &str) -> bool;
}

/// For how long a browser may remember that it may ask.
const PREFLIGHT_MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, DPoP, If-Match, If-None-Exist, If-None-Match, Prefer, X-Request-Id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Content-Location, DPoP-Nonce, ETag, Location, Retry-After, WWW-Authenticate, X-Request-Id",
);
/// The longest origin that is looked at, in bytes.
const ORIGIN_BYTES_MAX: usize = 512;

/// Let pages of the allowed origins read these routes' answers, refusals included. Cookies are never allowed: what a
/// page may do here it shows by a token. Answers that allow any origin already stay as they are.
pub fn cors<S: Clone + Send + Sync + 'static>(
    origins: Arc<dyn AllowedOrigins>,
    routes: Router<S>,
) -> Router<S> {
    routes.layer(from_fn_with_state(origins, share))
}

async fn share(State(origins): State<Arc<dyn AllowedOrigins>>, request: Request, next: Next) -> Response {
    let allowed = allowed(request.headers(), &*origins);
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ORIGIN)
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    // Caches keep the answers for different origins apart, and those for none.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = allowed else { return response };
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE);
    }
    headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}

/// The request's one origin, if it is allowed. `null` is everybody's and nobody's.
fn allowed(headers: &HeaderMap, origins: &dyn AllowedOrigins) -> Option<HeaderValue> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    let (origin, None) = (values.next()?, values.next()) else { return None };
    let text = origin.to_str().ok().filter(|text| text.len() <= ORIGIN_BYTES_MAX && *text != "null")?;
    origins.allows(text).then(|| origin.clone())
}
