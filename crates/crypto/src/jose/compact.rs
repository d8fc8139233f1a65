//! The three parts of a signed token, and what its header may say.  RFC 7515 §3.1, §4.1, RFC 8725 §3.11

use serde_json::{Map, Value};

use super::{Algorithm, JoseError, Jwks, TOKEN_BYTES_MAX, strict_json};
use crate::b64;

/// Header members that point at keys, change what is signed, or say that a token is inside (RFC 7519 §5.2).
const HEADER_REFUSED: [&str; 9] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "cty"];

/// The type that a token must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typ {
    /// This one, as `application/…` too: `at+jwt` (RFC 9068 §2.1).
    Exactly(&'static str),
    /// `JWT` or none: id tokens and software statements, whose specifications are older than the advice to say more.
    JwtOrNone,
    /// `JWT`, none, or this one, which newer editions ask for.
    JwtOrNoneOr(&'static str),
}

impl Typ {
    fn fits(self, typ: Option<&str>) -> bool {
        let is_plain = typ.is_none_or(|typ| typ == "jwt");
        let is = |wanted: &str| typ.is_some_and(|typ| wanted.eq_ignore_ascii_case(typ));
        match self {
            Self::Exactly(wanted) => is(wanted),
            Self::JwtOrNone => is_plain,
            Self::JwtOrNoneOr(wanted) => is_plain || is(wanted),
        }
    }
}

/// A token taken apart. Nothing about it is judged yet but its form.
pub(super) struct Compact<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) signed: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, JoseError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(JoseError::TooLong);
        }
        let (signed, _) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
        // Split from the left: a fourth part stays with the signature, which is then no base64url.
        let (header, rest) = token.split_once('.').ok_or(JoseError::Malformed)?;
        let (claims, signature) = rest.split_once('.').ok_or(JoseError::Malformed)?;
        Ok(Self { header: part(header)?, signed, claims, signature })
    }

    /// Type, header and signature by the key of the set that the header names. `jku` is the address that the owner of
    /// the keys registered: a header may repeat it (SMART App Launch, asymmetric authentication), and no other.
    pub(super) fn check_key_of(
        &self,
        keys: &Jwks,
        algs: &[Algorithm],
        typ: Typ,
        jku: Option<&str>,
    ) -> Result<(), JoseError> {
        let algorithm = self.algorithm(algs)?;
        let repeats = jku.is_some_and(|jku| self.header.get("jku").and_then(Value::as_str) == Some(jku));
        self.check_header(typ, repeats.then_some("jku"))?;
        let kid = match self.header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.as_str()),
            Some(_) => return Err(JoseError::Header("kid")),
        };
        keys.check(kid, algorithm, self.signed.as_bytes(), &self.signature()?)
    }

    pub(super) fn algorithm(&self, accepted: &[Algorithm]) -> Result<Algorithm, JoseError> {
        let named = self.header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
        named.filter(|algorithm| accepted.contains(algorithm)).ok_or(JoseError::Algorithm)
    }

    /// The header has the type and none of the members that are refused, but for the one that this kind of token has.
    pub(super) fn check_header(&self, typ: Typ, its_own: Option<&str>) -> Result<(), JoseError> {
        let mut refused = HEADER_REFUSED.into_iter().filter(|name| Some(*name) != its_own);
        if let Some(refused) = refused.find(|name| self.header.contains_key(*name)) {
            return Err(JoseError::Header(refused));
        }
        let named = match self.header.get("typ") {
            None => None,
            Some(Value::String(typ)) => Some(typ.to_ascii_lowercase()),
            Some(_) => return Err(JoseError::Type),
        };
        let named = named.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        if typ.fits(named) { Ok(()) } else { Err(JoseError::Type) }
    }

    pub(super) fn signature(&self) -> Result<Vec<u8>, JoseError> {
        b64::decode(self.signature).map_err(|_| JoseError::Malformed)
    }

    /// To be called once the signature is known to be good.
    pub(super) fn claims(&self) -> Result<Map<String, Value>, JoseError> {
        part(self.claims)
    }
}

fn part(text: &str) -> Result<Map<String, Value>, JoseError> {
    let bytes = b64::decode(text).map_err(|_| JoseError::Malformed)?;
    strict_json::object(&bytes).ok_or(JoseError::Malformed)
}
