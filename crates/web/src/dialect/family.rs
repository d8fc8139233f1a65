//! The layer that gives every refusal under a router the body of its dialect.

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::Kind;

use super::{Dialect, ErrorView};
use crate::{Context, Csp, Guards, Problem};

/// An error answer that is meant as it is, and that no family rewords: what the proxy brings from upstream.
pub struct Verbatim(pub Response);

impl IntoResponse for Verbatim {
    fn into_response(mut self) -> Response {
        self.0.extensions_mut().insert(Spoken);
        self.0
    }
}

#[derive(Clone)]
struct Spoken;

/// Set on answers that may hold a token, where compression would let their length tell about it.
#[derive(Clone)]
pub(crate) struct NotCompressed;

/// These routes speak this dialect, whoever refuses: a handler, an extractor, or the framework (404, 405 with its
/// `Allow`, 408, 413, 415, 429), and a handler that panics. A path that is not there is the matter of [`Families`].
pub fn family<S: Clone + Send + Sync + 'static>(dialect: Dialect, routes: Router<S>) -> Router<S> {
    Guards::none().before(dialect, routes)
}

/// The families of one application, and who answers for paths that none of them has.
#[derive(Default)]
pub struct Families {
    routes: Router,
    prefixes: Vec<(&'static str, Dialect)>,
}

impl Families {
    /// No family yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Add routes that speak this dialect.
    #[must_use]
    pub fn with(self, dialect: Dialect, routes: Router) -> Self {
        self.guarded(dialect, Guards::none(), routes)
    }

    /// Add routes that speak this dialect, with these guards before them.
    #[must_use]
    pub fn guarded(mut self, dialect: Dialect, guards: Guards, routes: Router) -> Self {
        self.routes = self.routes.merge(guards.before(dialect, routes));
        self
    }

    /// Paths below this prefix that nobody has are answered 404 in this dialect. The longest prefix wins.
    #[must_use]
    pub fn unmatched(mut self, prefix: &'static str, dialect: Dialect) -> Self {
        self.prefixes.push((prefix, dialect));
        self
    }

    /// The application; what no prefix covers is refused in the dialect `otherwise`.
    pub fn build(mut self, otherwise: Dialect) -> Router {
        self.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let prefixes = self.prefixes;
        let dialect_of = move |path: &str| {
            let found = prefixes.iter().find(|(prefix, _)| is_below(path, prefix));
            found.map_or(otherwise, |(_, dialect)| *dialect)
        };
        self.routes.fallback(move |request: Request| {
            let dialect = dialect_of(request.uri().path());
            let context = request.extensions().get::<Context>().cloned();
            async move { word(dialect, context.as_ref(), StatusCode::NOT_FOUND.into_response()) }
        })
    }
}

pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

/// What is left of a handler that panicked; the panic hook has logged where.
pub(crate) fn broken() -> Response {
    Problem::new(Kind::Internal, Problem::INTERNAL).into_response()
}

/// What no family has worded: it was refused, or it broke, outside of all of them.
pub(crate) fn word_otherwise(context: &Context, response: Response) -> Response {
    if response.extensions().get::<Problem>().is_some() {
        word(Dialect::ProblemJson, Some(context), response)
    } else {
        response
    }
}

pub(crate) fn word(dialect: Dialect, context: Option<&Context>, mut response: Response) -> Response {
    if let Dialect::OAuth = dialect {
        response.extensions_mut().insert(NotCompressed);
    }
    if !is_ours_to_word(&response) {
        if let Dialect::OAuth = dialect {
            add_missing(response.headers_mut(), dialect);
        }
        return response;
    }
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => Problem::of_status(status),
    };
    let view = ErrorView {
        status,
        kind: problem.kind(),
        title: status.canonical_reason().unwrap_or("Error"),
        message: problem.message(),
        code: problem.code(),
        path: problem.path(),
        place: problem.place(),
        issues: problem.issues(),
        request_id: context.map(Context::request_id),
        at: context.map(|context| context.world().now()),
        url: context.map(Context::url),
    };
    let body = dialect.body(&view);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, body.content_type);
    add_missing(response.headers_mut(), dialect);
    if let Dialect::Page(_) = dialect {
        let policy = Csp::strict().value();
        response.headers_mut().entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    *response.body_mut() = Body::from(body.bytes);
    response.extensions_mut().insert(Spoken);
    response
}

fn add_missing(headers: &mut HeaderMap, dialect: Dialect) {
    if headers.contains_key(header::CACHE_CONTROL) {
        return;
    }
    for (name, value) in dialect.headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
}

/// A problem is; of other errors, those without a body of their own: the framework's are empty or plain text.
fn is_ours_to_word(response: &Response) -> bool {
    let status = response.status();
    if response.extensions().get::<Spoken>().is_some() {
        return false;
    }
    if response.extensions().get::<Problem>().is_some() {
        return true;
    }
    let is_error = status.is_client_error() || status.is_server_error();
    let plain = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    is_error && response.headers().get(header::CONTENT_TYPE).is_none_or(plain)
}
