//! What can go wrong on the way through a provider.

use std::borrow::Cow;

use kernel::{Fault, Issue, Kind};
use outbound::OutboundFault;
use store::DbError;
use vault::VaultError;

use crate::person::{PersonFault, factor::FactorFault};

/// What can go wrong on the way through a provider.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamFault {
    /// Settings do not fit.
    #[error("provider refused: {} settings", .0.len())]
    Refused(Vec<Issue>),
    /// There is no such preset.
    #[error("no such preset of a provider")]
    UnknownPreset,
    /// Another organisation has a provider of this name.
    #[error("the provider's short name is taken")]
    SlugTaken,
    /// There is no such provider, or it is switched off.
    #[error("no such provider")]
    NotFound,
    /// The answer belongs to no question of this browser: replayed, planted, or too late.
    #[error("an answer of a provider that this browser did not ask for")]
    NotAsked,
    /// The provider says no.
    #[error("the provider refused: {0}")]
    Denied(String),
    /// The answer is not good: another issuer, audience, nonce, signature. Which, is for the operator.
    #[error("an answer of a provider was refused: {0}")]
    Untrusted(String),
    /// The provider vouches for less than was asked.
    #[error("the provider vouches for less than was asked")]
    TooWeak,
    /// The subject is nobody's here, and gets no account by itself.
    #[error("a subject of a provider that nobody is linked to")]
    Unknown {
        /// The provider's name.
        provider: String,
    },
    /// The subject is another person's, or the person has another subject there.
    #[error("a subject of a provider that is linked otherwise")]
    LinkedOtherwise,
    /// The account is switched off.
    #[error("a switched off account, through a provider")]
    Disabled,
    /// The provider cannot be reached, or what it says cannot be read.
    #[error("the provider cannot be used: {0}")]
    Unreadable(&'static str),
    /// The way out.
    #[error(transparent)]
    Outbound(#[from] OutboundFault),
    /// A person cannot be read or made.
    #[error(transparent)]
    Person(#[from] PersonFault),
    /// The sign-in is too old to link.
    #[error(transparent)]
    Factor(#[from] FactorFault),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for UpstreamFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) | Self::UnknownPreset | Self::NotAsked => Kind::Invalid,
            Self::SlugTaken | Self::LinkedOtherwise => Kind::Conflict,
            Self::NotFound => Kind::NotFound,
            Self::Denied(_) | Self::Untrusted(_) | Self::TooWeak | Self::Unknown { .. } | Self::Disabled => {
                Kind::Forbidden
            }
            Self::Unreadable(_) => Kind::Unavailable,
            Self::Outbound(fault) => fault.kind(),
            Self::Person(fault) => fault.kind(),
            Self::Factor(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "The provider's settings are not complete or not right.".into(),
            Self::UnknownPreset => "There is no such preset.".into(),
            Self::SlugTaken => "Another provider has this short name.".into(),
            Self::NotFound => "There is no such way to sign in.".into(),
            Self::NotAsked => "This sign-in was not begun in this browser, took too long, or was finished before. Start again.".into(),
            Self::Denied(_) => "The other site did not sign you in.".into(),
            Self::Untrusted(_) | Self::Disabled => "You were not signed in: the other site's answer cannot be used here.".into(),
            Self::TooWeak => "You were not signed in: the other site has not checked enough who you are.".into(),
            Self::Unknown { provider } => format!(
                "Nobody here is linked to this account of {provider} yet. Sign in with your e-mail address and password first, \
                 then link it under “Your sign-in”."
            )
            .into(),
            Self::LinkedOtherwise => "This account there is linked to somebody else here, or you have linked another one. Unlink that first.".into(),
            Self::Unreadable(_) | Self::Outbound(_) => "The other site does not answer as it should. Try again later.".into(),
            Self::Person(fault) => fault.public(),
            Self::Factor(fault) => fault.public(),
            Self::Vault(fault) => fault.public(),
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
            Self::Person(fault) => fault.retry_after_s(),
            Self::Factor(fault) => fault.retry_after_s(),
            Self::Vault(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
