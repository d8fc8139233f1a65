//! The generic cell rate algorithm: one instant per key tells everything.

use std::time::Duration;

use super::{Decision, Quota};

/// A quota as the algorithm sees it, in microseconds.
pub(super) struct Cell {
    quota: Quota,
    /// One request costs this much time.
    cost_us: i64,
    /// All of them cost this much.
    burst_us: i64,
}

impl Cell {
    pub(super) fn of(quota: Quota) -> Self {
        let cost = (quota.period_us / u64::from(quota.requests)).max(1);
        let cost_us = i64::try_from(cost).unwrap_or(i64::MAX);
        Self { quota, cost_us, burst_us: cost_us.saturating_mul(i64::from(quota.requests)) }
    }

    pub(super) fn cost_us(&self) -> i64 {
        self.cost_us
    }

    pub(super) fn burst_us(&self) -> i64 {
        self.burst_us
    }

    /// Take one request out of the quota that will be whole at `full_at_us`; a refused one costs nothing.
    pub(super) fn take(&self, full_at_us: Option<i64>, now_us: i64) -> (bool, i64) {
        let full_at_us = full_at_us.unwrap_or(now_us).max(now_us);
        let after = full_at_us.saturating_add(self.cost_us);
        if after.saturating_sub(now_us) <= self.burst_us { (true, after) } else { (false, full_at_us) }
    }

    /// What to tell of it.
    pub(super) fn decision(&self, is_allowed: bool, full_at_us: i64, now_us: i64) -> Decision {
        let used_us = full_at_us.saturating_sub(now_us).max(0);
        let left = self.burst_us.saturating_sub(used_us).max(0) / self.cost_us;
        let wait_us =
            if is_allowed { 0 } else { used_us.saturating_add(self.cost_us).saturating_sub(self.burst_us) };
        Decision {
            is_allowed,
            limit: self.quota.requests,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset: time(used_us),
            retry_after: time(wait_us),
        }
    }
}

fn time(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Quota, decide};

    #[test]
    fn a_quota_is_spent_at_once_and_comes_back_evenly() {
        let quota = Quota::new(3, Duration::from_secs(30));
        let mut full_at = None;
        let mut at = |now_s: i64| {
            let (decision, next) = decide(full_at, now_s * 1_000_000, quota);
            full_at = Some(next);
            (decision.is_allowed, decision.remaining, decision.reset_s(), decision.retry_after_s())
        };
        assert_eq!(at(100), (true, 2, 10, 0));
        assert_eq!(at(100), (true, 1, 20, 0));
        assert_eq!(at(100), (true, 0, 30, 0));
        assert_eq!(at(100), (false, 0, 30, 10));
        assert_eq!(at(109), (false, 0, 21, 1));
        assert_eq!(at(110), (true, 0, 30, 0));
        assert_eq!(at(1000), (true, 2, 10, 0));
    }

    #[test]
    fn a_clock_that_steps_back_refuses_for_a_period_at_most() {
        let quota = Quota::per_minute(2);
        let (_, full_at) = decide(None, 1_000_000_000, quota);
        let (decision, _) = decide(Some(full_at), 0, quota);
        assert!(!decision.is_allowed);
        assert!(Quota::new(0, Duration::ZERO).requests() == 1);
    }
}
