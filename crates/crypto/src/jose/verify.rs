//! Is this token good?  RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725 §3

use kernel::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{AUDIENCES_MAX, Algorithm, JoseError, Jwks, TOKEN_BYTES_MAX, strict_json};
use crate::b64;

/// The end of the year 9999: no later instant is a `NumericDate` that anyone means.
const SECONDS_MAX: f64 = 253_402_300_799.0;

/// Header members that point at keys or change what is signed. Nobody whose tokens are read here needs them.
const HEADER_REFUSED: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip"];

/// The type that a token must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typ {
    /// This one, as `application/…` too: `at+jwt` (RFC 9068 §2.1).
    Exactly(&'static str),
    /// `JWT` or none: id tokens and client assertions, whose specifications are older than the advice to say more.
    JwtOrNone,
}

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
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JoseError::TooLong);
    }
    let (signed, _) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
    // Split from the left: a fourth part stays with the signature, which is then no base64url.
    let (header, rest) = token.split_once('.').ok_or(JoseError::Malformed)?;
    let (claims, signature) = rest.split_once('.').ok_or(JoseError::Malformed)?;
    let header = part(header)?;
    let algorithm = algorithm_of(&header, expect)?;
    check_header(&header, expect.typ)?;
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.as_str()),
        Some(_) => return Err(JoseError::Header("kid")),
    };
    let signature = b64::decode(signature).map_err(|_| JoseError::Malformed)?;
    keys.check(kid, algorithm, signed.as_bytes(), &signature)?;
    check_claims(part(claims)?, expect)
}

fn part(text: &str) -> Result<Map<String, Value>, JoseError> {
    let bytes = b64::decode(text).map_err(|_| JoseError::Malformed)?;
    strict_json::object(&bytes).ok_or(JoseError::Malformed)
}

fn algorithm_of(header: &Map<String, Value>, expect: &Expect<'_>) -> Result<Algorithm, JoseError> {
    let named = header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
    named.filter(|algorithm| expect.algs.contains(algorithm)).ok_or(JoseError::Algorithm)
}

fn check_header(header: &Map<String, Value>, expected: Typ) -> Result<(), JoseError> {
    if let Some(refused) = HEADER_REFUSED.into_iter().find(|name| header.contains_key(*name)) {
        return Err(JoseError::Header(refused));
    }
    if header.contains_key("cty") {
        // A token inside a token (RFC 7519 §5.2).
        return Err(JoseError::Header("cty"));
    }
    let typ = match header.get("typ") {
        None => None,
        Some(Value::String(typ)) => Some(typ.to_ascii_lowercase()),
        Some(_) => return Err(JoseError::Type),
    };
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    let fits = match (expected, typ) {
        (Typ::Exactly(wanted), Some(typ)) => wanted.eq_ignore_ascii_case(typ),
        (Typ::Exactly(_), None) => false,
        (Typ::JwtOrNone, typ) => typ.is_none_or(|typ| typ == "jwt"),
    };
    if fits { Ok(()) } else { Err(JoseError::Type) }
}

fn check_claims(all: Map<String, Value>, expect: &Expect<'_>) -> Result<Claims, JoseError> {
    let leeway = std::time::Duration::from_secs(u64::from(expect.leeway_s));
    let expires_at = instant(&all, "exp")?.ok_or(JoseError::Claim("exp"))?;
    let not_before = instant(&all, "nbf")?;
    let issued_at = instant(&all, "iat")?;
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
    if expect.now >= expires_at + leeway {
        return Err(JoseError::Expired);
    }
    if not_before.into_iter().chain(issued_at).any(|start| start > expect.now + leeway) {
        return Err(JoseError::NotYet);
    }
    Ok(Claims { subject, audience, expires_at, issued_at, token_id, all })
}

fn text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, JoseError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JoseError::Claim(name)),
    }
}

/// A `NumericDate`: seconds since the epoch, a fraction allowed (RFC 7519 §2).
fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, JoseError> {
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
fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, JoseError> {
    let malformed = JoseError::Claim("aud");
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(list)) if list.len() <= AUDIENCES_MAX => {
            list.iter().map(|one| one.as_str().map(str::to_owned).ok_or(malformed)).collect()
        }
        _ => Err(malformed),
    }
}
