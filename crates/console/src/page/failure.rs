//! What happened, what to do, and a reference that an operator can look up.

use askama::Template;

use crate::{frame::Frame, language::heard, t};

/// The page of a refusal or a mistake.
#[derive(Template)]
#[template(path = "failure.html")]
pub(crate) struct Failure {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    /// What happened.
    pub(crate) happened: String,
    /// What to do.
    pub(crate) steps: Vec<String>,
    /// The way on: address and words.
    pub(crate) onward: (&'static str, String),
    /// The request id.
    pub(crate) reference: Option<String>,
}

impl Failure {
    /// The page for a status, a message of the domain, and a request id.
    pub(crate) fn of(status: u16, message: &str, reference: Option<&str>) -> Self {
        let (heading, steps) = match status {
            401 => (t("failure-401"), vec![t("failure-401-sign-in")]),
            403 => (t("failure-403"), vec![t("failure-403-other-site"), t("failure-403-role")]),
            404 => (t("failure-404"), vec![t("failure-404-address"), t("failure-404-gone")]),
            405 => (t("failure-405"), vec![t("failure-405-buttons")]),
            409 => (t("failure-409"), vec![t("failure-409-again")]),
            410 => (t("failure-410"), vec![t("failure-start-again")]),
            413 => (t("failure-413"), vec![t("failure-413-less")]),
            429 => (t("failure-429"), vec![t("failure-429-wait")]),
            503 => (t("failure-503"), vec![t("failure-503-wait")]),
            400..=499 => (t("failure-request"), vec![t("failure-start-again"), t("failure-tell-maker")]),
            _ => (t("failure-ours"), vec![t("failure-wait"), t("failure-tell-us")]),
        };
        let onward =
            if status == 401 { ("/sign-in", t("sign-in-act")) } else { ("/", t("failure-start-page")) };
        let heading: String = heading.into();
        Self {
            frame: Frame::outside(heading.clone()),
            heading,
            happened: heard(message),
            steps: steps.into_iter().map(String::from).collect(),
            onward: (onward.0, onward.1.into()),
            reference: reference.map(str::to_owned),
        }
    }
}
