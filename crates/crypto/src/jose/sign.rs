//! Keys that sign, and signing.  RFC 7515 §5.1

use aws_lc_rs::{
    encoding::AsDer,
    pkcs8::Document,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use kernel::Secret;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde::Serialize;

use super::{Algorithm, JoseError, Jwk};
use crate::{b64, x509::Certificate};

/// RSA keys that are made here have this many bits.
const RSA_SIZE: KeySize = KeySize::Rsa3072;

/// A key pair for one algorithm, parsed once. Making one is slow for RSA (about a second): not on a request's path.
pub struct SigningKey {
    algorithm: Algorithm,
    pair: Pair,
    jwk: Jwk,
    kid: String,
    /// The headers of what is signed most, written once, with the dot behind them.
    headers: [(&'static str, String); PREPARED.len()],
}

/// The types whose headers are written once.
const PREPARED: [&str; 2] = ["at+jwt", "JWT"];
/// A signature's longest text that needs no second allocation: RSA-3072.
const SIGNATURE_TEXT_BYTES: usize = 512;

#[derive(Serialize)]
struct Header<'a> {
    alg: Algorithm,
    kid: &'a str,
    typ: &'a str,
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
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Pair::Rsa(RsaKeyPair::generate(RSA_SIZE).map_err(failed)?),
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
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(der).map_err(refused)?),
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Pair::Rsa(RsaKeyPair::from_pkcs8(der).map_err(refused)?),
        };
        Self::of(algorithm, pair)
    }

    /// Reads a private key in PEM: PKCS#8, or the older forms of RSA (PKCS#1) and of curves (SEC 1).
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8).
    pub fn from_pem(algorithm: Algorithm, pem: &Secret<Vec<u8>>) -> Result<Self, JoseError> {
        let refused = || JoseError::Key("not a private key for this algorithm in PEM");
        let ecdsa = |curve, der: &[u8]| {
            EcdsaKeyPair::from_private_key_der(curve, der).map(Pair::Ecdsa).map_err(|_| refused())
        };
        let der = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| refused())?;
        let pair = match (der, algorithm) {
            (PrivateKeyDer::Pkcs8(der), _) => {
                return Self::from_pkcs8(algorithm, &Secret::new(der.secret_pkcs8_der().to_vec()));
            }
            (PrivateKeyDer::Sec1(der), Algorithm::Es256) => {
                ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_sec1_der())?
            }
            (PrivateKeyDer::Sec1(der), Algorithm::Es384) => {
                ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, der.secret_sec1_der())?
            }
            (
                PrivateKeyDer::Pkcs1(der),
                Algorithm::Rs256
                | Algorithm::Rs384
                | Algorithm::Rs512
                | Algorithm::Ps256
                | Algorithm::Ps384
                | Algorithm::Ps512,
            ) => Pair::Rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| refused())?),
            _ => return Err(refused()),
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
        self.headers = PREPARED.map(|typ| (typ, prepared(self.algorithm, kid, typ)));
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
        match self.headers.iter().find(|(prepared, _)| *prepared == typ) {
            Some((_, header)) => self.sign_behind(header, claims),
            None => self.sign_behind(&prepared(self.algorithm, &self.kid, typ), claims),
        }
    }

    /// A compact JWS that brings the certificates of its key, its own first: `alg` and `x5c`, as UDAP has it.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_with_chain(
        &self,
        chain: &[Certificate],
        claims: &impl Serialize,
    ) -> Result<String, JoseError> {
        let x5c: Vec<_> = chain.iter().map(|one| b64::encode_standard(one.der())).collect();
        let header = serde_json::json!({ "alg": self.algorithm, "x5c": x5c });
        self.sign_behind(&(b64::encode(header.to_string()) + "."), claims)
    }

    /// `header` is in base64url, with the dot behind it.
    fn sign_behind(&self, header: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        let claims = serde_json::to_vec(claims).map_err(|_| JoseError::Claims)?;
        if !claims.starts_with(b"{") {
            return Err(JoseError::Claims);
        }
        let mut token = String::with_capacity(header.len() + claims.len() * 4 / 3 + SIGNATURE_TEXT_BYTES);
        token.push_str(header);
        b64::append(&claims, &mut token);
        let signature = self.signature_of(token.as_bytes())?;
        token.push('.');
        b64::append(signature, &mut token);
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
                let padding: &dyn RsaEncoding = match self.algorithm {
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
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
            (Pair::Ecdsa(pair), Algorithm::Es384) => Jwk::ec("P-384", pair.public_key().as_ref()),
            (Pair::Ecdsa(pair), _) => Jwk::ec("P-256", pair.public_key().as_ref()),
            (Pair::Ed25519(pair), _) => Some(Jwk::ed25519(pair.public_key().as_ref())),
            (Pair::Rsa(pair), _) => {
                let RsaPublicKeyComponents { n, e } =
                    RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                Some(Jwk::rsa(&n, &e))
            }
        };
        let thumbprint = |jwk: Jwk| Some((jwk.thumbprint()?, jwk));
        let (kid, mut jwk) =
            jwk.and_then(thumbprint).ok_or(JoseError::Key("its public half cannot be written"))?;
        jwk.kid = Some(kid.clone());
        jwk.alg = Some(algorithm.as_str().to_owned());
        let headers = PREPARED.map(|typ| (typ, prepared(algorithm, &kid, typ)));
        Ok(Self { algorithm, pair, jwk, kid, headers })
    }
}

/// The header in base64url, with the dot behind it.
fn prepared(alg: Algorithm, kid: &str, typ: &str) -> String {
    // Three texts are always JSON.
    let header = serde_json::to_vec(&Header { alg, kid, typ }).unwrap_or_default();
    b64::encode(header) + "."
}
