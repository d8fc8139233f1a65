//! A client says who it is, once, to this server: client assertions.  RFC 7523 §3, OpenID Connect Core §9
//!
//! SMART wants the token endpoint as audience, FAPI 2.0 the issuer as one text, UDAP the token endpoint; so what is
//! accepted comes with the call, out of the client's security profile. That an assertion is used once is the caller's
//! to see to, with the `jti` that is always there.

use std::time::Duration;

use kernel::Timestamp;
use serde_json::{Map, Value};

use super::{
    Algorithm, Claims, JoseError, Jwks, MacAlgorithm, MacKey, TOKEN_ID_BYTES_MAX, Typ,
    compact::Compact,
    verify::{Times, audience, text},
};

/// What draft-ietf-oauth-rfc7523bis asks for; everybody else sends `JWT` or nothing.
const TYP: Typ = Typ::JwtOrNoneOr("client-authentication+jwt");

/// How the audience may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudienceForm {
    /// As one text: FAPI 2.0 refuses lists, even of one.
    OneText,
    /// As one text or a list.
    TextOrList,
}

/// What an assertion must be to be good.
#[derive(Debug, Clone, Copy)]
pub struct ExpectAssertion<'a> {
    /// The client, which is issuer and subject both, character by character.
    pub client: &'a str,
    /// What it may be meant for: one of these is enough.
    pub audiences: &'a [&'a str],
    /// How the audience may be written.
    pub audience_form: AudienceForm,
    /// The address of the keys that the client registered: the only one that a `jku` in the header may repeat.
    pub jku: Option<&'a str>,
    /// How long it may live, in seconds: from its `iat`, and from now.
    pub life_max_s: u32,
    /// The present.
    pub now: Timestamp,
    /// How far apart the clocks may be, in seconds: [`LEEWAY_S`](super::LEEWAY_S).
    pub leeway_s: u32,
}

/// Reads an assertion that must be signed with a key of the client's (`private_key_jwt`).
///
/// # Errors
/// The first reason why it is not good.
pub fn verify_assertion(
    token: &str,
    keys: &Jwks,
    algs: &[Algorithm],
    expect: &ExpectAssertion<'_>,
) -> Result<Claims, JoseError> {
    let compact = Compact::read(token)?;
    compact.check_key_of(keys, algs, TYP, expect.jku)?;
    check(compact.claims()?, expect)
}

/// Reads an assertion that must be made with the client's secret (`client_secret_jwt`).
///
/// # Errors
/// The first reason why it is not good.
pub fn verify_mac_assertion(
    token: &str,
    key: &MacKey,
    algs: &[MacAlgorithm],
    expect: &ExpectAssertion<'_>,
) -> Result<Claims, JoseError> {
    let compact = Compact::read(token)?;
    let named = compact.header.get("alg").and_then(Value::as_str).and_then(MacAlgorithm::parse);
    let algorithm = named.filter(|algorithm| algs.contains(algorithm)).ok_or(JoseError::Algorithm)?;
    compact.check_header(TYP, None)?;
    key.check(algorithm, compact.signed.as_bytes(), &compact.signature()?)?;
    check(compact.claims()?, expect)
}

pub(super) fn check(all: Map<String, Value>, expect: &ExpectAssertion<'_>) -> Result<Claims, JoseError> {
    let audience = audience(&all)?;
    if expect.audience_form == AudienceForm::OneText && !all.get("aud").is_some_and(Value::is_string) {
        return Err(JoseError::Audience);
    }
    if !audience.iter().any(|one| expect.audiences.contains(&one.as_str())) {
        return Err(JoseError::Audience);
    }
    Ok(Claims { audience, ..check_unaddressed(all, expect)? })
}

/// Everything but for whom it is meant.
pub(super) fn check_unaddressed(
    all: Map<String, Value>,
    expect: &ExpectAssertion<'_>,
) -> Result<Claims, JoseError> {
    let times = Times::read(&all)?;
    let issuer = text(&all, "iss")?.ok_or(JoseError::Claim("iss"))?;
    let subject = text(&all, "sub")?.ok_or(JoseError::Claim("sub"))?;
    let token_id = once(&all)?;
    if issuer != expect.client || subject != expect.client {
        return Err(JoseError::Issuer);
    }
    times.check(expect.now, expect.leeway_s)?;
    let life_max = Duration::from_secs(u64::from(expect.life_max_s) + u64::from(expect.leeway_s));
    if times.issued_at.into_iter().chain([expect.now]).any(|start| times.expires_at > start + life_max) {
        return Err(JoseError::LivesTooLong);
    }
    let Times { expires_at, issued_at, .. } = times;
    Ok(Claims { subject, audience: Vec::new(), expires_at, issued_at, token_id: Some(token_id), all })
}

/// The `jti` of what may be used once.
pub(super) fn once(claims: &Map<String, Value>) -> Result<String, JoseError> {
    text(claims, "jti")?
        .filter(|id| (1..=TOKEN_ID_BYTES_MAX).contains(&id.len()))
        .ok_or(JoseError::Claim("jti"))
}
