//! Limits on what a request may weigh; all of them are listed in `docs/limits.md`.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    routing::Route,
};
use tower::{Service, layer::layer_fn, service_fn};

/// The largest request body where a router sets no other limit, in bytes.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest path and query of a request, in bytes.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// All headers of one request together, in bytes.
pub const HEADERS_BYTES_MAX: u32 = 16 * 1024;
/// How deep a JSON body may nest.
pub const JSON_DEPTH_MAX: usize = 64;
/// How many parameters a form or a query may have.
pub const PARAMETERS_MAX: usize = 100;
/// The longest bearer token that is looked at, in bytes.
pub const BEARER_BYTES_MAX: usize = 8 * 1024;

/// These routes take bodies of up to so many bytes instead of [`BODY_BYTES_MAX`]; more is answered 413, unread where
/// the request says its length.
pub fn body_limit<S: Clone + Send + Sync + 'static>(bytes_max: usize, routes: Router<S>) -> Router<S> {
    routes.layer(layer_fn(move |mut route: Route| {
        service_fn(move |mut request: Request| {
            apply(bytes_max, &mut request);
            route.call(request)
        })
    }))
}

/// Set the limit that holds where no router sets another.
pub(crate) fn apply(bytes_max: usize, request: &mut Request) {
    DefaultBodyLimit::max(bytes_max).apply(request);
    request.extensions_mut().insert(BodyLimit(bytes_max));
}

/// The limit of the innermost router that has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(BODY_BYTES_MAX)
    }
}
