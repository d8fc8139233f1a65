//! Third-party services as this deployment has set them up.

mod discover;
mod find;
pub(crate) mod queries;
mod set_up;
pub(crate) mod view;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use kernel::{Id, Integration as IntegrationKind, Issue, Kind, Organisation, Scopes, Secret};
use url::Url;

use crate::{
    port::PortFault,
    provider::{DiscoveryFault, Provider, SettingFault, Settings, UnknownEnvironment},
};
use outbound::OutboundFault;

pub use set_up::Enabled;
pub use view::IntegrationOut;

/// The channel on which changes of integrations are told; the message is the slug.
pub(crate) const CHANNEL: &str = "broker.integration";
/// The longest slug.
pub const SLUG_BYTES_MAX: usize = 64;
/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// The longest client id, secret or key, in bytes.
pub const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;

/// An integration, ready to use. There is no `Debug`: its settings may hold secrets.
pub struct Integration {
    /// Its id.
    pub id: Id<IntegrationKind>,
    /// The tenant that owns it.
    pub organisation: Id<Organisation>,
    /// Its id in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The provider, in the environment that the settings name.
    pub provider: Arc<Provider>,
    /// This deployment's `client_id` at the third party.
    pub client_id: String,
    /// The values of the provider's variables.
    pub settings: Settings,
    /// The scopes asked for.
    pub scopes: Scopes,
    /// Whether people can link and clients can use it.
    pub enabled: bool,
    /// Counts its changes.
    pub version: i64,
    /// Where its API is.
    pub(crate) api_base: Option<Url>,
}

impl Integration {
    /// The settings that may be shown.
    pub fn settings_shown(&self) -> BTreeMap<String, String> {
        self.settings.shown().clone()
    }
}

/// An integration as it is set up.
pub struct IntegrationIn {
    /// Its id in addresses: lower-case letters, digits and single hyphens.
    pub slug: String,
    /// The provider's id in the catalogue.
    pub provider: String,
    /// Its name for people.
    pub name: String,
    /// This deployment's `client_id` at the third party.
    pub client_id: String,
    /// The secret that goes with it; none leaves the one that is there.
    pub client_secret: Option<Secret<String>>,
    /// The private key that signs assertions (PKCS#8, PEM); none leaves the one that is there.
    pub private_key: Option<Secret<String>>,
    /// The provider's settings, `environment` among them.
    pub settings: BTreeMap<String, Secret<String>>,
    /// The scopes to ask for; none for the provider's usual ones.
    pub scopes: Option<Scopes>,
    /// Whether people can link and clients can use it.
    pub enabled: bool,
}

/// Something is wrong with an integration.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationFault {
    /// There is none of this slug, or it is not enabled.
    #[error("no such integration")]
    Unknown,
    /// The catalogue has no such provider.
    #[error("the catalogue has no provider {0}")]
    UnknownProvider(String),
    /// The provider has no environment of this name.
    #[error(transparent)]
    Environment(#[from] UnknownEnvironment),
    /// A setting is missing or wrong.
    #[error(transparent)]
    Setting(#[from] SettingFault),
    /// A field is wrong.
    #[error("{field}: {message}")]
    Field {
        /// Which.
        field: &'static str,
        /// What would be right.
        message: &'static str,
    },
    /// Somebody else's organisation has the slug.
    #[error("the slug belongs to another organisation")]
    SlugTaken,
    /// The account is not linked in a browser: the provider works by keys.
    #[error("the provider has no authorization code grant")]
    NoCodeFlow,
    /// The way to authenticate needs a secret.
    #[error("the integration has no client secret")]
    NoSecret,
    /// The way to authenticate needs a private key.
    #[error("the integration has no private key")]
    NoPrivateKey,
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] crypto::jose::JoseError),
    /// The catalogue's entry cannot be used as it is.
    #[error("the catalogue's entry is unusable: {0}")]
    Catalogue(&'static str),
    /// The discovery document leads nowhere.
    #[error(transparent)]
    Discovery(#[from] DiscoveryFault),
    /// The discovery document is not one.
    #[error("the discovery document is unreadable")]
    UnreadableDiscovery,
    /// The third party cannot be called.
    #[error(transparent)]
    Outbound(#[from] OutboundFault),
    /// Clients cannot be looked up.
    #[error(transparent)]
    Port(#[from] PortFault),
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] store::DbError),
    /// The vault does not open.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
}

impl kernel::Fault for IntegrationFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::UnknownProvider(_) | Self::Environment(_) | Self::Setting(_) | Self::Field { .. } => {
                Kind::Invalid
            }
            Self::SlugTaken => Kind::Conflict,
            Self::NoCodeFlow => Kind::Unsupported,
            Self::NoSecret | Self::NoPrivateKey | Self::Key(_) | Self::Catalogue(_) => Kind::Internal,
            Self::Discovery(_) | Self::UnreadableDiscovery => Kind::Unavailable,
            Self::Outbound(fault) => fault.kind(),
            Self::Port(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown => "there is nothing here".into(),
            Self::UnknownProvider(_) => "the catalogue has no such provider".into(),
            Self::Environment(fault) => fault.public(),
            Self::Setting(fault) => fault.public(),
            Self::Field { field, message } => format!("{field}: {message}").into(),
            Self::SlugTaken => "the slug is taken".into(),
            Self::NoCodeFlow => "accounts at this service are not linked in a browser".into(),
            Self::NoSecret | Self::NoPrivateKey | Self::Key(_) | Self::Catalogue(_) => {
                "the integration is not set up correctly".into()
            }
            Self::Discovery(_) | Self::UnreadableDiscovery => {
                "the third party cannot be used at the moment".into()
            }
            Self::Outbound(fault) => fault.public(),
            Self::Port(fault) => fault.public(),
            Self::Db(fault) => fault.public(),
            Self::Vault(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::UnknownProvider(_) => Some("provider".into()),
            Self::Environment(fault) => fault.path(),
            Self::Setting(fault) => fault.path(),
            Self::Field { field, .. } => Some((*field).into()),
            Self::SlugTaken => Some("slug".into()),
            _ => None,
        }
    }
    fn issues(&self) -> Vec<Issue> {
        match self {
            Self::Setting(fault) => fault.issues(),
            _ => Vec::new(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Db(fault) => fault.retry_after_s(),
            Self::Port(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
