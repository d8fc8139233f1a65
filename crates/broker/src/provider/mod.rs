//! Third-party services that people link their accounts at: what each of them wants, as data.
//!
//! One TOML file per provider (`providers/<id>.toml`), compiled in; operators add or override by file (`docs/providers.md`).
//! Every fact names its sources, and what could not be confirmed is absent: an absent field means "not known".

mod answer;
mod auth;
mod catalogue;
mod discover;
mod environment;
mod place;
mod read;
mod schema;
mod settings;
mod template;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Deserialize;

pub use answer::{
    ANSWER_BYTES_MAX, IssuedTokens, RefusalCode, TokenReading, TransientWhy, read_token_answer,
};
pub use auth::{
    AggregatorKey, ApiKey, Auth, Basic, ClientAuthKind, ClientAuthentication, ClientCredentials, ClientType,
    DeviceSdk, Envelope, OAuth1a, OAuth2Code, Pkce, RequestSignature, Revoke, RevokeClientAuth, RevokeHow,
    RevokeToken, Rotation, SessionLogin, Smart, TokenAnswer, TokenErrorClass, TokenRules,
};
pub use catalogue::{Catalogue, CatalogueFault, Source};
pub use discover::{DiscoveryFault, SmartConfiguration};
pub use environment::UnknownEnvironment;
pub use read::{FileFault, read_provider};
pub use schema::Schema;
pub use settings::{Setting, SettingFault, Settings};
pub(crate) use template::UNRESERVED;
pub use template::{MalformedTemplate, TextTemplate, Transport, UrlTemplate};

use crate::action::ActionDeclaration;

/// The longest provider id.
pub const PROVIDER_ID_BYTES_MAX: usize = 64;

/// The catalogue's name of a provider: lower-case letters, digits and single hyphens (`google-health`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ProviderId(Arc<str>);

impl ProviderId {
    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::borrow::Borrow<str> for ProviderId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The text is not a provider id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a provider id: use lower-case letters, digits and single hyphens, at most {PROVIDER_ID_BYTES_MAX} of them"
)]
pub struct MalformedProviderId;

impl TryFrom<String> for ProviderId {
    type Error = MalformedProviderId;
    fn try_from(text: String) -> Result<Self, MalformedProviderId> {
        text.as_str().parse()
    }
}
impl std::str::FromStr for ProviderId {
    type Err = MalformedProviderId;
    fn from_str(text: &str) -> Result<Self, MalformedProviderId> {
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let good = text.len() <= PROVIDER_ID_BYTES_MAX && text.split('-').all(word);
        if good { Ok(Self(text.into())) } else { Err(MalformedProviderId) }
    }
}

/// One third-party service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its id, which is also the file's name.
    pub id: ProviderId,
    /// What people call it.
    pub name: String,
    /// The sort of service.
    pub family: Family,
    /// How sure we are of the file as a whole.
    pub confidence: Confidence,
    /// Fields we are less sure of than of the rest: `limits`, `token.access_ttl_s`.
    #[serde(default)]
    pub confidence_by_field: BTreeMap<String, Confidence>,
    /// Whether it is in service.
    #[serde(default)]
    pub status: Status,
    /// Whether addresses without TLS are accepted (only ever on loopback, for development).
    #[serde(default)]
    pub transport: Transport,
    /// What whoever sets up an integration has to state; the names are the variables of the templates.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// How an account is linked.
    pub auth: Auth,
    /// Other ways to authorize that the provider offers and this file does not spell out.
    #[serde(default)]
    pub also: Vec<String>,
    /// Other installations of the same service, by name: `sandbox`, `patient`.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
    /// Where the data is.
    #[serde(default)]
    pub api: Option<Api>,
    /// A call that must follow linking.
    #[serde(default)]
    pub post_connect: Option<PostConnect>,
    /// What the provider sends by itself.
    #[serde(default)]
    pub webhooks: Option<Webhooks>,
    /// How much may be asked of it.
    #[serde(default)]
    pub limits: Vec<Budget>,
    /// The headers in which it tells what is left.
    #[serde(default)]
    pub limit_headers: Vec<String>,
    /// What is known of its limits and is not a number.
    #[serde(default)]
    pub limit_notes: Vec<String>,
    /// What applications can have done here.
    #[serde(default)]
    pub actions: Vec<ActionDeclaration>,
    /// The methods and paths suggested for the proxy's allow-list.
    #[serde(default)]
    pub proxy: Vec<ProxyRule>,
    /// Field → keys of `providers/sources.toml`.
    #[serde(default)]
    pub sources: BTreeMap<String, Vec<String>>,
    /// What an operator should know.
    #[serde(default)]
    pub quirks: Vec<String>,
}

