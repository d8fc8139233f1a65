//! Signed tokens: JWS compact, JWT, JWK.  RFC 7515, RFC 7517, RFC 7519, RFC 8725
//!
//! The key decides the algorithm, never the token. Keys come from a [`Jwks`] that the caller holds; nothing in a
//! token is ever followed. A key inside a token counts for the two kinds that are made that way, each with a reader
//! of its own: proofs of possession ([`DpopProof`]) and statements under a certificate ([`Chained`]). A shared secret
//! is a type of its own ([`MacKey`]), which no public key can become.

mod assertion;
mod chained;
mod compact;
mod dpop;
mod jwk;
mod mac;
mod sign;
mod strict_json;
mod verify;

use std::borrow::Cow;

use aws_lc_rs::digest;
use kernel::{Fault, Kind};
use serde::{Deserialize, Serialize};

use crate::b64;

pub use assertion::{AudienceForm, ExpectAssertion, verify_assertion, verify_mac_assertion};
pub use chained::{Chained, ChainedFault};
pub use compact::Typ;
pub use dpop::DpopProof;
pub use jwk::{Jwk, Jwks};
pub use mac::{MacAlgorithm, MacKey};
pub use sign::SigningKey;
pub use verify::{Claims, Expect, verify, verify_signature};

/// The longest token that is read, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The longest key set that is read, in bytes.
pub const JWKS_BYTES_MAX: usize = 256 * 1024;
/// How many keys of a set are looked at.
pub const JWKS_KEYS_MAX: usize = 64;
/// How many audiences a token may name.
pub const AUDIENCES_MAX: usize = 16;
/// The longest id (`jti`) of what may be used once, in bytes.
pub const TOKEN_ID_BYTES_MAX: usize = 512;
/// How many certificates a header may bring (`x5c`).
pub const CHAIN_CERTIFICATES_MAX: usize = 8;
/// How far apart two clocks may be, in seconds.
pub const LEEWAY_S: u32 = 10;

/// A signature algorithm, by its registered name.  RFC 7518 §3.1, RFC 8037 §3.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: what Hilum signs with.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384: asked for by SMART Backend Services.
    #[serde(rename = "ES384")]
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384: asked for by SMART Backend Services.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512: asked for by the NHS.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256: FAPI 2.0.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Es256,
        Self::Es384,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::EdDsa,
    ];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The left half of the text's hash, in base64url, with the hash that goes with the algorithm: `at_hash`, `c_hash`.
    /// Ed25519 hashes with SHA-512.  OpenID Connect Core §3.1.3.6
    pub fn half_hash(self, text: &str) -> String {
        let hash = match self {
            Self::Es256 | Self::Rs256 | Self::Ps256 => &digest::SHA256,
            Self::Es384 | Self::Rs384 | Self::Ps384 => &digest::SHA384,
            Self::Rs512 | Self::Ps512 | Self::EdDsa => &digest::SHA512,
        };
        let hashed = digest::digest(hash, text.as_bytes());
        let (left, _) = hashed.as_ref().split_at(hashed.as_ref().len() / 2);
        b64::encode(left)
    }

    /// The algorithm of exactly this name: names are case-sensitive, and `none` and the `HS…` family are not offered.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// Why a token or a key is not accepted. For the operator; a caller only learns that the token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// Longer than anything that is read.
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// Not three parts of base64url around JSON objects without repeated members.
    #[error("the token is not a signed JWT in compact form")]
    Malformed,
    /// The header's algorithm is unknown, not expected here, or not the key's.
    #[error("the token's algorithm is not accepted here")]
    Algorithm,
    /// The header has a member that is not accepted.
    #[error("the token's header member {0} is not accepted")]
    Header(&'static str),
    /// The header's type is another one than expected.
    #[error("the token's type is not the expected one")]
    Type,
    /// No key of the set fits. Fetching the set again may help.
    #[error("no key for this token")]
    UnknownKey,
    /// The signature is not good.
    #[error("the token's signature is not good")]
    Signature,
    /// A claim is missing or of the wrong JSON type.
    #[error("the token's claim {0} is missing or malformed")]
    Claim(&'static str),
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It lives longer than is accepted here.
    #[error("the token lives longer than is accepted here")]
    LivesTooLong,
    /// Its time has not come, or it was issued in the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// Somebody else issued it.
    #[error("the token's issuer is not the expected one")]
    Issuer,
    /// It is meant for somebody else.
    #[error("the token's audience is not the expected one")]
    Audience,
    /// A key cannot be read, made or used.
    #[error("the key cannot be used: {0}")]
    Key(&'static str),
    /// What was to be signed is no JSON object.
    #[error("the claims cannot be written as JSON")]
    Claims,
}

impl Fault for JoseError {
    fn kind(&self) -> Kind {
        match self {
            Self::Key(_) | Self::Claims => Kind::Internal,
            _ => Kind::Unauthenticated,
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Key(_) | Self::Claims => "internal error".into(),
            Self::Expired => "the token has expired".into(),
            _ => "the token is not valid".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "abc" begins ba7816bf 8f01cfea 414140de 5dae2223; of the others half as many bytes go in (FIPS 180-4).
    #[test]
    fn half_of_the_hash_goes_in() {
        let left =
            [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23];
        assert_eq!(Algorithm::Rs256.half_hash("abc"), b64::encode(left));
        for (algorithm, bytes) in [(Algorithm::Es256, 16), (Algorithm::Es384, 24), (Algorithm::EdDsa, 32)] {
            assert_eq!(b64::decode(algorithm.half_hash("abc")).unwrap().len(), bytes);
        }
    }
}
