//! How long a dead endpoint is left alone, and when it is given up.

use std::time::Duration;

use kernel::Timestamp;

/// Seconds from each failed attempt to the next one; the last is repeated.
pub const PAUSES_S: [u64; 9] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600];
/// How long an endpoint fails until its subscription is switched off.
pub const FAILING_FOR_MAX: Duration = Duration::from_hours(24 * 3);
/// The longest pause that an endpoint can ask for.
const ASKED_FOR_MAX: Duration = Duration::from_hours(24);
/// How much of a pause is left to chance, in percent, so that what failed together does not return together.
const JITTER_PERCENT: u64 = 20;

/// What follows a failed attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    After(Duration),
    GiveUp,
}

/// After so many failures in a row, the first of them `since`; `asked` is the endpoint's `Retry-After`, `chance` any number.
pub(super) fn next(
    failures: u32,
    (since, now): (Timestamp, Timestamp),
    asked: Option<Duration>,
    chance: u64,
) -> Next {
    if now.since(since) >= FAILING_FOR_MAX {
        return Next::GiveUp;
    }
    let nth = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let [.., longest] = PAUSES_S;
    let whole_ms = PAUSES_S.get(nth).copied().unwrap_or(longest) * 1_000;
    let loose_ms = whole_ms / 100 * JITTER_PERCENT;
    let pause = Duration::from_millis(whole_ms - chance % loose_ms.saturating_add(1));
    Next::After(pause.max(asked.unwrap_or_default().min(ASKED_FOR_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_for_days_and_end() {
        let at = Timestamp::from_seconds;
        let pause = |failures, now, asked| next(failures, (at(0), at(now)), asked, 0);
        let after = |seconds| Next::After(Duration::from_secs(seconds));
        assert_eq!(pause(1, 0, None), after(5));
        assert_eq!(pause(2, 5, None), after(30));
        assert_eq!(pause(9, 90_000, None), after(21_600));
        assert_eq!(pause(40, 250_000, None), after(21_600));
        assert_eq!(pause(2, 5, Some(Duration::from_secs(90))), after(90));
        assert_eq!(pause(2, 5, Some(Duration::from_secs(9_999_999))), after(86_400));
        assert_eq!(pause(12, 259_200, None), Next::GiveUp);
        assert_eq!(next(1, (at(0), at(0)), None, 1_000), after(4));
    }

    #[test]
    fn the_attempts_last_for_days() {
        let (mut now, mut failures) = (0, 0);
        loop {
            failures += 1;
            match next(failures, (Timestamp::from_seconds(0), Timestamp::from_seconds(now)), None, 0) {
                Next::After(pause) => now += pause.as_secs().cast_signed(),
                Next::GiveUp => break,
            }
        }
        assert!(failures > 15 && now >= 259_200, "{failures} attempts, {now} s");
    }
}
