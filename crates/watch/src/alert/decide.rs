//! Whether a rule holds, and what follows.

use std::time::Duration;

use kernel::Timestamp;

/// How a rule stood when it was last told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stood {
    pub firing: bool,
    pub fired_at: Timestamp,
    pub acknowledged: bool,
}

/// How often a rule is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// For how long it is not told that it begins to hold once more.
    pub cooldown: Duration,
    /// After how long it is told again that it holds, while nobody has acknowledged it; none for never.
    pub repeat: Option<Duration>,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Stay,
    Fire,
    Repeat,
    Resolve,
}

/// A rule that begins to hold is told of, unless it was a short while ago; one that ceases to hold is told of where it was. Between the
/// two it is told again as often as it says, until somebody sees to it.
pub(crate) fn decide(stood: Option<Stood>, holds: Holds, (now, pace): (Timestamp, Pace)) -> Step {
    let told_for = |fired_at| now.since(fired_at);
    match (stood, holds) {
        (Some(Stood { firing: true, fired_at, acknowledged: false }), Holds::Yes)
            if pace.repeat.is_some_and(|repeat| told_for(fired_at) >= repeat) =>
        {
            Step::Repeat
        }
        (Some(Stood { firing: true, .. }), Holds::Yes) => Step::Stay,
        (Some(Stood { firing: true, .. }), Holds::No) => Step::Resolve,
        (Some(Stood { fired_at, .. }), Holds::Yes) if told_for(fired_at) < pace.cooldown => Step::Stay,
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
        let stood = |firing, fired_at| Some(Stood { firing, fired_at: at(fired_at), acknowledged: false });
        let seen = |firing, fired_at| Some(Stood { firing, fired_at: at(fired_at), acknowledged: true });
        let never = Pace { cooldown: Duration::from_secs(60), repeat: None };
        let often = Pace { repeat: Some(Duration::from_secs(300)), ..never };
        for (stood, holds, now, pace, step) in [
            (None, Holds::No, 0, never, Step::Stay),
            (None, Holds::Yes, 0, never, Step::Fire),
            (stood(true, 0), Holds::Yes, 1_000, never, Step::Stay),
            (stood(true, 0), Holds::No, 1, never, Step::Resolve),
            (stood(false, 0), Holds::No, 1, never, Step::Stay),
            (stood(false, 0), Holds::Yes, 59, never, Step::Stay),
            (stood(false, 0), Holds::Yes, 60, never, Step::Fire),
            (stood(true, 0), Holds::Yes, 299, often, Step::Stay),
            (stood(true, 0), Holds::Yes, 300, often, Step::Repeat),
            (stood(true, 0), Holds::No, 300, often, Step::Resolve),
            (seen(true, 0), Holds::Yes, 100_000, often, Step::Stay),
            (seen(true, 0), Holds::No, 1, often, Step::Resolve),
            (stood(false, 0), Holds::Yes, 300, often, Step::Fire),
        ] {
            assert_eq!(decide(stood, holds, (at(now), pace)), step, "{stood:?} {holds:?} {now} {pace:?}");
        }
    }
}
