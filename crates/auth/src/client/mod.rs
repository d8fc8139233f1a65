//! Client applications: what a developer registers, and what proves that a caller is one.

mod assertion;
mod auth_method;
pub mod authenticate;
mod certificate;
pub(crate) mod directory;
pub(crate) mod dynamic;
mod ensure;
mod id_text;
pub(crate) mod keys;
pub mod list;
mod metadata;
mod offered;
pub(crate) mod origins;
mod presented;
mod profile;
pub(crate) mod queries;
pub mod register;
pub mod report;
pub mod review;
mod revoke;
pub mod secret;
pub(crate) mod tries;
pub mod update;
mod uri;
pub mod verify;

use std::borrow::Cow;

use kernel::{Fault, Id, Issue, Kind, Organisation, Person, Scopes, Timestamp};
use serde::{Deserialize, Serialize};
use store::DbError;

use crate::row::text_column;

pub use auth_method::AuthMethod;
pub use ensure::ensure;
pub use id_text::{ClientIdText, MalformedClientId, Suffix};
pub use list::{LIST_ROWS_MAX, get, list_of, live_by_client_id, live_by_id};
pub(crate) use metadata::is_resource;
pub use metadata::{ClientMetadata, LIST_MAX};
pub(crate) use offered::OfferedToClients;
pub use profile::{AssertionAudience, Pkce, Profile};
pub use register::register;
pub(crate) use revoke::{Ended, disable_in};
pub use revoke::{disable, revoke_tokens};
pub use secret::{NewSecret, add_secret, retire_secret, rotate_secret, secrets_of};
pub use update::update;
pub use uri::{ClientUri, LogoUri, MalformedUri, RedirectUri, URI_BYTES_MAX};
pub use verify::{unverify, verify};

/// The channel on which a change of a client is told; the message is its id.
pub const CHANGED: &str = "client.changed";

/// The channel on which a change of a client or of its secrets is told; the message is its client id.
pub(crate) const STALE: &str = "client.stale";

/// How many addresses a client may register, each for redirects and for after sign-out.
pub const REDIRECT_URIS_MAX: usize = 20;

/// How long an access token lives where nothing else is said, in seconds.
pub const TOKEN_LIFETIME_S: u32 = 3_600;

/// How long an access token may live at the most, in seconds.
pub const TOKEN_LIFETIME_S_MAX: u32 = 86_400;

/// Whether a client can keep a secret.  RFC 6749 §2.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidentiality {
    /// It runs where only its operator looks: it authenticates with a secret.
    Confidential,
    /// It runs on people's devices: PKCE is all that binds its codes.
    Public,
}

impl Confidentiality {
    /// The word for it in the database and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Confidential, Self::Public].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A way to a token.  RFC 6749 §1.3
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// By a person's browser, with a code and PKCE.
    AuthorizationCode,
    /// By the client on its own behalf.
    ClientCredentials,
    /// By a token that was given with an earlier one.
    RefreshToken,
    /// By an assertion of somebody who is trusted.  RFC 7523 §2.1
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer", alias = "jwt_authorization")]
    JwtBearer,
    /// By a code that a person types in on another device.  RFC 8628
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// By another token.  RFC 8693
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// All that are offered.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::JwtBearer,
        Self::DeviceCode,
        Self::TokenExchange,
    ];

    /// The name by which the regional engine's documents call [`Self::JwtBearer`] (contract 2, rulings).
    pub const JWT_BEARER_ALIAS: &str = "jwt_authorization";

    /// The protocol's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// Reads what [`Self::as_str`] writes, and the alias.
    pub fn parse(text: &str) -> Option<Self> {
        if text == Self::JWT_BEARER_ALIAS {
            return Some(Self::JwtBearer);
        }
        Self::ALL.into_iter().find(|grant| grant.as_str() == text)
    }
}

/// A registered client application.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id among our things.
    pub id: Id<kernel::Client>,
    /// The developer's organisation.
    pub organisation: Id<Organisation>,
    /// Its id in protocols.
    pub client_id: ClientIdText,
    /// What people see.
    pub name: String,
    /// Whether it can keep a secret.
    pub confidentiality: Confidentiality,
    /// The rules that it is held to.
    pub profile: Profile,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// Its base address.
    pub uri: ClientUri,
    /// Where authorization answers may go.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a browser may go after sign-out.
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes it may ask for.
    pub scopes: Scopes,
    /// An image for the consent page.
    pub logo_uri: Option<LogoUri>,
    /// How long its access tokens live, in seconds.
    pub token_lifetime_s: u32,
    /// What else it says of itself.
    pub metadata: ClientMetadata,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its registration changed last.
    pub updated_at: Timestamp,
    /// When an administrator verified it.
    pub verified_at: Option<Timestamp>,
    /// Who did.
    pub verified_by: Option<Id<Person>>,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
}

