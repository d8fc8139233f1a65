//! Times as people say them.

use std::fmt;

use askama::filters::HtmlSafe;
use kernel::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Beyond so many days a date says more than a number of days.
const DAYS_MAX: u64 = 21;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// An instant on a page: written "12 minutes ago", with the exact UTC time in the title. Its `Display` is HTML.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    at: Timestamp,
    now: Timestamp,
}

impl Moment {
    /// `at`, as seen from `now`.
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    fn words(self) -> String {
        let (past, age_s) = match self.now >= self.at {
            true => (true, self.now.since(self.at).as_secs()),
            false => (false, self.at.since(self.now).as_secs()),
        };
        let amount = match age_s {
            0..45 => return (if past { "just now" } else { "in a moment" }).to_owned(),
            45..HOUR => plural(age_s.div_ceil(MINUTE).min(59), "minute"),
            HOUR..DAY => plural(age_s / HOUR, "hour"),
            DAY.. if age_s / DAY <= DAYS_MAX => plural(age_s / DAY, "day"),
            _ => return date(&self.at.to_string()),
        };
        if past { format!("{amount} ago") } else { format!("in {amount}") }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.at.to_string();
        let clock = iso.get(11..19).unwrap_or_default();
        write!(f, r#"<time datetime="{iso}" title="{}, {clock} UTC">{}</time>"#, date(&iso), self.words())
    }
}

impl HtmlSafe for Moment {}

/// `1 hour`, `2 hours`.
pub(crate) fn plural(amount: u64, word: &str) -> String {
    if amount == 1 { format!("1 {word}") } else { format!("{amount} {word}s") }
}

/// `2026-03-01T…` as `1 March 2026`.
fn date(iso: &str) -> String {
    let mut parts = iso.get(..10).unwrap_or_default().split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|m| m.parse::<usize>().ok()).and_then(|m| MONTHS.get(m.saturating_sub(1)));
    match (year, month, day) {
        (Some(year), Some(month), Some(day)) => format!("{} {month} {year}", day.trim_start_matches('0')),
        _ => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let ago = |s| Moment::new(now - Duration::from_secs(s), now).words();
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(3_599), "59 minutes ago");
        assert_eq!(ago(2 * HOUR), "2 hours ago");
        assert_eq!(ago(DAY), "1 day ago");
        assert_eq!(ago(40 * DAY), "11 October 2026");
        assert_eq!(Moment::new(now + Duration::from_secs(3 * DAY), now).words(), "in 3 days");
    }

    #[test]
    fn the_exact_time_is_in_the_title() {
        let at: Timestamp = "2026-03-01T09:05:07Z".parse().unwrap();
        let html = Moment::new(at, at).to_string();
        assert!(html.contains(r#"title="1 March 2026, 09:05:07 UTC""#), "{html}");
        assert!(html.contains(r#"datetime="2026-03-01T09:05:07.000000Z""#), "{html}");
    }
}
