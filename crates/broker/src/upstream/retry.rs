//! Whether and when a call to the third party is tried again.  RFC 9110 §9.2.1

use std::time::Duration;

use http::{Method, StatusCode};

/// The most times one call is sent, the first included.
pub const ATTEMPTS_MAX: u32 = 3;
/// The longest a caller is held for another try; beyond it the caller is told to come back.
pub const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The first pause, doubled with each try.
const PAUSE_FIRST: Duration = Duration::from_millis(150);
/// Whether doing it twice is the same as doing it once and changes nothing over there.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether an answer of this status may be another one on the next try.
pub fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// How long to wait before the next try; nothing if there should be none. `spread` is a byte of chance, so that many
/// callers who failed together do not come back together.
pub fn pause(attempt: u32, told: Option<Duration>, spread: u8) -> Option<Duration> {
    if attempt >= ATTEMPTS_MAX {
        return None;
    }
    let doubled = PAUSE_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    let jittered = doubled / 2 + doubled.saturating_mul(u32::from(spread)) / 512;
    let wanted = told.unwrap_or(jittered).max(jittered);
    (wanted <= PAUSE_MAX).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_never_held_for_long() {
        assert!(pause(1, None, 0).unwrap() >= Duration::from_millis(75));
        assert!(pause(2, None, 255).unwrap() <= PAUSE_MAX);
        assert_eq!(pause(ATTEMPTS_MAX, None, 0), None);
        assert_eq!(pause(1, Some(Duration::from_secs(1)), 9), Some(Duration::from_secs(1)));
        assert_eq!(pause(1, Some(Duration::from_secs(60)), 9), None);
    }

    #[test]
    fn only_what_changes_nothing_is_safe() {
        assert!(is_safe(&Method::GET) && is_safe(&Method::HEAD));
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(!is_safe(&method));
        }
        assert!(may_pass(StatusCode::SERVICE_UNAVAILABLE) && !may_pass(StatusCode::NOT_FOUND));
    }
}