impl Client {
    /// Whether its tokens have to be bound to a key of its own.
    pub const fn requires_sender_constraint(&self) -> bool {
        self.profile.requires_sender_constraint()
            || self.metadata.dpop_bound_access_tokens
            || self.metadata.tls_client_certificate_bound_access_tokens
    }

    /// Whether its authorization requests have to be pushed.
    pub const fn requires_par(&self) -> bool {
        self.profile.requires_par() || self.metadata.require_pushed_authorization_requests
    }

    /// What its ID tokens are signed with.
    pub fn id_token_algorithm(&self) -> crypto::jose::Algorithm {
        self.metadata.id_token_signed_response_alg.unwrap_or(self.profile.id_token_algorithm())
    }

    /// How long its access tokens live: as registered, within what its profile allows.
    pub fn token_lifetime(&self) -> std::time::Duration {
        let lifetime_s = self.token_lifetime_s.min(self.profile.token_lifetime_s_max());
        std::time::Duration::from_secs(u64::from(lifetime_s))
    }

    /// Whether it may use this grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// The address to which an answer may be sent, if `asked` is one that is registered.
    ///
    /// A public client with a registered loopback address may be on any port of it (RFC 8252 §7.3); everything else is
    /// compared character by character (RFC 9700 §2.1).
    pub fn trusted_redirect(&self, asked: &str) -> Option<TrustedRedirect> {
        let is_native = self.confidentiality == Confidentiality::Public;
        let registered = self
            .redirect_uris
            .iter()
            .find(|uri| uri.is(asked) || is_native && uri.is_but_for_loopback_port(asked))?;
        // With no certificate behind the address, another application on the device could pose as this one.
        let may_be_posed = is_native && registered.is_claimed_by_system();
        Some(TrustedRedirect { uri: asked.into(), may_be_posed })
    }

    /// The address to which a browser may be sent after sign-out, if `asked` is one that is registered.
    pub fn trusted_post_logout_redirect(&self, asked: &str) -> Option<TrustedRedirect> {
        let is_registered = self.post_logout_redirect_uris.iter().any(|uri| uri.is(asked));
        is_registered.then(|| TrustedRedirect { uri: asked.into(), may_be_posed: false })
    }
}

/// A redirect URI that its client has registered: the only thing that an authorization answer is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedRedirect {
    uri: Box<str>,
    may_be_posed: bool,
}

impl TrustedRedirect {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// The address of one of its connections (contract 5), which the caller has found there. It is `https` always.
    pub(crate) fn of_connection(uri: &RedirectUri) -> Self {
        Self { uri: uri.as_str().into(), may_be_posed: false }
    }

    /// Whether another application could be behind the address; consent is then asked every time.  RFC 8252 §8.6
    pub const fn may_be_posed(&self) -> bool {
        self.may_be_posed
    }

    /// The address with these parameters behind a query that is there.
    pub fn with<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let glue = if self.uri.contains('?') { '&' } else { '?' };
        format!("{}{glue}{query}", self.uri)
    }
}

text_column!(Confidentiality, "confidential or public", Self::parse);
text_column!(ClientIdText, "a client id", |text| text.parse().ok());
text_column!(ClientUri, "a base address", |text| Self::parse(text).ok());
text_column!(LogoUri, "an https address", |text| Self::parse(text).ok());

/// What can go wrong with a client's registration.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// Fields do not fit; each finding names one.
    #[error("client registration refused: {}", paths(.0))]
    Refused(Vec<Issue>),
    /// The organisation has a client with this suffix.
    #[error("client suffix is taken")]
    SuffixTaken,
    /// There is no such client, or it is another organisation's.
    #[error("no such client")]
    NotFound,
    /// There is no such live secret.
    #[error("no such client secret")]
    NoSuchSecret,
    /// A public client has no secrets.
    #[error("a public client has no secrets")]
    Public,
    /// The client has as many live secrets as it may.
    #[error("client has {} live secrets", secret::SECRETS_MAX)]
    TooManySecrets,
    /// It is another registration than the one that was looked at.
    #[error("the client has changed since it was looked at")]
    Changed,
    /// It waits for an administrator already, or is verified.
    #[error("the client was not sent back to its developer")]
    NotSentBack,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

