//! Which bytes of a file are asked for: a download that broke off goes on where it was.  RFC 9110 §14

use http::{HeaderMap, HeaderValue, header};

/// Which bytes are answered; the last one is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of them.
    Whole,
    /// These.
    Part(i64, i64),
    /// There are none like those: 416.
    Nothing,
}

/// What is wanted of a file of so many bytes. What is not understood, and several ranges at once, are the whole file.
pub(super) fn wanted(headers: &HeaderMap, etag: &HeaderValue, bytes: i64) -> Wanted {
    let stands = headers.get(header::IF_RANGE).is_none_or(|named| named == etag);
    let mut said = headers.get_all(header::RANGE).iter();
    let (Some(range), None, true) = (said.next(), said.next(), stands) else { return Wanted::Whole };
    let range = range.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else { return Wanted::Whole };
    let number = |text: &str| -> Option<i64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(i64::MAX))
    };
    let (from, to) = match (number(first.trim()), number(last.trim()), first.trim(), last.trim()) {
        (Some(from), Some(last), ..) if from <= last => (from, last.saturating_add(1).min(bytes)),
        (Some(from), None, _, "") => (from, bytes),
        (None, Some(count), "", _) => (bytes.saturating_sub(count).max(0), bytes),
        _ => return Wanted::Whole,
    };
    if from < to { Wanted::Part(from, to) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_bytes_are_wanted() {
        let etag = HeaderValue::from_static("\"a\"");
        for (range, if_range, expected) in [
            (None, None, Wanted::Whole),
            (Some("bytes=0-"), None, Wanted::Part(0, 100)),
            (Some("bytes=10-19"), None, Wanted::Part(10, 20)),
            (Some("bytes=90-1000"), None, Wanted::Part(90, 100)),
            (Some("bytes=-10"), None, Wanted::Part(90, 100)),
            (Some("bytes=-1000"), None, Wanted::Part(0, 100)),
            (Some("bytes=-0"), None, Wanted::Nothing),
            (Some("bytes=100-"), None, Wanted::Nothing),
            (Some("bytes=99999999999999999999-"), None, Wanted::Nothing),
            (Some("bytes=20-10"), None, Wanted::Whole),
            (Some("bytes=0-1,3-4"), None, Wanted::Whole),
            (Some("bytes=a-b"), None, Wanted::Whole),
            (Some("lines=0-1"), None, Wanted::Whole),
            (Some("bytes=10-19"), Some("\"a\""), Wanted::Part(10, 20)),
            (Some("bytes=10-19"), Some("\"b\""), Wanted::Whole),
        ] {
            let mut headers = HeaderMap::new();
            let mut put = |name, value: Option<&'static str>| {
                value.and_then(|value| headers.insert(name, HeaderValue::from_static(value)))
            };
            put(header::RANGE, range);
            put(header::IF_RANGE, if_range);
            assert_eq!(wanted(&headers, &etag, 100), expected, "{range:?} {if_range:?}");
        }
    }
}
