//! The page before something is taken away: what will happen, to whom.

use std::borrow::Cow;

use askama::Template;

use crate::{
    answers::Answers,
    form::{Field, Form},
    frame::Frame,
    respond::Refusal,
    t,
};

/// What will happen, and a button that makes it happen.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    pub(crate) frame: Frame,
    /// The page before: address and name.
    pub(crate) back: (String, String),
    pub(crate) heading: String,
    pub(crate) lead: String,
    /// What will happen, to whom.
    pub(crate) effects: Vec<String>,
    pub(crate) form: Form,
}

/// A dangerous form that asks for a name to be typed back.
pub(crate) fn typed_back(
    action: String,
    submit: impl Into<Cow<'static, str>>,
    name: &str,
    back: &str,
) -> Form {
    Form::new(action, submit)
        .with(Field::text("typed", t("confirm-name")).hint(t("confirm-name-is").of("name", name)))
        .or_back_to(back)
        .dangerous()
}

/// Whether the name was typed back.
pub(crate) fn is_typed_back(answers: &Answers, name: &str) -> Result<(), Refusal> {
    let is_same = answers.text("typed") == name.trim();
    if is_same { Ok(()) } else { Err(Refusal::because("typed", "Type the name exactly as it is shown")) }
}
