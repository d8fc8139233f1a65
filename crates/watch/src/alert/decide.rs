//! Whether a rule holds, and what follows.

use std::time::Duration;

use kernel::Timestamp;

/// How a rule stood when it was last told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stood {
    pub firing: bool,
    pub fired_at: Timestamp,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Stay,
    Fire,
    Resolve,
}

/// A rule that begins to hold is told of, unless it was a short while ago; one that ceases to hold is told of where it was.
pub(crate) fn decide(stood: Option<Stood>, holds: Holds, (now, cooldown): (Timestamp, Duration)) -> Step {
    match (stood, holds) {
        (Some(Stood { firing: true, .. }), Holds::Yes) => Step::Stay,
        (Some(Stood { firing: true, .. }), Holds::No) => Step::Resolve,
        (Some(Stood { fired_at, .. }), Holds::Yes) if now.since(fired_at) < cooldown => Step::Stay,
        (_, Holds::Yes) => Step::Fire,
        (_, Holds::No) => Step::Stay,
    }
}

/// Whether a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_when_it_begins_and_when_it_ends_and_not_again_at_once() {
        let at = Timestamp::from_seconds;
        let stood = |firing, fired_at| Some(Stood { firing, fired_at: at(fired_at) });
        for (stood, holds, now, step) in [
            (None, Holds::No, 0, Step::Stay),
            (None, Holds::Yes, 0, Step::Fire),
            (stood(true, 0), Holds::Yes, 1_000, Step::Stay),
            (stood(true, 0), Holds::No, 1, Step::Resolve),
            (stood(false, 0), Holds::No, 1, Step::Stay),
            (stood(false, 0), Holds::Yes, 59, Step::Stay),
            (stood(false, 0), Holds::Yes, 60, Step::Fire),
        ] {
            assert_eq!(
                decide(stood, holds, (at(now), Duration::from_secs(60))),
                step,
                "{stood:?} {holds:?} {now}"
            );
        }
    }
}
