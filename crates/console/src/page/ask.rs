//! A page that asks for something: one form, for somebody who is signed in.

use askama::Template;

use crate::{form::Form, frame::Frame};

/// One form.
#[derive(Template)]
#[template(path = "ask.html")]
pub(crate) struct Ask {
    pub(crate) frame: Frame,
    /// The page before: address and name.
    pub(crate) back: (String, String),
    pub(crate) heading: String,
    pub(crate) lead: String,
    pub(crate) form: Form,
}
