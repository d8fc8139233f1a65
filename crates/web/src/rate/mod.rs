//! Rate limits: the generic cell rate algorithm, in this process or shared through Redis.

mod gcra;
mod key;
mod layer;
mod memory;
mod shared;

use std::time::Duration;

use kernel::{Secret, World};

pub(crate) use key::CellKey;
pub use layer::{Key, KeyOf, limited, per_client};
pub(crate) use layer::{Limit, admit_client};

use crate::Metrics;
use gcra::Cell;

/// So many requests in so long; all of them may come at once, and then they come back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    requests: u32,
    period_us: u64,
}

impl Quota {
    /// So many requests in so long; none and no time count as one request and one microsecond.
    pub fn new(requests: u32, period: Duration) -> Self {
        let period_us = u64::try_from(period.as_micros()).unwrap_or(u64::MAX);
        Self { requests: requests.max(1), period_us: period_us.clamp(1, Self::PERIOD_US_MAX) }
    }

    /// The longest period: 31 days, in microseconds.
    const PERIOD_US_MAX: u64 = 31 * 86_400 * 1_000_000;

    /// So many requests a second.
    pub fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    /// So many requests a minute.
    pub fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60))
    }

    /// So many requests an hour.
    pub fn per_hour(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(3600))
    }

    /// How many requests there are in a period.
    pub const fn requests(self) -> u32 {
        self.requests
    }

    /// The time in which all of them come back.
    pub const fn period(self) -> Duration {
        Duration::from_micros(self.period_us)
    }
}

/// What the limiter says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may go on.
    pub is_allowed: bool,
    /// How many requests the quota has.
    pub limit: u32,
    /// How many more could come right now.
    pub remaining: u32,
    /// Until the whole quota is there again.
    pub reset: Duration,
    /// Until one more request is allowed; none if it is allowed now.
    pub retry_after: Duration,
}

impl Decision {
    /// Until the whole quota is there again, in seconds, rounded up.
    pub const fn reset_s(self) -> u64 {
        seconds_up(self.reset)
    }

    /// Until one more request is allowed, in seconds, rounded up; 0 if it is allowed now.
    pub const fn retry_after_s(self) -> u64 {
        seconds_up(self.retry_after)
    }
}

const fn seconds_up(time: Duration) -> u64 {
    time.as_secs().saturating_add((time.subsec_nanos() > 0) as u64)
}

/// Counts requests by key. Clones share their counts.
#[derive(Clone)]
pub struct RateLimiter(Backend);

#[derive(Clone)]
enum Backend {
    Memory(memory::Memory),
    Shared(shared::Shared),
}

/// The text is not the URL of a Redis. It is not repeated here, because it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a Redis URL: write redis://host:6379/ or rediss://user:password@host:6379/")]
pub struct MalformedRedisUrl;

/// How many keys a process counts at a time; beyond that the least used are forgotten.
pub const RATE_KEYS_MAX: usize = 100_000;

impl RateLimiter {
    /// Counts in this process.
    pub fn memory(world: &World) -> Self {
        Self(Backend::Memory(memory::Memory::new(world, RATE_KEYS_MAX)))
    }

    /// Counts in Redis or Valkey, shared by all nodes. While it does not answer, every node counts for itself.
    ///
    /// # Errors
    /// The URL is not one of Redis. That Redis does not answer is no error.
    pub fn redis(url: &Secret<String>, world: &World) -> Result<Self, MalformedRedisUrl> {
        let memory = memory::Memory::new(world, RATE_KEYS_MAX);
        let shared = shared::Shared::open(url, memory).map_err(|_| MalformedRedisUrl)?;
        Ok(Self(Backend::Shared(shared)))
    }

    /// Count one request under this key. The key holds no secret and nothing personal: use a keyed digest.
    pub async fn check(&self, key: &str, quota: Quota) -> Decision {
        self.check_cell(&CellKey::text(key), quota).await
    }

    /// A turn under this key, of turns that follow one another `every` so long: how long until it is there. It is taken, and those who ask
    /// later get later ones, so that they come through at this pace however late each of them wakes up.
    ///
    /// # Errors
    /// How long until there is one to take, where that would be there in more than `wait_max`.
    pub async fn turn(
        &self,
        key: &str,
        (every, wait_max): (Duration, Duration),
    ) -> Result<Duration, Duration> {
        let every = every.max(Duration::from_micros(1));
        let waiting = u32::try_from(wait_max.as_micros() / every.as_micros()).unwrap_or(u32::MAX - 1);
        let turns = waiting.saturating_add(1);
        let decision = self.check(key, Quota::new(turns, every.saturating_mul(turns))).await;
        // What is not there of the quota are the turns before this one, and this one.
        if decision.is_allowed { Ok(decision.reset.saturating_sub(every)) } else { Err(decision.retry_after) }
    }

    async fn check_cell(&self, key: &CellKey, quota: Quota) -> Decision {
        match &self.0 {
            Backend::Memory(memory) => memory.check(key, quota),
            Backend::Shared(shared) => shared.check(key, quota).await,
        }
    }

    /// The refusals are counted where `/metrics` shows them.
    pub(crate) async fn check_counted(
        &self,
        route: &'static str,
        key: &CellKey,
        quota: Quota,
        metrics: &Metrics,
    ) -> Decision {
        let decision = self.check_cell(key, quota).await;
        if !decision.is_allowed {
            metrics.count_throttled(route);
        }
        decision
    }
}

/// Both backends decide by this: the earliest time at which the whole quota would be there, and what follows from it.
fn decide(full_at_us: Option<i64>, now_us: i64, quota: Quota) -> (Decision, i64) {
    let cell = Cell::of(quota);
    let (is_allowed, full_at_us) = cell.take(full_at_us, now_us);
    (cell.decision(is_allowed, full_at_us, now_us), full_at_us)
}
