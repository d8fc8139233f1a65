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
    /// It was changed since the caller has read it.
    #[error("stale If-Match")]
    Stale,
    /// The caller does not say which version it changes.
    #[error("If-Match is missing")]
    Unconditional,
    /// The organisation has as many rules as it may.
    #[error("too many rules")]
    Many,
    /// There is nothing that the rule fires for.
    #[error("the rule does not fire")]
    Quiet,
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
            Self::Refused(_) | Self::Unconditional => Kind::Invalid,
            Self::Stale | Self::Many | Self::Quiet => Kind::Conflict,
            Self::Port(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown => "there is nothing here".into(),
            Self::Forbidden => "your roles do not allow this".into(),
            Self::Refused(_) => "what is asked for is not valid".into(),
            Self::Stale => "the rule was changed meanwhile: read it again".into(),
            Self::Unconditional => "say which version is changed: If-Match with the ETag".into(),
            Self::Many => "the organisation has as many rules as it may".into(),
            Self::Quiet => "the rule does not fire for that now".into(),
            Self::Port(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }

    fn path(&self) -> Option<Cow<'static, str>> {
        matches!(self, Self::Stale | Self::Unconditional).then(|| "If-Match".into())
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
    let status = match fault {
        WatchFault::Refused(_) => Some(StatusCode::UNPROCESSABLE_ENTITY),
        WatchFault::Unconditional => Some(StatusCode::PRECONDITION_REQUIRED),
        WatchFault::Stale => Some(StatusCode::PRECONDITION_FAILED),
        _ => None,
    };
    let problem = Problem::from(fault);
    match status {
        Some(status) => problem.with_status(status),
        None => problem,
    }
}
