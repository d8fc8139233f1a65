//! A person's consent by authorization code.  RFC 6749 §4.1

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Revoke, TokenAnswer, TokenRules};
use crate::provider::{TextTemplate, UrlTemplate};

/// A provider's authorization code grant. The engine is written against this; SMART discovery makes one at run time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Code {
    /// The authorization endpoint.
    pub authorize_url: UrlTemplate,
    /// A second authorization endpoint, for phones.
    #[serde(default)]
    pub authorize_url_mobile: Option<UrlTemplate>,
    /// The token endpoint.
    pub token_url: UrlTemplate,
    /// Where to refresh, if not at the token endpoint.
    #[serde(default)]
    pub refresh_url: Option<UrlTemplate>,
    /// How a grant is ended at the provider.
    #[serde(default)]
    pub revoke: Option<Revoke>,
    /// The introspection endpoint (RFC 7662).
    #[serde(default)]
    pub introspect_url: Option<UrlTemplate>,
    /// The OpenID Connect UserInfo endpoint.
    #[serde(default)]
    pub userinfo_url: Option<UrlTemplate>,
    /// The discovery document, where the provider has one.
    #[serde(default)]
    pub discovery_url: Option<UrlTemplate>,
    /// The page at the provider where a person sees what was granted.
    #[serde(default)]
    pub user_grants_url: Option<UrlTemplate>,
    /// The issuer: a callback that names another is refused (RFC 9207).
    #[serde(default)]
    pub issuer: Option<UrlTemplate>,
    /// How the client proves itself at the token endpoint, the best first; empty: not confirmed.
    #[serde(default)]
    pub client_auth: Vec<ClientAuthKind>,
    /// The algorithms of the client's assertion (`private_key_jwt`), the best first.
    #[serde(default)]
    pub jwt_algorithms: Vec<String>,
    /// Whether PKCE is spoken (RFC 7636).
    #[serde(default)]
    pub pkce: Pkce,
    /// Whether the answer holds an ID token: a nonce is sent and checked (OpenID Connect Core §3.1.2.1).
    #[serde(default)]
    pub openid: bool,
    /// More parameters of the authorization request.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, TextTemplate>,
    /// More parameters of every request to the token endpoint.
    #[serde(default)]
    pub token_params: BTreeMap<String, TextTemplate>,
    /// More parameters of a refresh.
    #[serde(default)]
    pub refresh_params: BTreeMap<String, TextTemplate>,
    /// More headers at the token endpoint.
    #[serde(default)]
    pub extra_headers: BTreeMap<String, TextTemplate>,
    /// What stands between scopes in the authorization request.
    #[serde(default = "space")]
    pub scope_separator: String,
    /// The scopes asked for when the integration names none.
    #[serde(default)]
    pub default_scopes: Vec<String>,
    /// How long tokens live and whether they change.
    #[serde(default)]
    pub token: TokenRules,
    /// What is particular about the token answer.
    #[serde(default)]
    pub response: TokenAnswer,
    /// How long a code can be redeemed, seconds.
    #[serde(default)]
    pub code_ttl_s: Option<u64>,
    /// The person's consent ends by itself after so many seconds, whatever the tokens say.
    #[serde(default)]
    pub consent_ttl_s: Option<u64>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

fn space() -> String {
    String::from(" ")
}

impl OAuth2Code {
    /// How the client proves itself. Where no source tells, HTTP Basic: the one way that every token endpoint must
    /// accept from a client with a password (RFC 6749 §2.3.1).
    pub fn client_authentication(&self) -> ClientAuthentication {
        match self.client_auth.first().copied().unwrap_or(ClientAuthKind::Basic) {
            ClientAuthKind::Basic => ClientAuthentication::Basic,
            ClientAuthKind::Body => ClientAuthentication::Body,
            ClientAuthKind::Query => ClientAuthentication::Query,
            ClientAuthKind::None => ClientAuthentication::None,
            ClientAuthKind::PrivateKeyJwt => ClientAuthentication::PrivateKeyJwt {
                algorithm: self.jwt_algorithms.first().cloned().unwrap_or_else(|| String::from("ES384")),
            },
        }
    }
}

/// The way a client proves itself at the token endpoint, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Id and secret by HTTP Basic.
    Basic,
    /// Id and secret in the form.
    Body,
    /// Id and secret in the query. (No provider should; some do.)
    Query,
    /// A signed assertion (RFC 7523 §2.2).
    PrivateKeyJwt {
        /// The JWS algorithm: `RS384`, `ES384`, `RS512`.
        algorithm: String,
    },
    /// A public client: only the id, in the form.
    None,
}

/// The way a client proves itself, as a file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthKind {
    /// HTTP Basic.
    Basic,
    /// In the form.
    Body,
    /// In the query.
    Query,
    /// A signed assertion.
    PrivateKeyJwt,
    /// None: a public client.
    None,
}

/// Whether the provider speaks PKCE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// It refuses requests without.
    RequiredS256,
    /// It checks a challenge that is sent.
    SupportedS256,
    /// It is known not to use it.
    NotUsed,
    /// No source tells.
    #[default]
    Unconfirmed,
}

impl Pkce {
    /// Whether a challenge is sent. Also where nothing is known: a server ignores parameters that it does not know
    /// (RFC 6749 §3.1), and one that knows this one protects the person (RFC 9700 §2.1.1).
    pub fn is_sent(self) -> bool {
        !matches!(self, Self::NotUsed)
    }
}
