//! What an answer of a REST API holds: its records, when they were changed, and where the next ones are.

use std::hash::{DefaultHasher, Hasher};

use http::{HeaderMap, header};
use jiff::civil;
use serde_json::Value;

use super::plan::{Incremental, PAGE_RECORDS_MAX, Stream, TimeFormat};
use crate::connector::PullFault;

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Value, PullFault> {
    serde_json::from_slice(body).map_err(|_| PullFault::again("the source's answer is no JSON"))
}

/// The records of an answer; a single object is one.
pub(super) fn records(stream: &Stream, answer: Value) -> Result<Vec<Value>, PullFault> {
    let mut answer = answer;
    match answer.pointer_mut(&stream.records).map(Value::take) {
        Some(Value::Array(records)) if records.len() > PAGE_RECORDS_MAX => {
            Err(PullFault::last("the source answers with too many records at once: ask for smaller pages"))
        }
        Some(Value::Array(records)) => Ok(records),
        Some(one @ Value::Object(_)) => Ok(vec![one]),
        _ => Err(PullFault::last("there are no records in the source's answer where `records` says")),
    }
}

/// The text that stands there; nothing if there is none, or an empty one.
pub(super) fn next(answer: &Value, pointer: &str) -> Result<Option<String>, PullFault> {
    match answer.pointer(pointer) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => {
            Err(PullFault::last("there is no cursor in the source's answer where `pagination.next` says"))
        }
    }
}

/// The target of the link to the next page.  RFC 8288 §3
pub(super) fn next_link(headers: &HeaderMap) -> Option<String> {
    headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_of)
}

fn next_of(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        let (target, behind) = behind.split_once('>')?;
        // The parameters end at the comma that stands before the next target.
        let end = behind.find(",").map_or(behind.len(), |_| behind.find('<').unwrap_or(behind.len()));
        let (parameters, after) = behind.split_at_checked(end)?;
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = after;
    }
    None
}

/// Tells two answers apart, so that a source that answers each page alike is noticed.
pub(super) fn fingerprint(body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    hasher.finish()
}

/// When a record was changed, in microseconds since 1970; nothing where it does not say so.
pub(super) fn changed(incremental: &Incremental, record: &Value) -> Option<i64> {
    let said = record.pointer(&incremental.field)?;
    let number = || said.as_i64().or_else(|| said.as_str()?.trim().parse().ok());
    match incremental.format {
        TimeFormat::UnixS => number()?.checked_mul(1_000_000),
        TimeFormat::UnixMs => number()?.checked_mul(1_000),
        TimeFormat::Date => {
            let date: civil::Date = said.as_str()?.trim().parse().ok()?;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
        }
        TimeFormat::Iso => {
            let text = said.as_str()?.trim();
            let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
                let local: civil::DateTime = text.parse().ok()?;
                Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
            });
            Some(instant?.as_microsecond())
        }
    }
}

/// A time as the source wants to be asked for it.
pub(super) fn written(format: TimeFormat, micros: i64) -> String {
    let at = || jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    match format {
        TimeFormat::UnixS => micros.div_euclid(1_000_000).to_string(),
        TimeFormat::UnixMs => micros.div_euclid(1_000).to_string(),
        TimeFormat::Date => at().strftime("%Y-%m-%d").to_string(),
        TimeFormat::Iso => at().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_link_to_the_next_page_is_found_among_others() {
        for (text, next) in [
            ("<https://a.example/?p=2>; rel=\"next\"", Some("https://a.example/?p=2")),
            ("<?p=1>; rel=prev, <?p=3,4>; rel=next", Some("?p=3,4")),
            ("<?p=1>; title=\"a, b\"; rel=\"first next\"", Some("?p=1")),
            ("<?p=1>; rel=\"last\"", None),
            ("<?p=1", None),
            ("", None),
        ] {
            assert_eq!(next_of(text).as_deref(), next, "{text}");
        }
    }

    #[test]
    fn times_are_asked_for_as_they_are_told() {
        let field = |format| Incremental {
            parameter: "since".to_owned(),
            field: "/at".to_owned(),
            format,
            overlap_s: None,
        };
        for (format, said, again) in [
            (TimeFormat::Iso, json!("2024-07-01T10:00:00+02:00"), Some("2024-07-01T08:00:00Z")),
            (TimeFormat::Iso, json!("2024-07-01T10:00:00"), Some("2024-07-01T10:00:00Z")),
            (TimeFormat::Date, json!("2024-07-01"), Some("2024-07-01")),
            (TimeFormat::UnixS, json!(1_704_103_200), Some("1704103200")),
            (TimeFormat::UnixMs, json!("1704103200123"), Some("1704103200123")),
            (TimeFormat::UnixMs, json!("soon"), None),
            (TimeFormat::Iso, json!(7), None),
            (TimeFormat::UnixS, json!(i64::MAX), None),
        ] {
            let micros = changed(&field(format), &json!({"at": said}));
            assert_eq!(micros.map(|micros| written(format, micros)).as_deref(), again, "{said}");
        }
    }
}
