//! API keys that are presented themselves, where a family of routes takes them.  Contract 4, RBAC

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, header};

use crate::limits::BEARER_BYTES_MAX;

/// Where a key is presented.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Routes with this among their extensions take a key in [`API_KEY`] in place of an access token; others do not look at it.
#[derive(Debug, Clone, Copy)]
pub struct TakesApiKeys;

/// An API key as a request presents it: `X-API-Key: <API Key Id>.<key>`.
#[derive(Clone, Copy)]
pub struct PresentedKey<'a> {
    /// The API Key Id: the account prefix, a dot, the name.
    pub key_id: &'a str,
    /// The key.
    pub key: &'a str,
    /// Where the request comes from: who guesses is slowed down by it.
    pub source: IpAddr,
}

/// Why a request shows no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It shows more than one thing.
    Many(&'static str),
    /// What it shows is no key, as a wrong one is none.
    NoKey,
}

/// The id and the key, or why they cannot be told. None where the header is not there.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<(&str, &str)>, Unread> {
    let mut values = headers.get_all(API_KEY).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Unread::Many("there is more than one X-API-Key header")),
    };
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(Unread::Many("send an access token or an API key, not both"));
    }
    let text = value.to_str().ok().filter(|text| text.len() <= BEARER_BYTES_MAX);
    let text = text.ok_or(Unread::NoKey)?;
    let second_dot = text.match_indices('.').nth(1).map(|(at, _)| at);
    let parts = second_dot.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)));
    parts.map(Some).ok_or(Unread::NoKey)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_read_after_its_id() {
        let headers = |pairs: &[(HeaderName, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
        };
        assert_eq!(read(&headers(&[])), Ok(None));
        let one = |text: &'static str| headers(&[(API_KEY, text)]);
        assert_eq!(read(&one("k7m2qd.lab.hlm_ak_x")), Ok(Some(("k7m2qd.lab", "hlm_ak_x"))));
        assert_eq!(read(&one("k7m2qd.lab.a.b")), Ok(Some(("k7m2qd.lab", "a.b"))));
        for text in ["", "hlm_ak_x", "k7m2qd.lab"] {
            assert_eq!(read(&one(text)), Err(Unread::NoKey), "{text}");
        }
        let both = headers(&[(API_KEY, "a.b.c"), (header::AUTHORIZATION, "Bearer x")]);
        assert!(matches!(read(&both), Err(Unread::Many(_))));
        let mut twice = one("a.b.c");
        twice.append(API_KEY, HeaderValue::from_static("a.b.c"));
        assert!(matches!(read(&twice), Err(Unread::Many(_))));
    }
}
