//! What can go wrong with launches and with whose records they are about.

use std::borrow::Cow;

use kernel::{Fault, Issue, Kind};
use store::DbError;
use vault::VaultError;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SmartFault {
    /// Fields do not fit; each finding names one.
    #[error("launch refused: {} fields", .0.len())]
    Refused(Vec<Issue>),
    /// There is no such person, or they are another organisation's.
    #[error("no such person")]
    NoPerson,
    /// There is no such link.
    #[error("no such link")]
    NotLinked,
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl SmartFault {
    /// One field is at fault.
    pub(super) fn at(path: &'static str, message: &'static str) -> Self {
        Self::Refused(vec![Issue::at(path, message)])
    }
}

impl Fault for SmartFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) => Kind::Invalid,
            Self::NoPerson | Self::NotLinked => Kind::NotFound,
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(issues) => issues.first().map_or_else(
                || "The launch is not right.".into(),
                |issue| format!("{}: {}", issue.path, issue.message).into(),
            ),
            Self::NoPerson => "There is no such person.".into(),
            Self::NotLinked => "The person is not linked to this patient.".into(),
            Self::Vault(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn code(&self) -> Option<&'static str> {
        matches!(self, Self::Refused(_)).then_some("invalid_request")
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused(issues) => issues.first().map(|issue| issue.path.clone()),
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
            Self::Vault(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
