//! What can go wrong with a factor.

use std::borrow::Cow;

use crypto::passkey::PasskeyError;
use kernel::{Fault, Kind};
use store::DbError;
use vault::VaultError;

use crate::person::Refusal;

/// What can go wrong with a factor.
#[derive(Debug, thiserror::Error)]
pub enum FactorFault {
    /// There is no such factor of this person, or its enrolment is over.
    #[error("no such factor")]
    NotFound,
    /// The person signed in too long ago, or without the second factor that they have.
    #[error("the sign-in is too old, or too weak, to change a factor")]
    NotRecent,
    /// The first factor was shown too long ago, or in another browser.
    #[error("no first factor was shown lately")]
    NotHalfway,
    /// The name does not fit.
    #[error("the name of a factor does not fit")]
    Name,
    /// The code is not the app's.
    #[error("the first code of an app is wrong")]
    FirstCode,
    /// The person has as many as anybody may.
    #[error("too many factors")]
    TooMany,
    /// There are no passkeys at this address.
    #[error("passkeys are not possible at this deployment's address")]
    NoPasskeys,
    /// The browser's answer about a new passkey proves nothing, or the question is over.
    #[error("a passkey was not registered: {0}")]
    NotRegistered(&'static str),
    /// Sign-in was refused; one face for every reason.
    #[error("sign-in refused: {}", .0.as_str())]
    SignIn(Refusal),
    /// Too many tries.
    #[error("codes throttled for {retry_after_s} s")]
    Throttled {
        /// When to come back.
        retry_after_s: u64,
    },
    /// What is kept of a passkey cannot be read or written.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for FactorFault {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound | Self::NoPasskeys => Kind::NotFound,
            Self::NotRecent => Kind::Forbidden,
            Self::Name | Self::FirstCode | Self::NotRegistered(_) => Kind::Invalid,
            Self::TooMany => Kind::Conflict,
            Self::NotHalfway | Self::SignIn(_) => Kind::Unauthenticated,
            Self::Throttled { .. } => Kind::Throttled,
            Self::Passkey(_) => Kind::Internal,
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound => {
                "There is no such thing among your ways to sign in, or it took too long.".into()
            }
            Self::NotRecent => "Sign in again first: this changes how you sign in.".into(),
            Self::NotHalfway => "That took too long. Start again with your password.".into(),
            Self::Name => "must be 1 to 60 characters".into(),
            Self::FirstCode => {
                "This is not the code that the app shows now. Look again, and mind the clock of the phone."
                    .into()
            }
            Self::TooMany => "You have as many as anybody may have. Remove one first.".into(),
            Self::NoPasskeys => "Passkeys are not possible here.".into(),
            Self::NotRegistered(_) => "The passkey was not saved. Try again.".into(),
            Self::SignIn(Refusal::WrongPasskey) => "This passkey does not sign you in here.".into(),
            Self::SignIn(_) => "The code is not right, or was used before.".into(),
            Self::Throttled { .. } => "Too many tries. Wait a little, then try again.".into(),
            Self::Passkey(_) => "internal error".into(),
            Self::Vault(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Name => Some("name".into()),
            Self::FirstCode | Self::SignIn(Refusal::WrongCode) => Some("code".into()),
            _ => None,
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Throttled { retry_after_s } => Some(*retry_after_s),
            Self::Vault(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
