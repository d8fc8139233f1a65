//! What happened, what to do, and a reference that an operator can look up.

use askama::Template;

use crate::{frame::Frame, words::sentence};

/// The page of a refusal or a mistake.
#[derive(Template)]
#[template(path = "failure.html")]
pub(crate) struct Failure {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    /// What happened.
    pub(crate) happened: String,
    /// What to do.
    pub(crate) steps: Vec<&'static str>,
    /// The way on: address and words.
    pub(crate) onward: (&'static str, &'static str),
    /// The request id.
    pub(crate) reference: Option<String>,
}

impl Failure {
    /// The page for a status, a message of the domain, and a request id.
    pub(crate) fn of(status: u16, message: &str, reference: Option<&str>) -> Self {
        let (heading, steps): (_, &[&str]) = match status {
            401 => ("You are not signed in", &["Sign in, then try again."]),
            403 => (
                "You may not do this",
                &[
                    "If you came from another site, go back and start again there.",
                    "If it is part of your work, ask an administrator for the role.",
                ],
            ),
            404 => (
                "We cannot find that page",
                &["Check the address.", "It may have been removed, or belong to somebody else."],
            ),
            405 => ("That cannot be done here", &["Go back and use the buttons on the page."]),
            409 => ("Somebody was faster", &["Go back, load the page again, and look at what has changed."]),
            410 => ("This has expired", &["Go back to where you came from and start again."]),
            413 => ("That was too much at once", &["Send less, and try again."]),
            429 => ("Too many tries", &["Wait a minute, then try again."]),
            503 => ("Something we need does not answer", &["Try again in a minute. Nothing was changed."]),
            400..=499 => (
                "That did not work",
                &[
                    "Go back to where you came from and start again.",
                    "If it happens again, tell whoever made the application or the link.",
                ],
            ),
            _ => (
                "Something went wrong on our side",
                &["Try again in a minute.", "If it happens again, tell us the reference below."],
            ),
        };
        let onward = if status == 401 { ("/sign-in", "Sign in") } else { ("/", "Go to the start page") };
        Self {
            frame: Frame::outside(heading),
            heading: heading.to_owned(),
            happened: sentence(message),
            steps: steps.to_vec(),
            onward,
            reference: reference.map(str::to_owned),
        }
    }
}
