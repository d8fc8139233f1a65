//! A request that is refused: said once here, spoken by the dialect of its family.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use kernel::{Fault, Issue, Kind};

/// What a handler gives: its answer, or the problem that stood in the way.
pub type Answer<T> = Result<T, Problem>;

/// The part of the request that the issues of a problem point into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// The body.
    #[default]
    Body,
    /// The query string.
    Query,
}

/// Why a request is refused, in words that the caller may read.
///
/// `?` turns every [`Fault`] into one. The fault's own chain of causes goes to the log at that moment, and nowhere else.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    kind: Kind,
    message: Cow<'static, str>,
    code: Option<&'static str>,
    path: Option<Cow<'static, str>>,
    place: Place,
    issues: Vec<Issue>,
    headers: HeaderMap,
}

impl Problem {
    /// What the caller reads of a fault that is ours.
    pub const INTERNAL: &'static str = "internal error";

    /// The caller's roles do not have what this needs: 403.
    #[must_use]
    pub fn role() -> Self {
        Self::new(Kind::Forbidden, "your roles do not allow this")
    }

    /// A problem of this kind, in words for the caller.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status: status_of(kind),
            kind,
            message: message.into(),
            code: None,
            path: None,
            place: Place::Body,
            issues: Vec::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// A refusal that has a status and no more: what the framework answers by itself.
    pub fn of_status(status: StatusCode) -> Self {
        Self::new(kind_of(status), message_of(status)).with_status(status)
    }

    /// The same problem under a status that has no [`Kind`] of its own: 405, 412, 413, 415, 428.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The protocol's own word: `invalid_grant`, `insufficient_scope`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    /// The field at fault.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// The part of the request that the path and the issues point into.
    #[must_use]
    pub fn with_place(mut self, place: Place) -> Self {
        self.0.place = place;
        self
    }

    /// All findings, where there is more than one to tell.
    #[must_use]
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.0.issues = issues;
        self
    }

    /// A header of the answer: `WWW-Authenticate`, `Retry-After`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Seconds after which trying again may help (RFC 9110 §10.2.3).
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The sort of the problem.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What the caller reads; of a fault that is ours, nothing but that it is ours.
    pub fn message(&self) -> &str {
        if self.0.status == StatusCode::INTERNAL_SERVER_ERROR { Self::INTERNAL } else { &self.0.message }
    }

    /// The protocol's own word.
    pub fn code(&self) -> Option<&'static str> {
        self.0.code
    }

    /// The field at fault: the one named, else that of the first issue.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref().or_else(|| self.0.issues.first().map(|issue| &*issue.path))
    }

    /// The part of the request that the path and the issues point into.
    pub fn place(&self) -> Place {
        self.0.place
    }

    /// All findings; none of a fault that is ours.
    pub fn issues(&self) -> &[Issue] {
        if self.0.status == StatusCode::INTERNAL_SERVER_ERROR { &[] } else { &self.0.issues }
    }

    /// The headers that the answer carries besides those of its dialect.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }
}

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        log(&fault);
        let mut problem = Self::new(fault.kind(), fault.public()).with_issues(fault.issues());
        problem.0.code = fault.code();
        problem.0.path = fault.path();
        match fault.retry_after_s() {
            Some(seconds) => problem.with_retry_after(seconds),
            None => problem,
        }
    }
}

/// Without a family around it, a problem is its bare status and headers; the family writes the body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The one place where the chain of causes is told; the request's span adds its id.
fn log<F: Fault>(fault: &F) {
    let (kind, code) = (fault.kind(), fault.code());
    match kind {
        Kind::Internal => tracing::error!(?kind, code, chain = %Chain(fault), "fault"),
        Kind::Unavailable => tracing::warn!(?kind, code, chain = %Chain(fault), "fault"),
        Kind::Unauthenticated | Kind::Forbidden | Kind::Throttled => {
            tracing::info!(?kind, code, chain = %Chain(fault), "refused");
        }
        Kind::Invalid | Kind::NotFound | Kind::Gone | Kind::Conflict | Kind::Unsupported => {
            tracing::debug!(?kind, code, chain = %Chain(fault), "refused");
        }
    }
}

/// An error and its causes, for the log.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// A chain longer than this is a ring.
        const CAUSES_MAX: usize = 16;
        write!(f, "{}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |cause| cause.source());
        for cause in causes.take(CAUSES_MAX) {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn kind_of(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 | 412 => Kind::Conflict,
        410 => Kind::Gone,
        405 | 406 | 415 | 501 => Kind::Unsupported,
        429 => Kind::Throttled,
        502..=504 => Kind::Unavailable,
        500.. => Kind::Internal,
        _ => Kind::Invalid,
    }
}

fn message_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "the request is malformed",
        401 => "authentication is required",
        403 => "not allowed",
        404 => "there is nothing here",
        405 => "this method is not offered here; see the Allow header",
        406 => "no offered media type is acceptable",
        408 => "the request took too long to arrive",
        413 => "the request body is too large",
        414 => "the URL is too long",
        415 => "this media type is not understood here",
        429 => "too many requests; see the Retry-After header",
        431 => "the request headers are too large",
        503 => "not available at the moment; try again later",
        500.. => Problem::INTERNAL,
        _ => "the request cannot be answered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Fell, Root};

    #[test]
    fn the_chain_is_for_the_log_and_the_public_words_for_the_caller() {
        let fault = Fell { kind: Kind::Internal, source: Some(Root) };
        assert_eq!(Chain(&fault).to_string(), "operator words: root cause");
        let problem = Problem::from(fault);
        assert_eq!(problem.message(), "internal error");
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn every_kind_has_a_status_that_leads_back_to_it_or_to_a_looser_one() {
        let kinds = [
            (Kind::Invalid, 400),
            (Kind::Unauthenticated, 401),
            (Kind::Forbidden, 403),
            (Kind::NotFound, 404),
            (Kind::Gone, 410),
            (Kind::Conflict, 409),
            (Kind::Unsupported, 422),
            (Kind::Throttled, 429),
            (Kind::Unavailable, 503),
            (Kind::Internal, 500),
        ];
        for (kind, status) in kinds {
            assert_eq!(Problem::new(kind, "x").status().as_u16(), status);
        }
    }

    #[test]
    fn the_path_of_the_first_issue_stands_in_for_a_missing_one() {
        let problem =
            Problem::new(Kind::Invalid, "x").with_issues(vec![Issue::at("a.b", "y"), Issue::at("c", "z")]);
        assert_eq!(problem.path(), Some("a.b"));
        assert_eq!(problem.with_path("d").path(), Some("d"));
    }
}
