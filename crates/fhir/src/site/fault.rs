//! What can go wrong with sites and plans.

use std::borrow::Cow;

use kernel::{Fault, Issue, Kind};
use store::DbError;

use crate::PortFault;

/// What can go wrong with a site or a plan.
#[derive(Debug, thiserror::Error)]
pub enum SiteFault {
    /// Fields do not fit.
    #[error("site or plan refused")]
    Refused(Vec<Issue>),
    /// The organisation has no such site.
    #[error("no such site")]
    NoSite,
    /// The code is another site's.
    #[error("the code is taken")]
    Taken,
    /// The site has another code, which stays.
    #[error("the site has another code")]
    HasCode,
    /// What was drawn was taken, again and again.
    #[error("no code that is free was drawn")]
    NoneFree,
    /// Another part does not answer.
    #[error(transparent)]
    Port(#[from] PortFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for SiteFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) => Kind::Invalid,
            Self::NoSite => Kind::NotFound,
            Self::Taken | Self::HasCode => Kind::Conflict,
            Self::NoneFree => Kind::Unavailable,
            Self::Port(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(_) => "the entry is not complete or not right".into(),
            Self::NoSite => "the organisation has no such site".into(),
            Self::Taken => "this code is another site's".into(),
            Self::HasCode => "the site has another code already, which stays".into(),
            Self::NoneFree => "no code could be drawn; try again".into(),
            Self::Port(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Refused(issues) => issues.first().map(|issue| issue.path.clone()),
            Self::Taken | Self::HasCode => Some("code".into()),
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
            Self::NoneFree => Some(1),
            Self::Port(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
