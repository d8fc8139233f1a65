//! What client applications may do with integrations.

mod decide;
mod find;
pub(crate) mod queries;

use kernel::{Client, Id, Integration, Organisation, Person, Scopes, Timestamp, Trust as TrustKind};
use store::{FromValue, Mismatch, ToValue, Value, ValueRef};

use crate::proxy::Rule;

pub(crate) use find::{Access, person_of, require_trust};

/// The channel on which changes of trust are told; the message is `<client> <integration>`.
pub(crate) const CHANNEL: &str = "broker.trust";
/// The highest rate that can be granted, calls per minute.
pub const RATE_PER_MINUTE_MAX: u32 = 600_000;
/// The most actions that one trust may name.
pub const ACTIONS_MAX: usize = 64;

/// How a trust stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A developer has asked for it.
    Requested,
    /// An administrator has granted it.
    Granted,
    /// An administrator has withdrawn or refused it.
    Withdrawn,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Granted => "granted",
            Self::Withdrawn => "withdrawn",
        }
    }
}
impl ToValue for State {
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}
impl FromValue for State {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value.text()? {
            "requested" => Ok(Self::Requested),
            "granted" => Ok(Self::Granted),
            "withdrawn" => Ok(Self::Withdrawn),
            _ => Err(value.is_not("the state of a trust")),
        }
    }
}

/// What a client may do with an integration, or has asked to do.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Its id.
    pub id: Id<TrustKind>,
    /// The client.
    pub client: Id<Client>,
    /// The integration.
    pub integration: Id<Integration>,
    /// The tenant that owns the integration.
    pub organisation: Id<Organisation>,
    /// How it stands.
    pub state: State,
    /// The terms, as asked for or as granted.
    pub terms: Terms,
    /// Who asked.
    pub requested_by: Option<Id<Person>>,
    /// When.
    pub requested_at: Timestamp,
    /// Who decided last.
    pub decided_by: Option<Id<Person>>,
    /// When.
    pub decided_at: Option<Timestamp>,
}

/// What exactly is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The names of the actions.
    pub actions: Vec<String>,
    /// What may go through the proxy.
    pub proxy: Vec<Rule>,
    /// The third party's scopes that may be made use of. None: all that the integration asks for.
    pub scopes: Scopes,
    /// Calls per minute, actions and proxy together.
    pub rate_per_minute: u32,
}

/// A trust cannot be decided so.
#[derive(Debug, thiserror::Error)]
pub enum TrustFault {
    /// No such client, integration or request.
    #[error("no such client or integration")]
    Unknown,
    /// The client has not been verified.
    #[error("the client is not verified")]
    Unverified,
    /// A term is wrong.
    #[error("{field}: {message}")]
    Term {
        /// Which.
        field: &'static str,
        /// What would be right.
        message: &'static str,
    },
    /// The integration cannot be looked up.
    #[error(transparent)]
    Integration(#[from] crate::integration::IntegrationFault),
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] store::DbError),
}

impl kernel::Fault for TrustFault {
    fn kind(&self) -> kernel::Kind {
        match self {
            Self::Unknown => kernel::Kind::NotFound,
            Self::Unverified => kernel::Kind::Conflict,
            Self::Term { .. } => kernel::Kind::Invalid,
            Self::Integration(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
        }
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Unknown => "there is nothing here".into(),
            Self::Unverified => "the client must be verified first".into(),
            Self::Term { field, message } => format!("{field}: {message}").into(),
            Self::Integration(fault) => fault.public(),
            Self::Db(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<std::borrow::Cow<'static, str>> {
        match self {
            Self::Term { field, .. } => Some((*field).into()),
            _ => None,
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Db(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
