//! What follows an attempt.

use std::time::Duration;

use crate::{JobFault, Retry};

/// The longest pause that another side's `Retry-After` can bring about: a day.
pub(crate) const AFTER_MAX_S: u64 = 86_400;

/// The longest reason that a row keeps, in bytes.
pub(crate) const WHY_BYTES_MAX: usize = 500;

/// What the row says next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Done,
    Again { after: Duration, why: String },
    Dead { why: String },
}

/// What follows the attempt with this number. `chance` is any number; it moves the pause within the jitter.
pub(crate) fn next(outcome: Result<(), JobFault>, attempt: u32, retry: Retry, chance: u64) -> Next {
    match outcome {
        Ok(()) => Next::Done,
        Err(JobFault::Final { why }) => Next::Dead { why: short(why) },
        Err(JobFault::Again { why, .. }) if attempt >= retry.attempts_max => Next::Dead { why: short(why) },
        Err(JobFault::Again { why, after_s }) => {
            let asked = Duration::from_secs(after_s.unwrap_or(0).min(AFTER_MAX_S));
            Next::Again { after: pause(attempt, retry, chance).max(asked), why: short(why) }
        }
    }
}

fn pause(attempt: u32, retry: Retry, chance: u64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(u64::BITS - 1);
    let whole_s = retry.first_s.saturating_mul(1 << doublings).min(retry.max_s);
    let whole_ms = whole_s.saturating_mul(1_000);
    let loose_ms = whole_ms / 100 * u64::from(retry.jitter_percent.min(100));
    Duration::from_millis(whole_ms - chance % loose_ms.saturating_add(1))
}

fn short(mut why: String) -> String {
    why.truncate(why.floor_char_boundary(WHY_BYTES_MAX));
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { attempts_max: 5, first_s: 10, max_s: 60, jitter_percent: 20 };

    fn after(attempt: u32, after_s: Option<u64>, chance: u64) -> u128 {
        match next(Err(JobFault::Again { why: "down".to_owned(), after_s }), attempt, RETRY, chance) {
            Next::Again { after, .. } => after.as_millis(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!([1, 2, 3, 4].map(|attempt| after(attempt, None, 0)), [10_000, 20_000, 40_000, 60_000]);
    }

    #[test]
    fn chance_shortens_a_pause_by_no_more_than_the_jitter() {
        for chance in [0, 1, 1_999, 2_000, 2_001, u64::MAX] {
            assert!((8_000..=10_000).contains(&after(1, None, chance)), "{chance}");
        }
        assert_eq!(after(1, None, 2_000), 8_000);
    }

    #[test]
    fn what_the_other_side_asks_for_is_the_least_pause() {
        assert_eq!(after(1, Some(45), 0), 45_000);
        assert_eq!(after(3, Some(1), 0), 40_000);
        assert_eq!(after(1, Some(u64::MAX), 0), u128::from(AFTER_MAX_S) * 1_000);
    }

    #[test]
    fn the_last_attempt_and_a_final_fault_end_the_job() {
        let dead = Next::Dead { why: "down".to_owned() };
        assert_eq!(next(Err(JobFault::again("down")), 5, RETRY, 0), dead);
        assert_eq!(next(Err(JobFault::dead("down")), 1, RETRY, 0), dead);
        assert_eq!(next(Ok(()), 5, RETRY, 0), Next::Done);
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let Next::Dead { why } = next(Err(JobFault::dead("ä".repeat(400))), 1, RETRY, 0) else { panic!() };
        assert_eq!(why.len(), WHY_BYTES_MAX);
        let Next::Dead { why } = next(Err(JobFault::dead(format!("x{}", "ä".repeat(400)))), 1, RETRY, 0)
        else {
            panic!()
        };
        assert_eq!(why.len(), WHY_BYTES_MAX - 1);
    }
}
