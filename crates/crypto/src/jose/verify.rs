//! Is this token good?  RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725 §3

use std::time::Duration;

use kernel::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{AUDIENCES_MAX, Algorithm, JoseError, Jwks, Typ, compact::Compact};

/// The end of the year 9999: no later instant is a `NumericDate` that anyone means.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// What a token must be to be good.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The issuer, character by character.
    pub issuer: &'a str,
    /// One of its audiences, character by character.
    pub audience: &'a str,
    /// Its type.
    pub typ: Typ,
    /// The algorithms that are taken here. Which of them a key is for, the key says.
    pub algs: &'a [Algorithm],
    /// The present.
    pub now: Timestamp,
    /// How far apart the clocks may be, in seconds: [`LEEWAY_S`](super::LEEWAY_S).
    pub leeway_s: u32,
}

/// What a good token says. `iss`, `aud`, `sub` and `exp` were there and of the right type.
#[derive(Clone)]
pub struct Claims {
    /// Who it is about (`sub`).
    pub subject: String,
    /// All it is meant for (`aud`). Whoever reads id tokens has to look at `azp` where there is more than one.
    pub audience: Vec<String>,
    /// When it ends (`exp`), rounded down to the microsecond.
    pub expires_at: Timestamp,
    /// When it was issued (`iat`).
    pub issued_at: Option<Timestamp>,
    /// Its id (`jti`).
    pub token_id: Option<String>,
    /// Everything it says, the above included.
    pub all: Map<String, Value>,
}

impl Claims {
    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.as_str()
    }

    /// All claims as a type of the caller's.
    ///
    /// # Errors
    /// `Claim` when they do not have its shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        T::deserialize(&self.all).map_err(|_| JoseError::Claim("(one of them)"))
    }
}

/// Reads a token that must be good: signature, type, issuer, audience, times.
///
/// # Errors
/// The first reason why it is not.
pub fn verify(token: &str, keys: &Jwks, expect: &Expect<'_>) -> Result<Claims, JoseError> {
    check_claims(verify_signature(token, keys, expect.algs, expect.typ)?, expect)
}

/// Reads what somebody signed, whose claims follow rules of their own: request objects (RFC 9101), hints of former id
/// tokens, logout tokens. Nothing but type and signature is judged here; the caller judges every claim.
///
/// # Errors
/// Why type or signature are not good.
pub fn verify_signature(
    token: &str,
    keys: &Jwks,
    algs: &[Algorithm],
    typ: Typ,
) -> Result<Map<String, Value>, JoseError> {
    let compact = Compact::read(token)?;
    compact.check_key_of(keys, algs, typ, None)?;
    compact.claims()
}

pub(super) fn check_claims(all: Map<String, Value>, expect: &Expect<'_>) -> Result<Claims, JoseError> {
    let times = Times::read(&all)?;
    let issuer = text(&all, "iss")?.ok_or(JoseError::Claim("iss"))?;
    let subject = text(&all, "sub")?.filter(|sub| !sub.is_empty()).ok_or(JoseError::Claim("sub"))?;
    let token_id = text(&all, "jti")?;
    let audience = audience(&all)?;

    if issuer != expect.issuer {
        return Err(JoseError::Issuer);
    }
    if !audience.iter().any(|one| one == expect.audience) {
        return Err(JoseError::Audience);
    }
    times.check(expect.now, expect.leeway_s)?;
    let Times { expires_at, issued_at, .. } = times;
    Ok(Claims { subject, audience, expires_at, issued_at, token_id, all })
}

/// From when to when. `exp` is always there.
pub(super) struct Times {
    pub(super) expires_at: Timestamp,
    pub(super) issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
}

impl Times {
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, JoseError> {
        Ok(Self {
            expires_at: instant(claims, "exp")?.ok_or(JoseError::Claim("exp"))?,
            issued_at: instant(claims, "iat")?,
            not_before: instant(claims, "nbf")?,
        })
    }

    pub(super) fn check(&self, now: Timestamp, leeway_s: u32) -> Result<(), JoseError> {
        let leeway = Duration::from_secs(leeway_s.into());
        if now >= self.expires_at + leeway {
            return Err(JoseError::Expired);
        }
        if self.not_before.into_iter().chain(self.issued_at).any(|start| start > now + leeway) {
            return Err(JoseError::NotYet);
        }
        Ok(())
    }
}

pub(super) fn text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, JoseError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JoseError::Claim(name)),
    }
}

/// A `NumericDate`: seconds since the epoch, a fraction allowed (RFC 7519 §2).
pub(super) fn instant(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, JoseError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|s| (0.0..=SECONDS_MAX).contains(s)).ok_or(JoseError::Claim(name))?;
    match value.as_i64() {
        Some(whole) => Ok(Some(Timestamp::from_seconds(whole))),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range was checked, and the fraction goes on purpose"
        )]
        None => Ok(Some(Timestamp::from_micros((seconds * 1e6) as i64))),
    }
}

/// One text or a list of texts (RFC 7519 §4.1.3).
pub(super) fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, JoseError> {
    let malformed = JoseError::Claim("aud");
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(list)) if list.len() <= AUDIENCES_MAX => {
            list.iter().map(|one| one.as_str().map(str::to_owned).ok_or(malformed)).collect()
        }
        _ => Err(malformed),
    }
}
