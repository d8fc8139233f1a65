//! Shared secrets that make and check message authentication codes.  RFC 7518 §3.2

use aws_lc_rs::hmac;
use kernel::Secret;
use zeroize::Zeroizing;

use super::JoseError;

/// A code of a shared secret, by its registered name. No [`Algorithm`](super::Algorithm) is one of these: a public key
/// can never be taken for a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MacAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl MacAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// The algorithm of exactly this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// The shortest secret: as long as the hash (RFC 7518 §3.2).
    const fn key_bytes_min(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }

    const fn of_the_library(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }
}

/// A shared secret. It can only be made of one, and is good for nothing but codes.
pub struct MacKey(Zeroizing<Vec<u8>>);

impl MacKey {
    /// The octets of a client's secret (OpenID Connect Core §10.1).
    pub fn new(secret: &Secret<String>) -> Self {
        Self(Zeroizing::new(secret.expose().as_bytes().to_vec()))
    }

    pub(super) fn check(
        &self,
        algorithm: MacAlgorithm,
        message: &[u8],
        code: &[u8],
    ) -> Result<(), JoseError> {
        if self.0.len() < algorithm.key_bytes_min() {
            return Err(JoseError::Algorithm);
        }
        let key = hmac::Key::new(algorithm.of_the_library(), &self.0);
        hmac::verify(&key, message, code).map_err(|_| JoseError::Signature)
    }
}
