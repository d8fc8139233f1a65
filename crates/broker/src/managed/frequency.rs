//! How often data is fetched, in the words of contract 4: `manual`, `on-demand`, `real-time`, `every 4 hours`, `daily at 08:00 UTC`, or a
//! cron expression of five fields and a time zone.

/// The longest text.
const BYTES_MAX: usize = 100;
const CRON_FIELDS: usize = 5;

/// Whether the text says how often.
pub fn is_frequency(text: &str) -> bool {
    if text.len() > BYTES_MAX {
        return false;
    }
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        ["manual" | "on-demand" | "real-time"] => true,
        ["every", many, unit] => is_every(many, unit),
        ["daily", "at", time, zone] => is_time(time) && is_zone(zone),
        fields if fields.len() == CRON_FIELDS + 1 => {
            let (fields, zone) = fields.split_at(CRON_FIELDS);
            fields.iter().all(|field| is_cron(field)) && zone.iter().all(|zone| is_zone(zone))
        }
        _ => false,
    }
}

fn is_every(many: &str, unit: &str) -> bool {
    let most = match unit {
        "minute" | "minutes" => 1_440,
        "hour" | "hours" => 168,
        "day" | "days" => 31,
        _ => return false,
    };
    !many.starts_with(['0', '+']) && many.parse::<u32>().is_ok_and(|many| (1..=most).contains(&many))
}

fn is_time(text: &str) -> bool {
    let Some((hour, minute)) = text.split_once(':') else { return false };
    let two = |part: &str, most: u8| {
        part.len() == 2
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u8>().is_ok_and(|n| n <= most)
    };
    two(hour, 23) && two(minute, 59)
}

fn is_zone(text: &str) -> bool {
    jiff::tz::db().get(text).is_ok()
}

fn is_cron(field: &str) -> bool {
    !field.is_empty() && field.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'/' | b',' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_contract() {
        for good in [
            "manual",
            "on-demand",
            "real-time",
            "every 4 hours",
            "every 1 day",
            "daily at 08:00 UTC",
            "daily at 23:59 Europe/London",
            "*/15 8-18 * * 1-5 Europe/London",
        ] {
            assert!(is_frequency(good), "{good}");
        }
        for bad in [
            "",
            "sometimes",
            "every 0 hours",
            "every 4 fortnights",
            "every +4 hours",
            "daily at 8:00 UTC",
            "daily at 24:00 UTC",
            "daily at 08:00 Middle-earth",
            "* * * * *",
            "a b c d e UTC",
            "manual ",
        ] {
            assert!(!is_frequency(bad), "{bad}");
        }
    }
}
