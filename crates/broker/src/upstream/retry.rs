//! Whether and when a call to the third party is tried again.  RFC 9110 §9.2.1, §10.2.3

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use kernel::Timestamp;

/// The most times one call is sent, the first included.
pub const ATTEMPTS_MAX: u32 = 3;
/// The longest a caller is held for another try; beyond it the caller is told to come back.
pub const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The first pause, doubled with each try.
const PAUSE_FIRST: Duration = Duration::from_millis(150);
/// The longest `Retry-After` that is believed, so that a mistake over there does not shut a person out for a year.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

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

/// What `Retry-After` asks for: seconds, or an HTTP date counted from now. Nothing if it is absent or unreadable.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Timestamp::from_seconds(http_date(text)?).since(now),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// An HTTP date in any of the three forms of RFC 9110 §5.6.7, as seconds since the epoch.
fn http_date(text: &str) -> Option<i64> {
    let fixed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.replace("GMT", "+0000"));
    if let Ok(instant) = fixed {
        return Some(instant.as_second());
    }
    let old = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let read = |form: &&str| jiff::civil::DateTime::strptime(form, text).ok();
    let civil = old.iter().find_map(read)?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers, Timestamp::from_seconds(784_111_770))
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        for (value, seconds) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
            ("Sun Nov  6 08:49:37 1994", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("99999999999", Some(86_400)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(told(value), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::from_seconds(0)), None);
    }

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
