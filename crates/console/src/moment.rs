//! Times as people say them.

use std::fmt;

use askama::filters::HtmlSafe;
use kernel::Timestamp;

use crate::t;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Beyond so many days a date says more than a number of days.
const DAYS_MAX: u64 = 21;

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

    /// The same without the exact time, for the middle of a sentence.
    pub(crate) fn in_words(self) -> String {
        let (past, age_s) = match self.now >= self.at {
            true => (true, self.now.since(self.at).as_secs()),
            false => (false, self.at.since(self.now).as_secs()),
        };
        let amount = |unit_s: u64| usize::try_from((age_s / unit_s).max(1)).unwrap_or(usize::MAX);
        let said = match (age_s, past) {
            (0..45, true) => t("time-now"),
            (0..45, false) => t("time-soon"),
            (45..HOUR, _) => {
                let minutes = usize::try_from(age_s.div_ceil(MINUTE).min(59)).unwrap_or(59);
                if past {
                    t("time-minutes-ago").count("amount", minutes)
                } else {
                    t("time-in-minutes").count("amount", minutes)
                }
            }
            (HOUR..DAY, true) => t("time-hours-ago").count("amount", amount(HOUR)),
            (HOUR..DAY, false) => t("time-in-hours").count("amount", amount(HOUR)),
            _ if age_s / DAY > DAYS_MAX => return date(&self.at.to_string()),
            (_, true) => t("time-days-ago").count("amount", amount(DAY)),
            (_, false) => t("time-in-days").count("amount", amount(DAY)),
        };
        said.into()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.at.to_string();
        let clock = iso.get(11..19).unwrap_or_default();
        let exact = t("time-exact").of("date", date(&iso)).of("clock", clock);
        let (exact, words) = (escaped(&exact.to_string()), escaped(&self.in_words()));
        write!(f, r#"<time datetime="{iso}" title="{exact}">{words}</time>"#)
    }
}

impl HtmlSafe for Moment {}

/// `2026-03-01T…` as `1 March 2026`.
fn date(iso: &str) -> String {
    let mut parts = iso.get(..10).unwrap_or_default().split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|month| month.parse::<usize>().ok());
    match (year, month, day) {
        (Some(year), Some(month), Some(day)) => t("time-date")
            .of("day", day.trim_start_matches('0'))
            .count("month", month)
            .of("year", year)
            .into(),
        _ => iso.to_owned(),
    }
}

/// As text inside HTML: the words of a language may come from an operator's file.
fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::language::rendered_in;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let ago = |s| Moment::new(now - Duration::from_secs(s), now).in_words();
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(3_599), "59 minutes ago");
        assert_eq!(ago(2 * HOUR), "2 hours ago");
        assert_eq!(ago(DAY), "1 day ago");
        assert_eq!(ago(40 * DAY), "11 October 2026");
        assert_eq!(Moment::new(now + Duration::from_secs(3 * DAY), now).in_words(), "in 3 days");
        rendered_in("uk", || {
            for (seconds, words) in [
                (60, "1 хвилину тому"),
                (3 * MINUTE, "3 хвилини тому"),
                (11 * MINUTE, "11 хвилин тому"),
                (21 * MINUTE, "21 хвилину тому"),
                (5 * HOUR, "5 годин тому"),
                (2 * DAY, "2 дні тому"),
                (40 * DAY, "11 жовтня 2026 р."),
            ] {
                assert_eq!(ago(seconds), words);
            }
        });
    }

    #[test]
    fn the_exact_time_is_in_the_title() {
        let at: Timestamp = "2026-03-01T09:05:07Z".parse().unwrap();
        let html = Moment::new(at, at).to_string();
        assert!(html.contains(r#"title="1 March 2026, 09:05:07 UTC""#), "{html}");
        assert!(html.contains(r#"datetime="2026-03-01T09:05:07.000000Z""#), "{html}");
    }
}
