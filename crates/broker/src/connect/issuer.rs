//! Whether the answer comes from whom the question went to.  RFC 9207 §2.4, OpenID Connect Core §3.1.3.7

use kernel::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::provider::{OAuth2Code, Settings};

/// How far apart two clocks may be, seconds.
const LEEWAY_S: i64 = 60;
/// The longest ID token that is looked at.
const ID_TOKEN_BYTES_MAX: usize = 32 * 1024;

/// The answer names another issuer, or an ID token that was not made for this journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not from the issuer that was asked, or not for this journey")]
pub(super) struct MixedUp;

/// Compare the `iss` of a callback. An issuer that the catalogue does not know must at least be at home where the
/// authorization or the token endpoint is.
pub(super) fn check_issuer(code: &OAuth2Code, settings: &Settings, iss: Option<&str>) -> Result<(), MixedUp> {
    let Some(iss) = iss else { return Ok(()) };
    let known = code.issuer.as_ref().and_then(|issuer| issuer.fill(settings).ok());
    let same = |a: &str, b: &str| a.trim_end_matches('/') == b.trim_end_matches('/');
    let matches = match known {
        Some(known) => same(known.as_str(), iss),
        None => {
            let endpoints = [&code.authorize_url, &code.token_url];
            let home = |url: &Url| Url::parse(iss).is_ok_and(|iss| iss.origin() == url.origin());
            endpoints.into_iter().filter_map(|url| url.fill(settings).ok()).any(|url| home(&url))
        }
    };
    if matches { Ok(()) } else { Err(MixedUp) }
}

#[derive(Deserialize)]
struct IdClaims {
    iss: Option<String>,
    aud: Audience,
    nonce: Option<String>,
    exp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Check an ID token's claims. It came straight from the token endpoint over TLS, which stands in for checking its
/// signature (OpenID Connect Core §3.1.3.7, item 6).
pub(super) fn check_id_token(
    id_token: &str,
    client_id: &str,
    nonce: &str,
    issuer: Option<&str>,
    now: Timestamp,
) -> Result<(), MixedUp> {
    let claims = claims_of(id_token).ok_or(MixedUp)?;
    let for_us = match &claims.aud {
        Audience::One(one) => one == client_id,
        Audience::Many(many) => many.iter().any(|one| one == client_id),
    };
    let same_nonce =
        claims.nonce.is_some_and(|found| crypto::constant_time_eq(found.as_bytes(), nonce.as_bytes()));
    let same_issuer = match (issuer, &claims.iss) {
        (Some(known), Some(found)) => known.trim_end_matches('/') == found.trim_end_matches('/'),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let in_time = claims.exp.is_some_and(|exp| exp.saturating_add(LEEWAY_S) > now.as_seconds());
    if for_us && same_nonce && same_issuer && in_time { Ok(()) } else { Err(MixedUp) }
}

fn claims_of(id_token: &str) -> Option<IdClaims> {
    if id_token.len() > ID_TOKEN_BYTES_MAX {
        return None;
    }
    let payload = id_token.split('.').nth(1)?;
    serde_json::from_slice(&crypto::b64::decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_token_is_for_this_client_and_this_journey() {
        let token = |claims: &str| format!("e30.{}.x", crypto::b64::encode(claims));
        let good = r#"{"iss":"https://op.example","aud":["a","us"],"nonce":"n","exp":100}"#;
        let check = |claims: &str, nonce: &str, now: i64| {
            check_id_token(
                &token(claims),
                "us",
                nonce,
                Some("https://op.example/"),
                Timestamp::from_seconds(now),
            )
            .is_ok()
        };
        assert!(check(good, "n", 99));
        assert!(check(good, "n", 159));
        assert!(!check(good, "n", 160));
        assert!(!check(good, "other", 99));
        for bad in [
            r#"{"iss":"https://evil.example","aud":"us","nonce":"n","exp":100}"#,
            r#"{"aud":"us","nonce":"n","exp":100}"#,
            r#"{"iss":"https://op.example","aud":"them","nonce":"n","exp":100}"#,
            r#"{"iss":"https://op.example","aud":"us","exp":100}"#,
            r#"{"iss":"https://op.example","aud":"us","nonce":"n"}"#,
            r#"{"iss":"https://op.example","aud":"us","nonce":"n","exp":"100"}"#,
            "[]",
        ] {
            assert!(!check(bad, "n", 99), "{bad}");
        }
        assert!(check_id_token("junk", "us", "n", None, Timestamp::from_seconds(0)).is_err());
    }
}
