//! When the other side wants to be asked again.  RFC 9110 §10.2.3

use std::time::Duration;

use http::{HeaderMap, header};
use kernel::Timestamp;

/// The longest `Retry-After` that is believed, so that a mistake over there does not shut anybody out for a year.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

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
}