impl Provider {
    /// The action of this name.
    pub fn action(&self, name: &str) -> Option<&ActionDeclaration> {
        self.actions.iter().find(|action| action.name == name)
    }
}

/// The sort of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Watches, rings, trackers and the services behind them.
    Wearable,
    /// Medical devices at home.
    Device,
    /// Electronic health records.
    Ehr,
    /// Laboratories.
    Lab,
    /// Health insurers.
    Payer,
    /// A country's own health service.
    NationalService,
    /// A country's own sign-in.
    NationalIdentity,
    /// Systems of clinical research.
    ClinicalTrial,
    /// Services that gather from many others.
    Aggregator,
    /// Electronic signatures.
    Signature,
    /// Files.
    Files,
    /// Mail, calendar and meetings.
    Office,
    /// Sign-in services of any kind.
    Identity,
    /// For development and tests.
    Test,
}

/// Whether a provider is in service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The word for it.
    #[serde(default)]
    pub state: State,
    /// What there is to say about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// Whether a provider is in service, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In service, as far as is known.
    #[default]
    Active,
    /// Its end has been announced.
    Sunset,
    /// Replaced by another; kept for those who still use it.
    Legacy,
}

/// How sure we are of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A single secondary or dated source: check before use.
    Low,
    /// Two independent clients, or one that is maintained, agree.
    Medium,
    /// The provider's own documents, discovery or source code.
    High,
}

/// Another installation of the same service: what differs there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The authorization endpoint there.
    #[serde(default)]
    pub authorize_url: Option<UrlTemplate>,
    /// The token endpoint there.
    #[serde(default)]
    pub token_url: Option<UrlTemplate>,
    /// The token endpoint for the client's own access there.
    #[serde(default)]
    pub system_token_url: Option<UrlTemplate>,
    /// The issuer there.
    #[serde(default)]
    pub issuer: Option<UrlTemplate>,
    /// The discovery document there.
    #[serde(default)]
    pub discovery_url: Option<UrlTemplate>,
    /// The API there.
    #[serde(default)]
    pub base_url: Option<UrlTemplate>,
    /// The FHIR API there.
    #[serde(default)]
    pub fhir_base_url: Option<UrlTemplate>,
}

/// Where the data is and how it is asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The address that paths of actions and of the proxy are appended to.
    #[serde(default)]
    pub base_url: Option<UrlTemplate>,
    /// The FHIR API, where it is apart.
    #[serde(default)]
    pub fhir_base_url: Option<UrlTemplate>,
    /// An address seen in use, where the real one differs from customer to customer.
    #[serde(default)]
    pub example_url: Option<String>,
    /// Headers sent with every call, beside the credential.
    #[serde(default)]
    pub extra_headers: BTreeMap<String, TextTemplate>,
    /// The media type to ask for.
    #[serde(default)]
    pub accept: Option<String>,
    /// How the provider's own id of the account is learnt, if the token answer does not tell it.
    #[serde(default)]
    pub account_id: Option<AccountIdFrom>,
    /// How the person's time zone is learnt, for providers that answer in local clock time.
    #[serde(default)]
    pub time_zone: Option<TimeZoneFrom>,
    /// `graphql` where it is not REST.
    #[serde(default)]
    pub style: Option<String>,
    /// What bodies are in, where it is not JSON: `CDISC ODM XML`.
    #[serde(default)]
    pub format: Option<String>,
    /// The HTTP version it insists on.
    #[serde(default)]
    pub http: Option<String>,
    /// The answer's field that holds the next page's cursor.
    #[serde(default)]
    pub page_cursor: Option<String>,
    /// The header that tells how long to wait.
    #[serde(default)]
    pub retry_after_header: Option<String>,
    /// The header that tells the time to wait for.
    #[serde(default)]
    pub retry_at_header: Option<String>,
    /// Statuses after which asking again can help, beside the usual: `403`, `5xx`.
    #[serde(default)]
    pub retry_on: Vec<String>,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// How the provider's own id of the linked account is learnt after linking.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AccountIdFrom {
    /// Ask the API.
    Get {
        /// The path below the API's base address.
        path: String,
        /// Where the id stands in the answer (JSON Pointer, RFC 6901).
        pointer: String,
    },
    /// Claims of the access token, which is a JWT: the first that is there.
    AccessTokenClaims(Vec<String>),
}

