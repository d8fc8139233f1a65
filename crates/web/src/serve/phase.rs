//! What a connection is waiting for, and how long it may.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::ServeLimits;

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its first request.
    Fresh,
    /// Nothing: its last answer is out.
    Quiet,
    /// The rest of a request's headers.
    Heading,
    /// Us, for so many requests; bodies have their own time.
    Busy(u32),
}

impl Phase {
    /// How long it may stay like this.
    pub(super) fn limit(self, limits: &ServeLimits) -> Option<Duration> {
        match self {
            Self::Fresh | Self::Heading => Some(limits.header),
            Self::Quiet => Some(limits.keep_alive),
            Self::Busy(_) => None,
        }
    }

    fn after_bytes(self) -> Self {
        match self {
            Self::Quiet => Self::Heading,
            // The first request has its time from the connection's start on, so bytes do not win it more.
            Self::Fresh | Self::Heading | Self::Busy(_) => self,
        }
    }

    fn after_head(self) -> Self {
        match self {
            Self::Busy(requests) => Self::Busy(requests.saturating_add(1)),
            Self::Fresh | Self::Quiet | Self::Heading => Self::Busy(1),
        }
    }

    fn after_answer(self) -> Self {
        match self {
            Self::Busy(requests) if requests > 1 => Self::Busy(requests - 1),
            Self::Fresh | Self::Quiet | Self::Heading | Self::Busy(_) => Self::Quiet,
        }
    }
}

/// The phase of one connection, told by its socket and its requests, and since when it lasts. Nobody is woken when it
/// changes: whoever watches the time looks here when it is up, which costs less than a timer for every change.
#[derive(Clone)]
pub(super) struct Phases(Arc<Mutex<(Phase, Instant)>>);

/// How a connection stands with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has until then, or may be looked at again then.
    Until(Instant),
    /// Its time in this phase is over.
    Overdue(Phase),
}

impl Phases {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new((Phase::Fresh, Instant::now()))))
    }

    pub(super) fn now(&self) -> Phase {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// No later than the shortest limit from now, since the phase may change to that one meanwhile.
    pub(super) fn standing(&self, limits: &ServeLimits, now: Instant) -> Standing {
        let (phase, since) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next_look = now + limits.header.min(limits.keep_alive);
        match phase.limit(limits).map(|limit| since + limit) {
            Some(end) if end <= now => Standing::Overdue(phase),
            Some(end) => Standing::Until(end.min(next_look)),
            None => Standing::Until(next_look),
        }
    }

    /// Bytes have come in on an HTTP/1 connection.
    pub(super) fn bytes(&self) {
        self.step(Phase::after_bytes);
    }

    /// A request's headers are complete; it is answered when the guard is dropped.
    pub(super) fn request(&self) -> Answering {
        self.step(Phase::after_head);
        Answering(self.clone())
    }

    fn step(&self, step: fn(Phase) -> Phase) {
        let mut timed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = step(timed.0);
        if next == timed.0 {
            return;
        }
        // Time counts only in the phases that have a limit.
        let since = if matches!(next, Phase::Busy(_)) { timed.1 } else { Instant::now() };
        *timed = (next, since);
    }
}

/// A request that is being answered.
pub(super) struct Answering(Phases);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.step(Phase::after_answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_connection_that_owes_us_something_is_on_the_clock() {
        let phases = Phases::new();
        let now = || phases.now();
        phases.bytes();
        assert_eq!(now(), Phase::Fresh);
        let first = phases.request();
        let second = phases.request();
        phases.bytes();
        assert_eq!(now(), Phase::Busy(2));
        drop(first);
        assert_eq!(now(), Phase::Busy(1));
        drop(second);
        assert_eq!(now(), Phase::Quiet);
        phases.bytes();
        assert_eq!(now(), Phase::Heading);
        let limits = ServeLimits::default();
        assert_eq!(Phase::Heading.limit(&limits), Some(limits.header));
        assert_eq!(Phase::Quiet.limit(&limits), Some(limits.keep_alive));
        assert_eq!(Phase::Busy(1).limit(&limits), None);
    }

    #[test]
    fn a_look_comes_in_time_for_every_limit_and_no_sooner_than_it_must() {
        let limits = ServeLimits::default();
        let phases = Phases::new();
        let start = Instant::now();
        let Standing::Until(first) = phases.standing(&limits, start) else { panic!() };
        assert!(first <= start + limits.header, "the first request has its time from the start on");
        assert_eq!(phases.standing(&limits, first), Standing::Overdue(Phase::Fresh));
        let busy = phases.request();
        assert_eq!(phases.standing(&limits, first), Standing::Until(first + limits.header));
        drop(busy);
        // Quiet for less than it may be, and looked at before a header could be late.
        assert_eq!(phases.standing(&limits, first), Standing::Until(first + limits.header));
        let late = Instant::now() + limits.keep_alive;
        assert_eq!(phases.standing(&limits, late), Standing::Overdue(Phase::Quiet));
    }
}
