//! What can go wrong with logs, numbers and rules.

use std::borrow::Cow;

use http::StatusCode;
use kernel::{Fault, Issue, Kind};
use store::DbError;
use web::Problem;

use crate::PortFault;

/// Why something is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchFault {
    /// There is none, or none that the caller may know of.
    #[error("there is no such thing")]
    Unknown,
    /// The caller has no role that may.
    #[error("no role that may")]
    Forbidden,
    /// What was asked is not valid.
    #[error("not valid: {0:?}")]
    Refused(Vec<Issue>),
    /// Integrations cannot be asked.
    #[error(transparent)]
    Port(#[from] PortFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for WatchFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Forbidden => Kind::Forbidden,
            Self::Refused(_) => Kind::Invalid,
            Self::Port(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown => "there is nothing here".into(),
            Self::Forbidden => "your roles do not allow this".into(),
            Self::Refused(_) => "what is asked for is not valid".into(),
            Self::Port(fault) => fault.public(),
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
            Self::Port(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}

/// The statuses of contract 4, where a kind has more than one.
pub(crate) fn refused(fault: WatchFault) -> Problem {
    let is_invalid = matches!(fault, WatchFault::Refused(_));
    let problem = Problem::from(fault);
    if is_invalid { problem.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { problem }
}
