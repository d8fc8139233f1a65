//! Initial access tokens.  RFC 7591 §3

use askama::Template;
use kernel::Secret;

use crate::{frame::Frame, label::State, moment::Moment, t};

/// The tokens of one's organisation.
#[derive(Template)]
#[template(path = "admin/tokens.html")]
pub(crate) struct Tokens {
    pub(crate) frame: Frame,
    /// How things are.
    pub(crate) how: String,
    pub(crate) tokens: Vec<Token>,
}

/// One token, without the token.
pub(crate) struct Token {
    pub(crate) id: String,
    /// For whom it is.
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) is_live: bool,
    pub(crate) left: u32,
    pub(crate) made_by: Option<String>,
    pub(crate) made: Moment,
    pub(crate) last_use: Option<Moment>,
    pub(crate) ends: Moment,
}

/// A new token, shown once.
#[derive(Template)]
#[template(path = "admin/token.html")]
pub(crate) struct TokenMade {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) token: Secret<String>,
    /// Where it is sent to.
    pub(crate) address: String,
}

/// How things are, in a sentence, where clients can be registered.
pub(crate) fn how_things_are(live: usize) -> String {
    match live {
        0 => t("tokens-none").into(),
        many => t("tokens-some").count("many", many).into(),
    }
}
