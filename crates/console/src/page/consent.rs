//! May this application act for me?  OpenID Connect Core 1.0 §3.1.2.4

use askama::Template;

use crate::{frame::Frame, moment::Moment};

/// The question.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent {
    pub(crate) frame: Frame,
    /// Where the answer is posted.
    pub(crate) action: String,
    /// The pending request.
    pub(crate) request: String,
    /// The application's name.
    pub(crate) client: String,
    /// Who verified it, and when.
    pub(crate) verified: Option<(String, Moment)>,
    /// The person's name.
    pub(crate) person: String,
    /// Where the browser goes afterwards, as far as a person can read it.
    pub(crate) returns_to: String,
    /// Whose record it is about.
    pub(crate) patient: Option<String>,
    /// What the person allowed it before, in a sentence.
    pub(crate) before: String,
    pub(crate) groups: Vec<Group>,
}

/// Things that are asked for and belong together.
pub(crate) struct Group {
    pub(crate) heading: String,
    pub(crate) permissions: Vec<Permission>,
}

/// One thing that is asked for.
pub(crate) struct Permission {
    /// Its number on the page.
    pub(crate) nth: usize,
    /// The scope.
    pub(crate) scope: String,
    /// The scope in words.
    pub(crate) words: String,
    /// Why it cannot be left out, if so.
    pub(crate) needed: Option<String>,
    /// Whether the person allowed it before.
    pub(crate) is_known: bool,
}
