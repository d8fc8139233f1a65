//! Third-party services that people link their accounts at: what each of them wants, as data.
//!
//! One TOML file per provider (`providers/<id>.toml`), compiled in; operators add or override by file (`docs/providers.md`).
//! Every fact names its sources, and what could not be confirmed is absent: an absent field means "not known".

mod answer;
mod api;
mod auth;
mod catalogue;
mod discover;
mod environment;
mod limit;
mod place;
mod read;
mod schema;
mod settings;
mod template;
mod webhook;

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Deserialize;

pub use answer::{
    ANSWER_BYTES_MAX, IssuedTokens, RefusalCode, TokenReading, TransientWhy, read_token_answer,
};
pub(crate) use answer::{EnvelopeReading, read_envelope};
pub use api::{AccountIdFrom, Api, PostConnect, ProxyRule, TimeZoneFrom};
pub use auth::{
    AggregatorKey, ApiKey, Auth, Basic, ClientAuthKind, ClientAuthentication, ClientCredentials, ClientType,
    DeviceSdk, Envelope, OAuth1a, OAuth2Code, Pkce, RequestSignature, Revoke, RevokeClientAuth, RevokeHow,
    RevokeToken, Rotation, SessionLogin, Smart, TokenAnswer, TokenErrorClass, TokenRules,
};
pub use catalogue::{Catalogue, CatalogueFault, Source};
pub use discover::{DiscoveryFault, SmartConfiguration};
pub use environment::UnknownEnvironment;
pub use limit::{Budget, BudgetScope, BudgetWindow};
pub use read::{FileFault, read_provider};
pub use schema::Schema;
pub use settings::{Setting, SettingFault, Settings};
pub(crate) use template::UNRESERVED;
pub use template::{MalformedTemplate, TextTemplate, Transport, UrlTemplate};
pub use webhook::{WebhookMode, WebhookSignature, Webhooks};

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
