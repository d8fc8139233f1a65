//! Writes that are acknowledged when they are queued and durable with the next group: log lines, views, counters.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::sync::watch;

use crate::{DbError, Sql, Value};

/// Lazy writes that may wait; what comes beyond is dropped and counted.
pub const LAZY_QUEUE_MAX: u64 = 16_384;
/// How long a lazy write waits for a group to travel with.
pub(crate) const LAZY_WAIT: Duration = Duration::from_millis(100);
/// Lazy writes in one transaction.
pub(crate) const LAZY_GROUP_MAX: usize = 1_024;
/// How long `flush_lazy` waits.
const FLUSH_MAX: Duration = Duration::from_secs(10);

/// One write that nobody waits for.
pub(crate) struct Lazy {
    pub(crate) sql: Sql,
    pub(crate) binds: Vec<Value>,
}

/// How many lazy writes were taken in, dealt with and dropped.
pub(crate) struct Gauge {
    taken: AtomicU64,
    dropped: AtomicU64,
    settled: watch::Sender<u64>,
}

impl Gauge {
    pub(crate) fn new() -> Self {
        Self { taken: AtomicU64::new(0), dropped: AtomicU64::new(0), settled: watch::Sender::new(0) }
    }

    /// Take one in, if there is room.
    pub(crate) fn take(&self) -> bool {
        let waiting = self.taken.load(Relaxed).saturating_sub(*self.settled.borrow());
        if waiting < LAZY_QUEUE_MAX {
            self.taken.fetch_add(1, Relaxed);
            return true;
        }
        self.drop_some(1, "LAZY_QUEUE_MAX is reached");
        false
    }

    /// So many have been dealt with, well or badly.
    pub(crate) fn settle(&self, count: usize) {
        self.settled.send_modify(|settled| *settled = settled.saturating_add(count as u64));
    }

    /// So many are lost. Logged at the first and then at every doubling, so that an outage does not flood the log.
    pub(crate) fn drop_some(&self, count: u64, why: &str) {
        let before = self.dropped.fetch_add(count, Relaxed);
        let after = before.saturating_add(count);
        if before == 0 || before.ilog2() != after.ilog2() {
            tracing::warn!(dropped = after, why, "lazy writes were dropped");
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Wait until everything taken in before this call is dealt with.
    pub(crate) async fn flushed(&self) -> Result<(), DbError> {
        let goal = self.taken.load(Relaxed);
        let mut settled = self.settled.subscribe();
        let reached = settled.wait_for(|settled| *settled >= goal);
        match tokio::time::timeout(FLUSH_MAX, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(DbError::Closed),
            Err(_) => Err(DbError::Timeout { limit: "FLUSH_MAX" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let gauge = Gauge::new();
        for _ in 0..LAZY_QUEUE_MAX {
            assert!(gauge.take());
        }
        assert!(!gauge.take());
        assert_eq!(gauge.dropped(), 1);
        gauge.settle(1);
        assert!(gauge.take());
    }
}
