//! What is shown in place of a value.

use std::time::Duration;

use kernel::Timestamp;

/// The age up to which a year may be told.  45 CFR 164.514(b)(2)(i)(C)
const AGE_MAX: i64 = 89;
/// The first three digits of ZIP codes in which at most 20,000 people live, by the census of 2000, as the guidance of HHS lists them.
const ZIP3_SMALL: [&str; 17] = [
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884",
    "890", "893",
];

fn year_of(now: Timestamp) -> i64 {
    jiff::Timestamp::from_second(now.as_seconds())
        .map_or(0, |now| i64::from(now.to_zoned(jiff::tz::TimeZone::UTC).year()))
}

/// The year of a date; none of one that lies so far back that it tells an age over 89.
pub(super) fn year(text: &str, now: Timestamp) -> Option<String> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let year: i64 = digits.parse().ok()?;
    (year >= year_of(now) - AGE_MAX).then(|| digits.to_owned())
}

/// Three digits of a US ZIP code, `000` where few people live there; of anything else nothing.
pub(super) fn zip3(text: &str) -> Option<String> {
    let (digits, rest) = text.split_once('-').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_zip = digits.len() == 5 && is_number(digits) && is_number(rest) && matches!(rest.len(), 0 | 4);
    let three = digits.get(..3).filter(|_| is_zip)?;
    Some(if ZIP3_SMALL.contains(&three) { "000".to_owned() } else { three.to_owned() })
}

/// A date or time moved by days, as exact as it was; what is not exact to the day tells no day, and cannot be moved.
pub(super) fn shifted(text: &str, days: i64) -> Option<String> {
    let (date, time) = text.split_at_checked(10)?;
    let date: jiff::civil::Date = date.parse().ok()?;
    let span = jiff::Span::new().try_days(days).ok()?;
    let moved = date.checked_add(span).ok()?;
    (time.is_empty() || time.starts_with('T')).then(|| format!("{moved}{time}"))
}

/// Whether so much of this unit (UCUM) is an age over 89, or one that cannot be told.
pub(super) fn is_old(value: &str, unit: &str) -> bool {
    const DAY_S: f64 = 86_400.0;
    let unit_s = match unit {
        "a" | "a_j" | "a_g" | "a_t" => 365.25 * DAY_S,
        "mo" | "mo_j" | "mo_g" | "mo_s" => 365.25 / 12.0 * DAY_S,
        "wk" => 7.0 * DAY_S,
        "d" => DAY_S,
        "h" => 3_600.0,
        "min" => 60.0,
        "s" => 1.0,
        _ => return false,
    };
    let most = Duration::from_secs(u64::try_from(AGE_MAX + 1).unwrap_or(0) * 31_557_600).as_secs_f64();
    value.parse::<f64>().map_or(true, |value| value.abs() * unit_s >= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_date_the_year_is_told() {
        let now = Timestamp::from_seconds(1_795_000_000);
        for (text, expected) in [
            ("2024-05-06", Some("2024")),
            ("2024-05-06T07:08:09+02:00", Some("2024")),
            ("1937", Some("1937")),
            ("1936-12-31", None),
            ("x", None),
            ("20é4", None),
        ] {
            assert_eq!(year(text, now).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn of_a_zip_code_three_digits_are_told() {
        for (text, expected) in [
            ("02139", Some("021")),
            ("02139-1234", Some("021")),
            ("03601", Some("000")),
            ("0213", None),
            ("02139-12", None),
            ("SW1A 1AA", None),
            ("02x39", None),
        ] {
            assert_eq!(zip3(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn dates_move_and_stay_as_exact() {
        for (text, days, expected) in [
            ("2024-02-28", 2, Some("2024-03-01")),
            ("2024-01-01T07:08:09.5Z", -1, Some("2023-12-31T07:08:09.5Z")),
            ("2024-01", 1, None),
            ("2024", 1, None),
            ("2024-13-01", 1, None),
        ] {
            assert_eq!(shifted(text, days).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn ages_over_89_are_not_told() {
        for (value, unit, old) in [
            ("89", "a", false),
            ("89.9", "a", false),
            ("90", "a", true),
            ("1100", "mo", true),
            ("1000", "mo", false),
            ("40000", "d", true),
            ("95", "mg", false),
            ("x", "a", true),
        ] {
            assert_eq!(is_old(value, unit), old, "{value} {unit}");
        }
    }
}
