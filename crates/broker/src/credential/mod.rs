//! The tokens of people's connections: kept sealed, used here, renewed once for everybody.  `docs/broker.md`

mod ask;
mod claim;
mod decide;
mod flight;
pub(crate) mod obtain;
pub(crate) mod queries;
mod recover;
mod refresh;
mod revoke;
mod settle;
mod tokens;
mod withdraw;

use std::time::Duration;

use http::HeaderValue;
use kernel::{Connection, Id, Integration, Person, Scopes, Timestamp};

use crate::connection::{Reason, Status};

pub(crate) use ask::{ClientProof, Grant, TokenRequest, sensitive};
pub(crate) use flight::Flights;
pub(crate) use queries::{CredentialRow, delete_credentials_before, insert_credential};
pub(crate) use recover::SWEEP_EVERY;
pub use recover::SweepTokenJournal;
pub use revoke::RevokeAtProvider;
pub(crate) use revoke::schedule;
pub(crate) use tokens::{Tokens, places};

/// How tokens are renewed. The defaults suit production; tests shorten them.
#[derive(Debug, Clone, Copy)]
pub struct RefreshPolicy {
    /// How long a process may renew before another takes over. It is prolonged while the call is under way.
    pub lease: Duration,
    /// The longest a call to a token endpoint may take.
    pub call_max: Duration,
    /// The longest a caller waits for a renewal.
    pub wait_max: Duration,
    /// How long before its end a token is renewed, at the most (and at most a tenth of its life).
    pub margin_max: Duration,
}

/// The longest a call to a token endpoint may take: an answer that we gave up on may hold a one-time token.
pub const TOKEN_CALL_MAX: Duration = Duration::from_secs(120);
/// How long a renewal belongs to the process that began it, unless that process prolongs it.
pub const LEASE: Duration = Duration::from_secs(30);
/// The longest a caller waits for a renewal before it is told to come back.
pub const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long before its end a token is renewed, at the most.
pub const MARGIN_MAX: Duration = Duration::from_secs(600);

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { lease: LEASE, call_max: TOKEN_CALL_MAX, wait_max: WAIT_MAX, margin_max: MARGIN_MAX }
    }
}

/// A connection with its access token, as it lies in memory.
pub(crate) struct Live {
    pub id: Id<Connection>,
    pub person: Id<Person>,
    pub integration: Id<Integration>,
    pub status: Status,
    pub granted: Scopes,
    pub version: i64,
    /// `Bearer …`, marked sensitive.
    pub authorization: HeaderValue,
    pub renewable: bool,
    pub expires_at: Option<Timestamp>,
    pub renew_from: Option<Timestamp>,
    pub retry_at: Timestamp,
}

/// Why there is no access token to use.
#[derive(Debug, thiserror::Error)]
pub enum CredentialFault {
    /// The person has not linked an account.
    #[error("no account is linked")]
    NotLinked,
    /// The person has to link again.
    #[error("the connection needs to be made again: {}", .0.as_str())]
    NeedsReconnect(Reason),
    /// The token has ended and cannot be renewed at the moment.
    #[error("the token has ended and is not renewed yet")]
    NotRenewed {
        /// Seconds after which trying again may help.
        retry_after_s: u64,
    },
    /// The integration does not allow for what was asked.
    #[error("the integration cannot be used: {0}")]
    Integration(#[from] crate::integration::IntegrationFault),
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] store::DbError),
    /// The vault does not open.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
}

impl kernel::Fault for CredentialFault {
    fn kind(&self) -> kernel::Kind {
        match self {
            Self::NotLinked | Self::NeedsReconnect(_) => kernel::Kind::Conflict,
            Self::NotRenewed { .. } => kernel::Kind::Unavailable,
            Self::Integration(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
        }
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::NotLinked => "the person has not linked an account; send them to the connectUri".into(),
            Self::NeedsReconnect(_) => {
                "the person has to link the account again; send them to the connectUri".into()
            }
            Self::NotRenewed { .. } => "the third party does not renew the access at the moment".into(),
            Self::Integration(fault) => fault.public(),
            Self::Db(fault) => fault.public(),
            Self::Vault(fault) => fault.public(),
        }
    }
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::NotLinked => Some("not_connected"),
            Self::NeedsReconnect(_) => Some("needs_reconnect"),
            _ => None,
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::NotRenewed { retry_after_s } => Some(*retry_after_s),
            Self::Db(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
