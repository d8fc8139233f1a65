//! Sealing, signing, hashing. No other crate names a crypto library.
//!
//! Everything here works on bytes that are handed in: no database, no network, no configuration. Chance comes from
//! [`kernel::World`], except for asymmetric keys and ECDSA signatures, whose library draws from the system itself.

pub mod aead;
pub mod b64;
mod entropy;
mod hash;
pub mod jose;
pub mod passkey;
pub mod password;
pub mod pkce;
pub mod token;
pub mod totp;
pub mod webhook;
pub mod x509;

pub use aead::{AeadKey, Unopenable};
pub use entropy::SystemEntropy;
pub use hash::{
    constant_time_eq, hkdf_sha256, hmac_sha256, hmac_sha256_bytes, hmac_sha256_text, keyed_digest, sha1,
    sha256, sha512,
};

/// The value of an operation that has no way to fail on what it is given here (HKDF of a few blocks, AES-GCM far
/// below its limit of 64 GiB). Were one to fail all the same, there would be no key, no seal or no chance to go on
/// with: the process ends instead of writing something unprotected.
fn certain<T, E>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(_) => std::process::abort(),
    }
}
