//! Writes that are acknowledged when they are queued and durable with the next group: log lines, views, counters.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
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

/// Of what their writer is to be told when one more waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// It knows already that some wait, or there was no room.
    Not,
    /// One waits, where none did.
    First,
    /// A whole group waits.
    Full,
}

/// Lazy writes on their way, and how many were taken in, dealt with and dropped.
///
/// Their writer is told of the first and of a full group, not of each: to wake a thread costs more than most of them.
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Lazy>>,
    taken: AtomicU64,
    dropped: AtomicU64,
    settled: watch::Sender<u64>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            taken: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            settled: watch::Sender::new(0),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Lazy>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take one in, if there is room.
    pub(crate) fn push(&self, lazy: Lazy) -> Wake {
        let unsettled = self.taken.load(Relaxed).saturating_sub(*self.settled.borrow());
        if unsettled >= LAZY_QUEUE_MAX {
            self.drop_some(1, "LAZY_QUEUE_MAX is reached");
            return Wake::Not;
        }
        let mut waiting = self.waiting();
        self.taken.fetch_add(1, Relaxed);
        waiting.push_back(lazy);
        match waiting.len() {
            1 => Wake::First,
            LAZY_GROUP_MAX => Wake::Full,
            _ => Wake::Not,
        }
    }

    /// How many wait for a group.
    pub(crate) fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Those that go next, together: at most `LAZY_GROUP_MAX`.
    pub(crate) fn group(&self) -> Vec<Lazy> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(LAZY_GROUP_MAX);
        waiting.drain(..count).collect()
    }

    /// Nobody writes any more: all that wait are lost.
    pub(crate) fn abandon(&self) {
        let lost = std::mem::take(&mut *self.waiting()).len();
        self.settle(lost);
        self.drop_some(lost as u64, "the database is closed");
    }

    /// So many have been dealt with, well or badly.
    pub(crate) fn settle(&self, count: usize) {
        self.settled.send_modify(|settled| *settled = settled.saturating_add(count as u64));
    }

    /// So many are lost. Logged at the first and then at every doubling, so that an outage does not flood the log.
    pub(crate) fn drop_some(&self, count: u64, why: &str) {
        if count == 0 {
            return;
        }
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

    fn lazy() -> Lazy {
        Lazy { sql: Sql::from("SELECT 1"), binds: Vec::new() }
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let queue = Queue::new();
        for _ in 0..=LAZY_QUEUE_MAX {
            queue.push(lazy());
        }
        assert_eq!((queue.len() as u64, queue.dropped()), (LAZY_QUEUE_MAX, 1));
        let group = queue.group();
        queue.push(lazy());
        assert_eq!(queue.dropped(), 2, "what is being written has its place until it is settled");
        queue.settle(group.len());
        queue.push(lazy());
        assert_eq!(queue.dropped(), 2);
    }

    #[test]
    fn the_writer_is_told_of_the_first_and_of_a_full_group() {
        let queue = Queue::new();
        let told: Vec<Wake> = (0..LAZY_GROUP_MAX + 2).map(|_| queue.push(lazy())).collect();
        let expected = |at: usize| match at {
            0 => Wake::First,
            at if at + 1 == LAZY_GROUP_MAX => Wake::Full,
            _ => Wake::Not,
        };
        assert!(told.iter().enumerate().all(|(at, wake)| *wake == expected(at)));
        assert_eq!((queue.group().len(), queue.len()), (LAZY_GROUP_MAX, 2));
        assert_eq!((queue.push(lazy()), queue.group().len()), (Wake::Not, 3));
        assert_eq!(queue.push(lazy()), Wake::First);
    }
}
