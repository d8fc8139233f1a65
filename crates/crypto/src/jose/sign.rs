//! Keys that sign, and signing.  RFC 7515 §5.1

use aws_lc_rs::{
    encoding::AsDer,
    pkcs8::Document,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents},
};
use kernel::Secret;
use serde::Serialize;

use super::{Algorithm, JoseError, Jwk};
use crate::b64;

/// RSA keys that are made here have this many bits.
const RSA_SIZE: KeySize = KeySize::Rsa3072;

/// A key pair for one algorithm, parsed once. Making one is slow for RSA (about a second): not on a request's path.
pub struct SigningKey {
    algorithm: Algorithm,
    pair: Pair,
    jwk: Jwk,
    kid: String,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key pair. Its chance comes from the operating system.
    ///
    /// # Errors
    /// `Key` when the library cannot make one.
    pub fn generate(algorithm: Algorithm) -> Result<Self, JoseError> {
        let failed = |_| JoseError::Key("it cannot be generated");
        let pair = match algorithm {
            Algorithm::Es256 => Pair::Ecdsa(
                EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?,
            ),
            Algorithm::Es384 => Pair::Ecdsa(
                EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).map_err(failed)?,
            ),
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => {
                Pair::Rsa(RsaKeyPair::generate(RSA_SIZE).map_err(failed)?)
            }
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
        };
        Self::of(algorithm, pair)
    }

    /// Reads a private key in PKCS#8 (RFC 5208, RFC 5958), DER.
    ///
    /// # Errors
    /// `Key` when it is not a private key for this algorithm; RSA keys below 2048 bits are not taken.
    pub fn from_pkcs8(algorithm: Algorithm, der: &Secret<Vec<u8>>) -> Result<Self, JoseError> {
        let der = der.expose();
        let refused = |_| JoseError::Key("not a PKCS#8 private key for this algorithm");
        let pair = match algorithm {
            Algorithm::Es256 => Pair::Ecdsa(
                EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map_err(refused)?,
            ),
            Algorithm::Es384 => Pair::Ecdsa(
                EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, der)
                    .map_err(refused)?,
            ),
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => {
                Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(refused)?)
            }
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(refused)?),
        };
        Self::of(algorithm, pair)
    }

    /// The private key in PKCS#8, DER: to be sealed and stored.
    ///
    /// # Errors
    /// `Key` when the library cannot write it.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, JoseError> {
        let failed = |_| JoseError::Key("it cannot be written");
        let copied = |document: Document| Secret::new(document.as_ref().to_vec());
        match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(copied).map_err(failed),
            Pair::Ed25519(pair) => pair.to_pkcs8().map(copied).map_err(failed),
            Pair::Rsa(pair) => pair.as_der().map(|der| Secret::new(der.as_ref().to_vec())).map_err(failed),
        }
    }

    /// The same key under the name that somebody else gave it (a provider that wants its own `kid`).
    #[must_use]
    pub fn named(mut self, kid: &str) -> Self {
        kid.clone_into(&mut self.kid);
        self.jwk.kid = Some(kid.to_owned());
        self
    }

    /// What its tokens call it: the thumbprint of its public key (RFC 7638), unless it was [`named`](Self::named).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half, as it is published.
    pub const fn public_jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Signs the claims into a compact JWS whose header is `alg`, `kid` and `typ` (`at+jwt`, `JWT`).
    ///
    /// # Errors
    /// `Claims` when they are no JSON object; `Key` when the library cannot sign.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: Algorithm,
            kid: &'a str,
            typ: &'a str,
        }
        let claims = serde_json::to_vec(claims).map_err(|_| JoseError::Claims)?;
        if !claims.starts_with(b"{") {
            return Err(JoseError::Claims);
        }
        let header = serde_json::to_vec(&Header { alg: self.algorithm, kid: &self.kid, typ });
        let mut token = b64::encode(header.map_err(|_| JoseError::Claims)?);
        token.push('.');
        token.push_str(&b64::encode(&claims));
        let signature = self.signature_of(token.as_bytes())?;
        token.push('.');
        token.push_str(&b64::encode(signature));
        Ok(token)
    }

    fn signature_of(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let failed = |_| JoseError::Key("it cannot sign");
        match &self.pair {
            Pair::Ecdsa(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|bytes| bytes.as_ref().to_vec()).map_err(failed)
            }
            Pair::Ed25519(pair) => {
                pair.try_sign(message).map(|bytes| bytes.as_ref().to_vec()).map_err(failed)
            }
            Pair::Rsa(pair) => {
                let padding = match self.algorithm {
                    Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut bytes).map_err(failed)?;
                Ok(bytes)
            }
        }
    }

    fn of(algorithm: Algorithm, pair: Pair) -> Result<Self, JoseError> {
        let jwk = match (&pair, algorithm) {
            (Pair::Ecdsa(pair), Algorithm::Es384) => Jwk::ec(algorithm, "P-384", pair.public_key().as_ref()),
            (Pair::Ecdsa(pair), _) => Jwk::ec(algorithm, "P-256", pair.public_key().as_ref()),
            (Pair::Ed25519(pair), _) => Some(Jwk::ed25519(algorithm, pair.public_key().as_ref())),
            (Pair::Rsa(pair), _) => {
                let RsaPublicKeyComponents { n, e } =
                    RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                Some(Jwk::rsa(algorithm, &n, &e))
            }
        };
        let thumbprint = |jwk: Jwk| Some((jwk.thumbprint()?, jwk));
        let (kid, mut jwk) =
            jwk.and_then(thumbprint).ok_or(JoseError::Key("its public half cannot be written"))?;
        jwk.kid = Some(kid.clone());
        Ok(Self { algorithm, pair, jwk, kid })
    }
}
