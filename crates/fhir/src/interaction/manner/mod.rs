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
