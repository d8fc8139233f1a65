//! How long tokens live, and how a provider writes its token answer.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How long tokens live, and what a refresh does to the refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRules {
    /// Life of an access token, seconds, where the answer does not tell.
    #[serde(default)]
    pub access_ttl_s: Option<u64>,
    /// Life of an access token of the client's own, seconds.
    #[serde(default)]
    pub system_access_ttl_s: Option<u64>,
    /// Life of a refresh token, seconds.
    #[serde(default)]
    pub refresh_ttl_s: Option<u64>,
    /// A refresh token dies when it has not been used for so many seconds.
    #[serde(default)]
    pub refresh_idle_ttl_s: Option<u64>,
    /// Refresh tokens do not end by themselves.
    #[serde(default)]
    pub refresh_never_expires: bool,
    /// What a refresh does to the refresh token.
    #[serde(default)]
    pub rotation: Rotation,
    /// What else there is to know.
    #[serde(default)]
    pub note: Option<String>,
}

/// What a refresh does to the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Rotation {
    /// The previous one is dead once used.
    OneTime,
    /// The previous one lives on for a while: a second chance after a crash.
    Grace {
        /// For how long, seconds.
        window_s: u64,
    },
    /// A new one is issued, the previous is not revoked.
    ReplaceSoft,
    /// The same one is used again; a refresh answers without one.
    Static,
    /// There is no refresh token.
    None,
    /// No source tells. Treat it as one-time.
    #[default]
    Unknown,
}

/// What is particular about a provider's token answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenAnswer {
    /// The tokens are not at the top.
    #[serde(default)]
    pub envelope: Option<Envelope>,
    /// The field (beside the tokens) that holds the provider's own id of the account.
    #[serde(default)]
    pub account_id_field: Option<String>,
    /// The field that holds the granted scopes, if not `scope`.
    #[serde(default)]
    pub scope_field: Option<String>,
    /// Other fields to keep with the connection: `openId`, `patient`.
    #[serde(default)]
    pub keep: Vec<String>,
}

/// An answer `{status, body}` in which HTTP 200 says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The field that tells success or the fault's number.
    pub status_field: String,
    /// Its value on success.
    pub ok: i64,
    /// The field that holds the tokens.
    pub body_field: String,
    /// What other values mean; a value that is not listed is taken as transient, because a wrong "for good" would
    /// cost the person the connection.
    #[serde(default)]
    pub errors: BTreeMap<String, TokenErrorClass>,
    /// The field that holds the fault in words.
    #[serde(default)]
    pub message_field: Option<String>,
    /// Words in it that say that the grant is gone, whatever the number is.
    #[serde(default)]
    pub grant_words: Vec<String>,
}

/// What a token endpoint's fault means for the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenErrorClass {
    /// The grant is gone: the person has to link again.
    InvalidGrant,
    /// The integration is set up wrongly.
    InvalidClient,
    /// The request is wrong: our mistake, or the integration's.
    InvalidRequest,
    /// Trying again later may help.
    Transient,
}
