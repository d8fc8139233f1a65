//! The applications that may act for a person.

use askama::Template;

use crate::{frame::Frame, moment::Moment, t};

/// The applications.
#[derive(Template)]
#[template(path = "connected.html")]
pub(crate) struct Applications {
    pub(crate) frame: Frame,
    /// How things are.
    pub(crate) how: String,
    pub(crate) applications: Vec<Application>,
}

/// One application.
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Where it is at home, as far as a person can read it.
    pub(crate) home: String,
    pub(crate) is_verified: bool,
    /// What it may do, in words.
    pub(crate) may: Vec<String>,
    pub(crate) since: Option<Moment>,
    pub(crate) used: Option<Moment>,
    /// When it ends by itself if it is not used.
    pub(crate) ends: Option<Moment>,
}

/// How things are, in a sentence.
pub(crate) fn how_things_are(applications: &[Application]) -> String {
    match applications.len() {
        0 => t("connected-none").into(),
        many => t("connected-some").count("many", many).into(),
    }
}
