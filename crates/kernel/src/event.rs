//! Things that have happened, told to whoever subscribed.

use serde::Serialize;

use crate::{Id, Organisation};

/// Something that has happened: a name in the past tense and what a subscriber may know. No secret, no health data.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The tenant in which it happened.
    pub organisation: Id<Organisation>,
    /// `connection.linked`, `connection.revoked`, `connection.needs_reconnect`.
    pub name: &'static str,
    /// The id of the thing it happened to.
    pub subject: String,
    /// What a subscriber may know besides.
    pub data: serde_json::Value,
}
