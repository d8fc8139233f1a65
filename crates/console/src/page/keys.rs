//! API keys.  Contract 2, "API keys (site APIs)"

use askama::Template;
use kernel::Secret;

use crate::{frame::Frame, moment::Moment, t};

/// The keys of one's organisation.
#[derive(Template)]
#[template(path = "developer/keys.html")]
pub(crate) struct Keys {
    pub(crate) frame: Frame,
    /// How things are.
    pub(crate) how: String,
    pub(crate) keys: Vec<Key>,
    /// Whether whoever looks may verify keys, so that integrations can be opened to them.
    pub(crate) may_verify: bool,
}

/// One key, without the key.
pub(crate) struct Key {
    pub(crate) id: String,
    /// The API Key Id.
    pub(crate) key_id: String,
    pub(crate) name: String,
    /// Each scope as it is written, and in words.
    pub(crate) scopes: Vec<(String, String)>,
    pub(crate) made: Moment,
    pub(crate) last_use: Option<Moment>,
    /// When it ends by itself.
    pub(crate) ends: Option<Moment>,
    /// Whether it has.
    pub(crate) is_over: bool,
}

/// A new key, shown once.
#[derive(Template)]
#[template(path = "developer/key.html")]
pub(crate) struct KeyMade {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) key_id: String,
    pub(crate) key: Secret<String>,
}

/// How things are, in a sentence.
pub(crate) fn how_things_are(keys: usize) -> String {
    match keys {
        0 => t("keys-none").into(),
        many => t("keys-some").count("many", many).into(),
    }
}