/// How a person's time zone is learnt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TimeZoneFrom {
    /// All clock times are in this zone (IANA name).
    Fixed(String),
    /// Ask the API; the answer holds an IANA name.
    Get {
        /// The path below the API's base address.
        path: String,
        /// Where the zone's name stands in the answer (JSON Pointer, RFC 6901).
        pointer: String,
    },
}

/// A call that must follow linking before data flows or can be found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostConnect {
    /// The method.
    pub method: String,
    /// The address.
    pub url: UrlTemplate,
    /// The body's media type and shape.
    #[serde(default)]
    pub body: Option<String>,
    /// Fields of the answer that later calls need.
    #[serde(default)]
    pub keep: Vec<String>,
    /// What there is to know.
    #[serde(default)]
    pub note: Option<String>,
}

/// What the provider sends by itself, and how it proves that it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Whether the data comes with it.
    #[serde(default)]
    pub mode: Option<WebhookMode>,
    /// How one subscribes.
    #[serde(default)]
    pub registration: Option<String>,
    /// How the address is tried out by the provider.
    #[serde(default)]
    pub challenge: Option<String>,
    /// How the sender is known where there is no signature over the body.
    #[serde(default)]
    pub verify: Option<String>,
    /// How the body is signed.
    #[serde(default)]
    pub signature: Option<WebhookSignature>,
    /// What a notice tells.
    #[serde(default)]
    pub payload: Option<String>,
    /// The longest the provider waits for our answer, seconds.
    #[serde(default)]
    pub must_answer_within_s: Option<u32>,
    /// How often it tries again.
    #[serde(default)]
    pub provider_retries: Option<u32>,
    /// When it stops by itself.
    #[serde(default)]
    pub auto_disable: Option<String>,
    /// How it tells that a person ended the grant.
    #[serde(default)]
    pub revocation_event: Option<String>,
    /// Why data cannot be fetched instead.
    #[serde(default)]
    pub pull_forbidden: Option<String>,
}

/// Whether a notice brings the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookMode {
    /// There is something to fetch.
    NotifyOnly,
    /// The data is in the body.
    PushWithData,
    /// The provider has none.
    None,
}

/// The recipe of a webhook's signature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSignature {
    /// The headers it is in.
    pub headers: Vec<String>,
    /// The algorithm: `hmac_sha256`, `ed25519`.
    pub algorithm: String,
    /// Whose key: `client_secret`, `webhook_secret`.
    #[serde(default)]
    pub key: Option<String>,
    /// What is signed.
    pub message: String,
    /// How the signature is written: `hex`, `hex_upper`, `base64`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// How the header is laid out.
    #[serde(default)]
    pub format: Option<String>,
    /// How old a signed time may be, seconds.
    #[serde(default)]
    pub tolerance_s: Option<u32>,
}

/// A number of calls in a time: `limit + per_user × linked people` in any `window_s` seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Who shares it.
    pub scope: BudgetScope,
    /// How many calls.
    pub limit: u32,
    /// How many more for each linked person.
    #[serde(default)]
    pub per_user: u32,
    /// In how many seconds.
    pub window_s: u32,
    /// Whether the count begins anew at a fixed time.
    #[serde(default)]
    pub window: BudgetWindow,
    /// The tier of the provider's plans it belongs to; none is the one everybody starts with.
    #[serde(default)]
    pub tier: Option<String>,
    /// The header that tells when the window ends.
    #[serde(default)]
    pub reset_header: Option<String>,
}

/// Who shares a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// All calls made with our client id.
    App,
    /// All calls for a person, whoever makes them.
    User,
    /// Our calls for a person.
    UserPerApp,
    /// Calls to one endpoint.
    Endpoint,
    /// Calls to one device.
    Device,
}

/// How a budget's time runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetWindow {
    /// Any stretch of that length, or not known.
    #[default]
    Rolling,
    /// Begins at whole multiples of its length (the top of the hour).
    Fixed,
}

/// A method and a path pattern that the proxy may be allowed to pass. `*` stands for one whole segment, `**` at the
/// end for any number of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyRule {
    /// The method, upper case.
    pub method: String,
    /// The pattern, beginning with `/`.
    pub path: String,
}
