//! A kind of work, and how it may fail.

use std::future::Future;

use kernel::{Fault, Kind};
use serde::{Serialize, de::DeserializeOwned};

/// A kind of work that happens later. The value is what the row keeps: ids, never secrets or personal data.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// The name in the database: `connection.revoke`. It must not change while rows of it may exist.
    const NAME: &'static str;
    /// How often and how soon it is tried again.
    const RETRY: Retry;
    /// What it needs besides its own value.
    type Context: Clone + Send + Sync + 'static;

    /// Do it. `attempt` counts from 1. The work may have been done, wholly or in part, by an attempt before this one.
    ///
    /// # Errors
    /// [`JobFault`], which says whether trying again may help.
    fn run(self, context: &Self::Context, attempt: u32) -> impl Future<Output = Result<(), JobFault>> + Send;
}

/// How often and how soon a failed job is tried again: after `first_s`, then twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts altogether; after the last one the job is dead.
    pub attempts_max: u32,
    /// Seconds from the first attempt to the second.
    pub first_s: u64,
    /// The longest pause, in seconds.
    pub max_s: u64,
    /// How much of a pause is left to chance, in percent, so that jobs that failed together do not return together.
    pub jitter_percent: u8,
}

/// Why an attempt failed. `why` is for the operator and is kept in the row: no secret, no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobFault {
    /// Trying again may help.
    #[error("{why}")]
    Again {
        /// What went wrong.
        why: String,
        /// Seconds that the other side asked us to wait (`Retry-After`); we do not come back sooner.
        after_s: Option<u64>,
    },
    /// Trying again will not help.
    #[error("{why}")]
    Final {
        /// What went wrong.
        why: String,
    },
}

impl JobFault {
    /// Trying again may help.
    pub fn again(why: impl Into<String>) -> Self {
        Self::Again { why: why.into(), after_s: None }
    }

    /// Trying again will not help.
    pub fn dead(why: impl Into<String>) -> Self {
        Self::Final { why: why.into() }
    }
}

/// A domain's fault inside a job: outages, conflicts and our own mistakes are worth another attempt, what the request
/// itself got wrong is not.
impl<F: Fault> From<F> for JobFault {
    fn from(fault: F) -> Self {
        let why = fault.to_string();
        match fault.kind() {
            Kind::Unavailable | Kind::Throttled | Kind::Conflict | Kind::Internal => {
                Self::Again { why, after_s: fault.retry_after_s() }
            }
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Gone
            | Kind::Unsupported => Self::Final { why },
        }
    }
}
