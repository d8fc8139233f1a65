//! The ways in which a provider lets an account be linked.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{TextTemplate, UrlTemplate};

/// How an account is linked. In a file: the table `[auth.<kind>]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Authorization code grant (RFC 6749 §4.1).
    #[serde(rename = "oauth2_code")]
    OAuth2Code(Box<OAuth2Code>),
    /// The same, with the addresses found by SMART discovery for each tenant (SMART App Launch 2 §Conformance).
    SmartDiscovery(Box<Smart>),
    /// Client credentials grant (RFC 6749 §4.4): the organisation's own access, no person takes part.
    ClientCredentials(Box<ClientCredentials>),
    /// A key that the person or the organisation has been given.
    ApiKey(ApiKey),
    /// User name and password with every request (RFC 7617).
    Basic(Basic),
    /// User name and password once, a session afterwards.
    SessionLogin(SessionLogin),
    /// OAuth 1.0a (RFC 5849).
    #[serde(rename = "oauth1a")]
    OAuth1a(OAuth1a),
    /// Every request is signed with a key of ours.
    RequestSignature(RequestSignature),
    /// There is no server API: a phone application pushes.
    DeviceSdk(DeviceSdk),
    /// The key of a service that gathers from many others.
    AggregatorKey(AggregatorKey),
}

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

/// How a grant is ended at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The method.
    pub method: String,
    /// The address; `{account_id}` stands for the provider's id of the account.
    pub url: UrlTemplate,
    /// The way to say what to revoke.
    pub how: RevokeHow,
    /// Statuses that mean "already revoked", beside 2xx.
    #[serde(default)]
    pub already_revoked: Vec<u16>,
    /// What else there is to know.
    #[serde(default)]
    pub note: Option<String>,
}

/// The way to say what to revoke.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RevokeHow {
    /// The form of RFC 7009 §2.1.
    Rfc7009 {
        /// Which token is sent.
        token: RevokeToken,
        /// How the client proves itself there.
        client_auth: RevokeClientAuth,
    },
    /// A request with the access token as Bearer and nothing else (the method is in [`Revoke::method`]).
    Bearer,
    /// The access token as a parameter of the query.
    QueryToken {
        /// The parameter's name.
        parameter: String,
    },
    /// Withings: `action=revoke` with a nonce and a signature over it (see the file).
    WithingsSignature {
        /// The address that hands out nonces.
        nonce_url: UrlTemplate,
    },
}

/// Which tokens a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeToken {
    /// The access token.
    AccessToken,
    /// The refresh token (the access token where there is none).
    RefreshToken,
    /// Both, one after the other, the refresh token first.
    Both,
}

/// How the client proves itself at the revocation endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeClientAuth {
    /// As at the token endpoint.
    AsToken,
    /// HTTP Basic.
    Basic,
    /// In the form.
    Body,
    /// Not at all.
    None,
}

/// A provider whose addresses are found by SMART discovery, tenant by tenant. Settings of the integration give the
/// FHIR base address; [`Smart::code_flow`] makes the authorization code grant from what was found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smart {
    /// The tenant's FHIR base address, which is also the `aud` of the authorization request.
    pub fhir_base_url: UrlTemplate,
    /// The discovery document, if not `{fhir_base_url}/.well-known/smart-configuration`.
    #[serde(default)]
    pub discovery_url: Option<UrlTemplate>,
    /// The issuer, where it is known beforehand: a document that names another is refused.
    #[serde(default)]
    pub issuer: Option<UrlTemplate>,
    /// The authorization endpoint as known to the sources, to compare with.
    #[serde(default)]
    pub authorize_url: Option<UrlTemplate>,
    /// The token endpoint as known to the sources, to compare with.
    #[serde(default)]
    pub token_url: Option<UrlTemplate>,
    /// The revocation endpoint, used where discovery names none.
    #[serde(default)]
    pub revoke: Option<Revoke>,
    /// The introspection endpoint.
    #[serde(default)]
    pub introspect_url: Option<UrlTemplate>,
    /// The page at the provider where a person sees what was granted.
    #[serde(default)]
    pub user_grants_url: Option<UrlTemplate>,
    /// Whether applications are registered with a secret.
    #[serde(default)]
    pub client_type: Option<ClientType>,
    /// How the client may prove itself, the best first; empty: what discovery offers decides.
    #[serde(default)]
    pub client_auth: Vec<ClientAuthKind>,
    /// The algorithms of the client's assertion, the best first.
    #[serde(default)]
    pub jwt_algorithms: Vec<String>,
    /// Whether PKCE is spoken.
    #[serde(default)]
    pub pkce: Pkce,
    /// The scopes asked for when the integration names none.
    #[serde(default)]
    pub default_scopes: Vec<String>,
    /// More parameters of the authorization request; `aud` is always sent.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, TextTemplate>,
    /// The grant types that the authorization server knows.
    #[serde(default)]
    pub grants: Vec<String>,
    /// How long tokens live and whether they change.
    #[serde(default)]
    pub token: TokenRules,
    /// What is particular about the token answer.
    #[serde(default)]
    pub response: TokenAnswer,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    /// It can.
    Confidential,
    /// It cannot.
    Public,
}

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
