//! API keys: what a person makes for a program of theirs.  Contract 2, "API keys (site APIs)"
//!
//! A key is a client that can get tokens for itself and nothing else. So it is proven, limited, revoked and put on record as
//! every client is, on every node, and there is no second way in.

mod delete;
mod ensure;
mod list;
mod make;
mod name;
mod prove;
mod queries;

use std::borrow::Cow;

use kernel::{Fault, Grants, Id, Issue, Kind, Person, Scopes, Timestamp};
use store::DbError;

pub use delete::delete;
pub use ensure::ensure;
pub use list::{get, ids_of, list_of};
pub use make::{LIFETIME_DAYS_MAX, Made, Maker, NewKey, PREFIX, make, may_give};
pub use name::{KeyName, MalformedKeyName};

use crate::client::{ClientFault, ClientIdText};

/// How many keys of an organisation are good at a time.
pub const KEYS_MAX: i64 = 200;

/// A key, without the key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id among our things.
    pub id: Id<kernel::ApiKey>,
    /// The API Key Id, which is its client id in protocols.
    pub key_id: ClientIdText,
    /// What its maker calls it.
    pub name: String,
    /// What its tokens are good for.
    pub scopes: Scopes,
    /// What it is in the organisation.
    pub grants: Grants,
    /// Who made it.
    pub made_by: Option<Id<Person>>,
    /// When.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within five minutes.
    pub last_used_at: Option<Timestamp>,
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyFault {
    /// Fields do not fit.
    #[error("api key refused")]
    Refused(Vec<Issue>),
    /// The organisation has or had a key or an application of this name.
    #[error("the name of the key is taken")]
    NameTaken,
    /// The organisation has as many keys as it may.
    #[error("the organisation has {KEYS_MAX} keys")]
    TooMany,
    /// There is no such key, or it is another organisation's.
    #[error("no such api key")]
    NotFound,
    /// Its client.
    #[error(transparent)]
    Client(#[from] ClientFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for ApiKeyFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) => Kind::Invalid,
            Self::NameTaken | Self::TooMany => Kind::Conflict,
            Self::NotFound => Kind::NotFound,
            Self::Client(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "The key is not complete or not right.".into(),
            Self::NameTaken => {
                "Your organisation has or had a key or an application of this name; names are not used twice."
                    .into()
            }
            Self::TooMany => "Your organisation has as many keys as it may; delete one first.".into(),
            Self::NotFound => "There is no such key.".into(),
            Self::Client(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused(issues) => issues.first().map(|issue| issue.path.clone()),
            Self::NameTaken => Some("name".into()),
            Self::TooMany | Self::NotFound => None,
            Self::Client(fault) => fault.path(),
            Self::Store(fault) => fault.path(),
        }
    }
    fn issues(&self) -> Vec<Issue> {
        match self {
            Self::Refused(issues) => issues.clone(),
            Self::Client(fault) => fault.issues(),
            _ => Vec::new(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Store(fault) => fault.retry_after_s(),
            Self::Client(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
