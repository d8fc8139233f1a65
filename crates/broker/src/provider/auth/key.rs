//! Ways without a person's consent: the organisation's own access, keys, passwords, sessions, signatures.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ClientAuthKind, Pkce, Revoke, TokenRules};
use crate::provider::{TextTemplate, UrlTemplate};

/// A provider's client credentials grant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: UrlTemplate,
    /// The authorization endpoint, where the provider also has an authorization code grant.
    #[serde(default)]
    pub authorize_url: Option<UrlTemplate>,
    /// How a token is revoked.
    #[serde(default)]
    pub revoke: Option<Revoke>,
    /// The introspection endpoint (RFC 7662).
    #[serde(default)]
    pub introspect_url: Option<UrlTemplate>,
    /// How the client proves itself, the best first; empty: not confirmed.
    #[serde(default)]
    pub client_auth: Vec<ClientAuthKind>,
    /// The algorithms of the client's assertion, the best first.
    #[serde(default)]
    pub jwt_algorithms: Vec<String>,
    /// Header fields that the assertion must have.
    #[serde(default)]
    pub jwt_header: Vec<String>,
    /// The longest life of an assertion, seconds.
    #[serde(default)]
    pub assertion_ttl_max_s: Option<u64>,
    /// PKCE, where there is an authorization code grant beside.
    #[serde(default)]
    pub pkce: Pkce,
    /// The scopes asked for when the integration names none.
    #[serde(default)]
    pub default_scopes: Vec<String>,
    /// How long tokens live.
    #[serde(default)]
    pub token: TokenRules,
    /// What is exchanged for the token before the API is called.
    #[serde(default)]
    pub second_step: Option<String>,
    /// How a call is made in another user's name.
    #[serde(default)]
    pub impersonation: Option<String>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A key with every request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The headers it is sent in.
    #[serde(default)]
    pub headers: BTreeMap<String, TextTemplate>,
    /// Form fields it is sent in.
    #[serde(default)]
    pub form: BTreeMap<String, TextTemplate>,
    /// How long what it is exchanged for lives, seconds.
    #[serde(default)]
    pub access_ttl_s: Option<u64>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// User name and password with every request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// User name and password once, a session afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionLogin {
    /// Where the session begins.
    pub token_url: UrlTemplate,
    /// How it is asked for.
    #[serde(default)]
    pub grant: Option<String>,
    /// The answer's field that holds the session.
    #[serde(default)]
    pub token_field: Option<String>,
    /// The headers it is sent in; `{session}` stands for it.
    #[serde(default)]
    pub headers: BTreeMap<String, TextTemplate>,
    /// A session that is not used for so long ends, seconds.
    #[serde(default)]
    pub idle_ttl_s: Option<u64>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// OAuth 1.0a.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth1a {
    /// Temporary credentials (RFC 5849 §2.1).
    pub request_token_url: UrlTemplate,
    /// The owner's authorization (RFC 5849 §2.2).
    pub authorize_url: UrlTemplate,
    /// Token credentials (RFC 5849 §2.3).
    pub token_url: UrlTemplate,
    /// The signature method.
    pub signature_method: String,
    /// Whether tokens change.
    #[serde(default)]
    pub token: TokenRules,
}

/// Every request is signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSignature {
    /// The scheme's name.
    pub scheme: String,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// No server API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSdk {
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The key of a service that gathers from many others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregatorKey {
    /// Where a token for the person's browser is made.
    #[serde(default)]
    pub session_token_url: Option<UrlTemplate>,
    /// The older address for it.
    #[serde(default)]
    pub legacy_finalise_url: Option<UrlTemplate>,
    /// The headers the key is sent in.
    #[serde(default)]
    pub headers: BTreeMap<String, TextTemplate>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}
