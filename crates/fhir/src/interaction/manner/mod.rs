//! The manners of a call: version, media types, preferences, the site.  Contract 3

pub(crate) mod media;
pub(crate) mod prefer;
pub(crate) mod version;

use kernel::Timestamp;

/// A time as HTTP writes it.  RFC 9110 §5.6.7
pub(crate) fn http_date(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_seconds())
        .map_or_else(|_| String::new(), |at| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// A time that HTTP writes.
pub(crate) fn read_http_date(text: &str) -> Option<Timestamp> {
    let read = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Timestamp::from_seconds(read.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back() {
        let at = Timestamp::from_seconds(784_111_777);
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read_http_date(&http_date(at)), Some(at));
        assert_eq!(read_http_date("yesterday"), None);
    }
}
