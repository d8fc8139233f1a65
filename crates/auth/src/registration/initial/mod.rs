//! Initial access tokens: an administrator makes one for somebody whose clients shall register themselves here.  RFC 7591 §3
//!
//! Who holds one is vouched for by the administrator who made it, for so many registrations and so long. The clients belong to the
//! administrator's organisation and are not verified.

mod list;
mod make;
mod queries;
mod revoke;
mod spend;

use std::borrow::Cow;

use kernel::{Fault, Id, Issue, Kind, Person, Timestamp};
use store::DbError;

pub use list::list_of;
pub use make::{Made, NewToken, make};
pub use revoke::{get, revoke};
pub(super) use spend::{Holder, holder, is_one, spend};

/// How many tokens of an organisation are good at a time.
pub const INITIAL_TOKENS_MAX: i64 = 100;

/// How many clients one token registers at the most.
pub const USES_MAX: u32 = 1_000;

/// How long a token is good at the most, in days.
pub const INITIAL_LIFETIME_DAYS_MAX: u32 = 365;

/// The longest name, in characters.
pub const INITIAL_NAME_CHARACTERS_MAX: usize = 100;

const PREFIX: &str = "hlm_ia_";
const PURPOSE: &str = "initial_access_token";

/// A token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialToken {
    /// Its id.
    pub id: Id<kernel::InitialAccessToken>,
    /// For whom it is, in the words of whoever made it.
    pub name: String,
    /// Who made it.
    pub made_by: Option<Id<Person>>,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many clients it can still register.
    pub uses_left: u32,
    /// When it last registered one.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl InitialToken {
    /// Whether it still registers a client.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.uses_left > 0 && self.expires_at > now
    }
}

/// What can go wrong with initial access tokens.
#[derive(Debug, thiserror::Error)]
pub enum InitialTokenFault {
    /// Fields do not fit.
    #[error("initial access token refused")]
    Refused(Vec<Issue>),
    /// The organisation has as many as it may.
    #[error("the organisation has {INITIAL_TOKENS_MAX} initial access tokens")]
    TooMany,
    /// There is no such token that is good.
    #[error("no such initial access token")]
    NotFound,
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for InitialTokenFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) => Kind::Invalid,
            Self::TooMany => Kind::Conflict,
            Self::NotFound => Kind::NotFound,
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "The token is not complete or not right.".into(),
            Self::TooMany => "Your organisation has as many tokens as it may; revoke one first.".into(),
            Self::NotFound => "There is no such token.".into(),
            Self::Store(fault) => fault.public(),
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
