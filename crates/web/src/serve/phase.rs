//! What a connection is waiting for, and how long it may.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

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

/// The phase of one connection, told by its socket and its requests.
#[derive(Clone)]
pub(super) struct Phases(Arc<watch::Sender<Phase>>);

impl Phases {
    pub(super) fn new() -> (Self, watch::Receiver<Phase>) {
        let (sender, receiver) = watch::channel(Phase::Fresh);
        (Self(Arc::new(sender)), receiver)
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
        self.0.send_if_modified(|phase| {
            let next = step(*phase);
            let is_new = next != *phase;
            *phase = next;
            is_new
        });
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
        let (phases, phase) = Phases::new();
        let now = || *phase.borrow();
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
}
