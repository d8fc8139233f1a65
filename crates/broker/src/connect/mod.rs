//! A person's journey to the third party and back.  RFC 6749 §4.1, RFC 9700 §2.1; contract 1

pub(crate) mod begin;
pub(crate) mod callback;
mod issuer;
pub(crate) mod queries;
mod redeem;
mod return_uri;

use std::{borrow::Cow, time::Duration};

use kernel::{Client, Digest, Id, Integration, Kind, Person, Scopes, Timestamp};
use vault::Sealed;

use crate::integration::IntegrationFault;

pub use return_uri::{ErrorCode, NoReturn, REGISTERED_BYTES_MAX, RETURN_PATH_BYTES_MAX, ReturnUri};

/// How long a person may take at the third party.
pub const JOURNEY_MAX: Duration = Duration::from_secs(600);

/// A journey that has begun.
pub(crate) struct ConnectSession {
    pub state: Digest,
    pub browser: Digest,
    pub person: Id<Person>,
    pub integration: Id<Integration>,
    pub verifier: Sealed,
    pub nonce: Option<Sealed>,
    pub scopes: Scopes,
    pub client: Option<Id<Client>>,
    pub return_uri: ReturnUri,
    pub expires_at: Timestamp,
}

/// Why a page is shown here in place of a redirect.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFault {
    /// No such integration.
    #[error("no such integration")]
    UnknownIntegration,
    /// The client is unknown, or is not trusted for this integration. Nobody is told which.
    #[error("the client is unknown or has no trust for this integration")]
    UnknownClient,
    /// Both spellings of the path.
    #[error("returnPath is there in both spellings")]
    TwoPaths,
    /// There is nowhere to return to.
    #[error(transparent)]
    NoReturn(#[from] NoReturn),
    /// The answer belongs to no journey of this browser: it was used, it is too late, or it began elsewhere.
    #[error("the state belongs to no journey of this browser")]
    UnknownJourney,
    /// Something that is needed does not answer.
    #[error(transparent)]
    Integration(#[from] IntegrationFault),
}

impl From<store::DbError> for ConnectFault {
    fn from(fault: store::DbError) -> Self {
        Self::Integration(fault.into())
    }
}
impl From<vault::VaultError> for ConnectFault {
    fn from(fault: vault::VaultError) -> Self {
        Self::Integration(fault.into())
    }
}
impl From<crate::PortFault> for ConnectFault {
    fn from(fault: crate::PortFault) -> Self {
        Self::Integration(fault.into())
    }
}

impl kernel::Fault for ConnectFault {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownIntegration => Kind::NotFound,
            Self::UnknownClient | Self::TwoPaths | Self::NoReturn(_) | Self::UnknownJourney => Kind::Invalid,
            Self::Integration(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownIntegration => "there is no such service to link here".into(),
            Self::UnknownClient => "the application that sent you here may not link this service".into(),
            Self::TwoPaths => "the application that sent you here names two places to return to".into(),
            Self::NoReturn(_) => "the application that sent you here names a place that you cannot be returned to".into(),
            Self::UnknownJourney => {
                "this answer was used before, came too late, or belongs to another browser. What was linked stays as it \
                 was; please begin again"
                    .into()
            }
            Self::Integration(fault) => fault.public(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Integration(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
