//! Which header fields cross the proxy.  RFC 9110 §7.6.1
//!
//! Both ways a field must be named here to pass: what a caller sends about itself, and what a third party sends
//! to a browser, is nobody else's business.

use http::{HeaderMap, HeaderName, header};

/// Fields of the caller's request that the third party gets to see. Everything else stays here: the caller's own
/// credential, its cookies, its address, the hop-by-hop fields.
const REQUEST_FIELDS: [HeaderName; 11] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_UNMODIFIED_SINCE,
    HeaderName::from_static("prefer"),
];

/// Fields of the third party's answer that the caller gets to see. No cookie, no challenge, no redirect target, no
/// policy for browsers, no hop-by-hop field.
const ANSWER_FIELDS: [HeaderName; 12] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::RETRY_AFTER,
    header::VARY,
    HeaderName::from_static("preference-applied"),
];

/// Beginnings of names under which third parties tell what is left of a limit.
const LIMIT_PREFIXES: [&str; 3] = ["ratelimit", "x-ratelimit-", "x-rate-limit-"];

/// The fields of a caller's request that are passed on.
pub fn of_request(from: &HeaderMap) -> HeaderMap {
    picked(from, |name| REQUEST_FIELDS.contains(name))
}

/// The fields of a third party's answer that are passed back. `named` are the limit headers of its catalogue entry.
pub fn of_answer(from: &HeaderMap, named: &[String]) -> HeaderMap {
    picked(from, |name| {
        let text = name.as_str();
        ANSWER_FIELDS.contains(name)
            || LIMIT_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            || (named.iter().any(|limit| limit.eq_ignore_ascii_case(text)) && !is_barred(name))
    })
}

/// What may not pass even if a catalogue entry named it.
fn is_barred(name: &HeaderName) -> bool {
    const BARRED: [HeaderName; 8] = [
        header::SET_COOKIE,
        header::WWW_AUTHENTICATE,
        header::PROXY_AUTHENTICATE,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TRAILER,
        header::LOCATION,
    ];
    BARRED.contains(name)
}

/// `Connection` can declare any field to be of this hop only, also one that would pass otherwise.
fn picked(from: &HeaderMap, passes: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let of_this_hop: Vec<String> = from
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut out = HeaderMap::new();
    for (name, value) in from {
        if passes(name) && !of_this_hop.iter().any(|hop| hop == name.as_str()) {
            out.append(name, value.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), v.parse().unwrap())).collect()
    }

    #[test]
    fn what_the_caller_says_about_itself_stays_here() {
        let passed = of_request(&headers(&[
            ("authorization", "Bearer ours"),
            ("cookie", "a=b"),
            ("proxy-authorization", "x"),
            ("host", "us"),
            ("connection", "close, prefer"),
            ("prefer", "return=minimal"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-request-id", "1"),
            ("x-api-key", "k"),
            ("accept", "application/json"),
            ("if-none-match", "\"1\""),
        ]));
        assert_eq!(passed, headers(&[("accept", "application/json"), ("if-none-match", "\"1\"")]));
    }

    #[test]
    fn what_the_third_party_says_to_browsers_stays_here() {
        let named = ["Fitbit-Rate-Limit-Reset".to_owned(), "Set-Cookie".to_owned()];
        let answer = headers(&[
            ("set-cookie", "session=1"),
            ("www-authenticate", "Bearer"),
            ("location", "https://elsewhere"),
            ("connection", "keep-alive"),
            ("keep-alive", "5"),
            ("strict-transport-security", "max-age=1"),
            ("access-control-allow-origin", "*"),
            ("content-type", "application/json"),
            ("retry-after", "5"),
            ("fitbit-rate-limit-reset", "60"),
            ("x-ratelimit-limit", "9"),
        ]);
        let expected = headers(&[
            ("content-type", "application/json"),
            ("retry-after", "5"),
            ("fitbit-rate-limit-reset", "60"),
            ("x-ratelimit-limit", "9"),
        ]);
        assert_eq!(of_answer(&answer, &named), expected);
    }
}
