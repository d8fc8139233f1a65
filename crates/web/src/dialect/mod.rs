//! Dialects: how a family of routes words its refusals, the framework's own included.

mod bodies;
mod family;
mod outcome;

use http::StatusCode;
use kernel::{Issue, Kind, RequestId, Timestamp};

pub use family::{Families, Verbatim, family};
pub(crate) use family::{NotCompressed, broken, is_below, word, word_otherwise};
pub use outcome::{OUTCOME_SYSTEM, outcome_words};

use crate::Place;

/// Renders the page that a browser shows in place of what it asked for.
pub type PageRenderer = fn(&ErrorView<'_>) -> String;

/// The wording of a family's refusals.
#[derive(Debug, Clone, Copy)]
pub enum Dialect {
    /// `application/problem+json` (RFC 9457): contract 1.
    ProblemJson,
    /// `{"error", "error_description"}` (RFC 6749 §5.2): contract 2.
    OAuth,
    /// An OperationOutcome as `application/fhir+json` (FHIR R4): contract 3.
    Fhir,
    /// `{"error": {"code": "INT…", …}}`: contract 4.
    Int,
    /// `{"meta": …, "error": …}`: contract 5.
    Meta,
    /// A page for a person with a browser.
    Page(PageRenderer),
}

/// A refusal as a dialect sees it.
#[derive(Debug, Clone, Copy)]
pub struct ErrorView<'a> {
    /// The status of the answer.
    pub status: StatusCode,
    /// The sort of the problem.
    pub kind: Kind,
    /// The status in words: "Not Found".
    pub title: &'static str,
    /// What happened and what would be right, in words for the caller.
    pub message: &'a str,
    /// The protocol's own word.
    pub code: Option<&'static str>,
    /// The field at fault.
    pub path: Option<&'a str>,
    /// The part of the request that the path and the issues point into.
    pub place: Place,
    /// All findings.
    pub issues: &'a [Issue],
    /// The id under which the operator finds the request in the log.
    pub request_id: Option<&'a RequestId>,
    /// When it was refused.
    pub at: Option<Timestamp>,
    /// The public URL that was asked for, without its query.
    pub url: Option<&'a str>,
}
