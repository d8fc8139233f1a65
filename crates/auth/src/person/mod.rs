//! People with an account: how they come to have one, and how they prove who they are.

mod disable;
mod email;
pub mod factor;
mod find;
pub(crate) mod queries;
pub(crate) mod register;
pub mod role;
mod sign_in;
mod throttle;

use std::borrow::Cow;

use crypto::password::PasswordError;
use kernel::{Fault, Id, Issue, Kind, Organisation, Timestamp};
use store::DbError;
use vault::{Place, VaultError};

pub use disable::disable;
pub use email::{Email, MalformedEmail};
pub(crate) use find::find_anywhere;
pub use find::{LIST_ROWS_MAX, by_email, find, list_of};
pub use kernel::Role;
pub use register::{NAME_CHARACTERS_MAX, NewPerson, PASSWORD_CHARACTERS_MIN, register};
pub use sign_in::{Proven, Refusal, Shown, authenticate_password};

/// A person as pages show them: the opened e-mail address and name. Never in a log.
#[derive(Clone)]
pub struct Person {
    /// Their id, and their `sub` in tokens.
    pub id: Id<kernel::Person>,
    /// The organisation whose key seals what is personal.
    pub organisation: Id<Organisation>,
    /// Where they can be reached, and what they sign in with.
    pub email: String,
    /// What they are called.
    pub display_name: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When what it says changed last.
    pub updated_at: Timestamp,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
}

/// Where a sealed column of a person lies.
fn place(person: Id<kernel::Person>, column: &'static str) -> Place {
    Place { table: "person", row: *person.as_bytes(), column, purpose: "person" }
}

/// Keeps digests of e-mail addresses apart from every other digest.
const EMAIL_PURPOSE: &str = "person.email";

/// What can go wrong with an account.
#[derive(Debug, thiserror::Error)]
pub enum PersonFault {
    /// Fields do not fit.
    #[error("account refused: {} fields", .0.len())]
    Refused(Vec<Issue>),
    /// Somebody has an account with this address.
    #[error("e-mail address is taken")]
    EmailTaken,
    /// There is no such person, or they are another organisation's.
    #[error("no such person")]
    NotFound,
    /// Nobody would be left who can give roles.
    #[error("the last administrator of an organisation")]
    LastAdministrator,
    /// A role over all organisations is not for administrators of one to give or take.
    #[error("the role is not theirs to give or take")]
    NotTheirsToGive,
    /// The person has as many roles as anybody may.
    #[error("more roles than anybody may have")]
    TooManyRoles,
    /// Sign-in was refused; one face for every reason.
    #[error("sign-in refused: {}", .0.as_str())]
    SignIn(Refusal),
    /// Too many tries.
    #[error("sign-in throttled for {retry_after_s} s")]
    Throttled {
        /// When to come back.
        retry_after_s: u64,
    },
    /// The password could not be looked at.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for PersonFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) => Kind::Invalid,
            Self::EmailTaken | Self::LastAdministrator | Self::TooManyRoles => Kind::Conflict,
            Self::NotTheirsToGive => Kind::Forbidden,
            Self::NotFound => Kind::NotFound,
            Self::SignIn(_) => Kind::Unauthenticated,
            Self::Throttled { .. } => Kind::Throttled,
            Self::Password(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "The account is not complete or not right.".into(),
            Self::EmailTaken => "There is an account with this e-mail address already.".into(),
            Self::NotFound => "There is no such person.".into(),
            Self::LastAdministrator => "An organisation needs at least one administrator.".into(),
            Self::NotTheirsToGive => "This role is not yours to give or take.".into(),
            Self::TooManyRoles => "The person has as many roles as anybody may have.".into(),
            Self::SignIn(_) => "The e-mail address or the password is not right.".into(),
            Self::Throttled { .. } => "Too many tries. Wait a little, then try again.".into(),
            Self::Password(fault) => fault.public(),
            Self::Vault(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused(issues) => issues.first().map(|issue| issue.path.clone()),
            Self::EmailTaken => Some("email".into()),
            _ => None,
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
            Self::Throttled { retry_after_s } => Some(*retry_after_s),
            Self::Password(fault) => fault.retry_after_s(),
            Self::Vault(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