fn paths(issues: &[Issue]) -> String {
    issues.iter().map(|issue| issue.path.as_ref()).collect::<Vec<_>>().join(", ")
}

impl Fault for ClientFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) => Kind::Invalid,
            Self::SuffixTaken | Self::Public | Self::TooManySecrets | Self::Changed | Self::NotSentBack => {
                Kind::Conflict
            }
            Self::NotFound | Self::NoSuchSecret => Kind::NotFound,
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "The registration is not complete or not right.".into(),
            Self::SuffixTaken => "Another application of your organisation has this suffix.".into(),
            Self::NotFound => "There is no such application.".into(),
            Self::NoSuchSecret => "There is no such secret.".into(),
            Self::Public => "A public application has no secrets; it proves itself with PKCE.".into(),
            Self::TooManySecrets => "The application has as many secrets as it may; retire one first.".into(),
            Self::Changed => {
                "The registration has changed since you opened this page. Look at it again.".into()
            }
            Self::NotSentBack => {
                "It is not your turn: the application waits for an administrator, or is verified.".into()
            }
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused(issues) => issues.first().map(|issue| issue.path.clone()),
            Self::SuffixTaken => Some("suffix".into()),
            Self::NotFound
            | Self::NoSuchSecret
            | Self::Public
            | Self::TooManySecrets
            | Self::Changed
            | Self::NotSentBack => None,
            Self::Store(fault) => fault.path(),
        }
    }
    fn issues(&self) -> Vec<Issue> {
        match self {
            Self::Refused(issues) => issues.clone(),
            _ => Vec::new(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A client of this registration.
    pub(crate) fn client(registration: &register::Registration, known: &Scopes) -> Client {
        let read = register::read(registration, &register::Known::in_tests(known)).unwrap();
        let now = Timestamp::from_seconds(1);
        Client {
            id: Id::from_bytes([1; 16]),
            organisation: Id::from_bytes([2; 16]),
            client_id: "opaque.diary".parse().unwrap(),
            name: read.name,
            confidentiality: read.confidentiality,
            profile: read.profile,
            auth_method: read.auth_method,
            uri: read.uri,
            redirect_uris: read.redirect_uris,
            post_logout_redirect_uris: read.post_logout_redirect_uris,
            grant_types: read.grant_types,
            scopes: read.scopes,
            logo_uri: read.logo_uri,
            token_lifetime_s: read.token_lifetime_s,
            metadata: read.metadata,
            created_at: now,
            updated_at: now,
            verified_at: None,
            verified_by: None,
            disabled_at: None,
        }
    }

    fn with(confidentiality: &str, redirect_uri: &str) -> Client {
        let registration = register::Registration {
            name: "Sleep diary".into(),
            uri: "https://app.example".into(),
            confidentiality: confidentiality.into(),
            redirect_uris: vec![redirect_uri.into()],
            grant_types: vec!["authorization_code".into()],
            ..register::Registration::default()
        };
        client(&registration, &crate::scope::built_in())
    }

    #[test]
    fn only_a_native_client_may_change_its_loopback_port() {
        let asked = "http://127.0.0.1:49152/callback";
        assert!(with("public", "http://127.0.0.1/callback").trusted_redirect(asked).is_some());
        assert_eq!(with("confidential", "http://127.0.0.1/callback").trusted_redirect(asked), None);
    }

    #[test]
    fn who_can_be_posed_is_asked_about_every_time() {
        for (kind, uri, may_be_posed) in [
            ("public", "https://app.example/cb", false),
            ("public", "http://127.0.0.1/cb", true),
            ("public", "myapplication://cb", true),
            ("confidential", "myapplication://cb", false),
        ] {
            let trusted = with(kind, uri).trusted_redirect(uri).unwrap();
            assert_eq!(trusted.may_be_posed(), may_be_posed, "{kind} {uri}");
        }
    }

    #[test]
    fn an_answer_keeps_the_query_that_is_registered() {
        let to =
            |uri: &str| with("confidential", uri).trusted_redirect(uri).unwrap().with([("state", "a&b=c d")]);
        assert_eq!(to("https://app.example/cb"), "https://app.example/cb?state=a%26b%3Dc+d");
        assert_eq!(to("https://app.example/cb?x=1"), "https://app.example/cb?x=1&state=a%26b%3Dc+d");
        assert_eq!(to("myapplication://cb"), "myapplication://cb?state=a%26b%3Dc+d");
    }
}
