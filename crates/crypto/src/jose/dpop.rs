//! Proof that a sender holds a key, which the proof itself shows.  RFC 9449 §4.2, §4.3
//!
//! The key in the header proves nothing about who somebody is: it only ties a token to whoever holds the key. Whether
//! method, address, time and nonce are the right ones, and whether the proof is new, the caller judges.

use kernel::Timestamp;

use super::{
    Algorithm, JoseError, Jwk, Jwks, Typ,
    assertion::once,
    compact::Compact,
    verify::{instant, text},
};

/// What private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1): who shows it has no key any more.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof whose signature is good for the key that it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpopProof {
    /// The SHA-256 thumbprint of the key (RFC 7638): `jkt`.
    pub thumbprint: String,
    /// Its id (`jti`), which is used once.
    pub token_id: String,
    /// The method of the request (`htm`).
    pub method: String,
    /// The address of the request (`htu`), as the sender wrote it.
    pub uri: String,
    /// When it was made (`iat`).
    pub issued_at: Timestamp,
    /// The hash of the access token that it comes with (`ath`).
    pub access_token_hash: Option<String>,
    /// What the server gave the sender to put in (`nonce`).
    pub nonce: Option<String>,
}

impl DpopProof {
    /// Reads a proof.
    ///
    /// # Errors
    /// The first reason why it is none.
    pub fn read(token: &str, algs: &[Algorithm]) -> Result<Self, JoseError> {
        let compact = Compact::read(token)?;
        compact.check_header(Typ::Exactly("dpop+jwt"), Some("jwk"))?;
        let algorithm = compact.algorithm(algs)?;
        let shown =
            compact.header.get("jwk").filter(|jwk| jwk.is_object()).ok_or(JoseError::Header("jwk"))?;
        if PRIVATE_MEMBERS.iter().any(|name| shown.get(name).is_some()) {
            return Err(JoseError::Header("jwk"));
        }
        let jwk: Jwk = serde_json::from_value(shown.clone()).map_err(|_| JoseError::Header("jwk"))?;
        let thumbprint = jwk.thumbprint().ok_or(JoseError::Header("jwk"))?;
        Jwks::new([jwk]).check(None, algorithm, compact.signed.as_bytes(), &compact.signature()?)?;

        let claims = compact.claims()?;
        let needed = |name| text(&claims, name)?.ok_or(JoseError::Claim(name));
        Ok(Self {
            thumbprint,
            token_id: once(&claims)?,
            method: needed("htm")?,
            uri: needed("htu")?,
            issued_at: instant(&claims, "iat")?.ok_or(JoseError::Claim("iat"))?,
            access_token_hash: text(&claims, "ath")?,
            nonce: text(&claims, "nonce")?,
        })
    }
}
