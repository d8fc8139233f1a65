//! Why a run cannot be begun or steered.

use std::borrow::Cow;

use kernel::{Fault, Kind};
use store::DbError;
use vault::VaultError;

use crate::SourceFault;

/// Why a run cannot be begun or steered.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// There is none, or not of this organisation.
    #[error("there is no such run or integration")]
    Unknown,
    /// The integration is not active.
    #[error("the integration is not active")]
    NotActive,
    /// One of the integration is under way.
    #[error("a sync of the integration is under way")]
    UnderWay,
    /// The integration is not as it was when its test began.
    #[error("the integration has changed meanwhile")]
    Changed,
    /// It has ended already, or has not ended yet.
    #[error("the run is not in a state for this")]
    NotNow,
    /// The integration cannot be looked up.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// The database does not answer.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The vault does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Fault for RunFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::NotActive | Self::UnderWay | Self::Changed | Self::NotNow => Kind::Conflict,
            Self::Source(fault) => fault.kind(),
            Self::Db(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown => "there is nothing here".into(),
            Self::NotActive => "the integration is not active: test it, and switch it on".into(),
            Self::UnderWay => "a sync of this integration is under way".into(),
            Self::Changed => "the integration has changed meanwhile: test it again".into(),
            Self::NotNow => "the sync has ended already, or has not ended yet".into(),
            Self::Source(fault) => fault.public(),
            Self::Db(fault) => fault.public(),
            Self::Vault(fault) => fault.public(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Source(fault) => fault.retry_after_s(),
            Self::Db(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
