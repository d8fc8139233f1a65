//! When a delivery is tried again, and how an endpoint that fails is treated meanwhile.

use std::time::Duration;

use kernel::Timestamp;

/// Seconds from each try that failed to the next: ten tries over a little more than three days.
/// Standard Webhooks 1.0, "Deliverability and reliability"
pub const PAUSES_S: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Tries of one round; somebody may ask for another round.
pub const TRIES_MAX: u32 = 10;
/// The longest pause that an endpoint can ask for.
pub const ASKED_FOR_MAX: Duration = Duration::from_hours(24);
/// How much of a pause is left to chance, in percent, so that what failed together does not return together.
const JITTER_PERCENT: u64 = 20;
/// Calls in a row that failed, after which an endpoint is called in the places for such, one call at a time: its next call would otherwise
/// keep a place from those that answer until its patience is over.
pub const SUSPECT_AFTER: u32 = 1;
/// Calls in a row that failed, after which such an endpoint is left alone between two calls.
pub const PROBED_AFTER: u32 = 3;
/// The first pause between two calls of such an endpoint, doubled with each that fails.
const PROBE_FIRST: Duration = Duration::from_secs(5);
/// The longest pause between two calls of such an endpoint: so soon it is told once it takes events again.
pub const PROBE_MAX: Duration = Duration::from_mins(5);

/// What follows a try that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    At(Timestamp),
    GiveUp,
}

/// After so many tries; `asked` is the endpoint's `Retry-After`, `chance` any number.
pub(super) fn next(tries: u32, now: Timestamp, asked: Option<Duration>, chance: u64) -> Next {
    let nth = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    match PAUSES_S.get(nth) {
        Some(seconds) => {
            let pause = shortened(Duration::from_secs(*seconds), chance);
            Next::At(now + pause.max(asked.unwrap_or_default().min(ASKED_FOR_MAX)))
        }
        None => Next::GiveUp,
    }
}

/// How long an endpoint of which so many calls in a row have failed is left alone; none while those are few.
pub(super) fn probe(failures: u32, chance: u64) -> Option<Duration> {
    let doublings = failures.checked_sub(PROBED_AFTER)?.min(16);
    Some(shortened(PROBE_FIRST.saturating_mul(1 << doublings).min(PROBE_MAX), chance))
}

fn shortened(pause: Duration, chance: u64) -> Duration {
    let whole_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    let loose_ms = whole_ms / 100 * JITTER_PERCENT;
    Duration::from_millis(whole_ms - chance % loose_ms.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_take_a_little_more_than_three_days() {
        let (mut now, mut tries) = (Timestamp::from_seconds(0), 0);
        loop {
            tries += 1;
            match next(tries, now, None, 0) {
                Next::At(at) => now = at,
                Next::GiveUp => break,
            }
        }
        assert_eq!((tries, now), (TRIES_MAX, Timestamp::from_seconds(272_105)));
        assert!(now.since(Timestamp::from_seconds(0)) > Duration::from_hours(72));
    }

    #[test]
    fn an_endpoint_may_ask_for_a_longer_pause_and_not_for_a_shorter() {
        let at = |seconds| Next::At(Timestamp::from_seconds(seconds));
        let asked = |seconds| next(1, Timestamp::from_seconds(0), Some(Duration::from_secs(seconds)), 0);
        assert_eq!((asked(60), asked(1), asked(999_999)), (at(60), at(5), at(86_400)));
    }

    #[test]
    fn chance_shortens_a_pause_by_a_fifth_at_the_most() {
        let at = |chance| next(2, Timestamp::from_seconds(0), None, chance);
        assert_eq!(at(60_000), Next::At(Timestamp::from_seconds(240)));
        assert_eq!(at(60_001), Next::At(Timestamp::from_seconds(300)));
    }

    #[test]
    fn a_failing_endpoint_is_left_alone_for_minutes_and_not_for_hours() {
        assert_eq!(probe(PROBED_AFTER - 1, 0), None);
        assert_eq!(probe(PROBED_AFTER, 0), Some(PROBE_FIRST));
        assert_eq!(probe(PROBED_AFTER + 1, 0), Some(PROBE_FIRST * 2));
        assert_eq!((probe(PROBED_AFTER + 9, 0), probe(u32::MAX, 0)), (Some(PROBE_MAX), Some(PROBE_MAX)));
    }
}
