//! How an application keeps to its profile, and which of its requests failed.  contract 1, Developer portal

use askama::Template;

use crate::{frame::Frame, label::State, moment::Moment};

/// The report on one application.
#[derive(Template)]
#[template(path = "developer/conformance.html")]
pub(crate) struct Conformance {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) profile: &'static str,
    pub(crate) how: String,
    /// Rules that are broken, and advice.
    pub(crate) findings: Vec<Finding>,
    /// Rules that are kept.
    pub(crate) kept: Vec<Rule>,
}

/// A rule.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) asks: &'static str,
    pub(crate) spec: &'static str,
}

/// A rule that is not kept.
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) state: State,
    pub(crate) why: &'static str,
    pub(crate) mend: &'static str,
}

/// Requests that failed.
#[derive(Template)]
#[template(path = "developer/failures.html")]
pub(crate) struct Failures {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) how: String,
    pub(crate) failures: Vec<Failure>,
}

/// One of them.
pub(crate) struct Failure {
    pub(crate) at: Moment,
    pub(crate) endpoint: String,
    pub(crate) error: String,
    pub(crate) why: String,
    pub(crate) got: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) mend: &'static str,
    pub(crate) spec: &'static str,
    pub(crate) request: Option<String>,
}

impl Failure {
    /// What came and what should have come. Explanations are English, as the words of the protocol are.
    fn expected_and_got(&self) -> String {
        format!("We got {}. We expected {}.", self.got, self.expected)
    }
}
