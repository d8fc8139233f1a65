//! Public keys as JSON.  RFC 7517, RFC 7518 §6, RFC 8037 §2

use std::fmt;

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};

use super::{Algorithm, JWKS_BYTES_MAX, JWKS_KEYS_MAX, JoseError};
use crate::{b64, sha256};

/// The first byte of a point of which both coordinates follow (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
const P256_COORDINATE_BYTES: usize = 32;
const P384_COORDINATE_BYTES: usize = 48;
const ED25519_PUBLIC_BYTES: usize = 32;
/// RSA moduli from 2048 to 8192 bits, in bytes.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// One public key. Private members are not read and cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `EC`, `RSA` or `OKP`.
    pub kty: String,
    /// What tokens call it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kid: Option<String>,
    /// The one algorithm it is for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none", default)]
    pub usage: Option<String>,
    /// What it may be used for, where that is said more finely.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_ops: Option<Vec<String>>,
    /// The curve of an `EC` or `OKP` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub crv: Option<String>,
    /// The first coordinate, or the whole public key of an `OKP` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub x: Option<String>,
    /// The second coordinate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub y: Option<String>,
    /// The modulus of an `RSA` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<String>,
    /// The exponent of an `RSA` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub e: Option<String>,
    /// Certificates for the key, its own first, in standard Base64 (RFC 7517 §4.7). They are compared, never followed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub x5c: Option<Vec<String>>,
}

impl Jwk {
    /// The SHA-256 thumbprint in base64url (RFC 7638 §3), if the key has the members of its type.
    pub fn thumbprint(&self) -> Option<String> {
        // Members in the order of their names, nothing else, no white space.
        let canonical = match self.kty.as_str() {
            "EC" => {
                serde_json::json!({"crv": self.crv.as_ref()?, "kty": "EC", "x": self.x.as_ref()?, "y": self.y.as_ref()?})
            }
            "RSA" => serde_json::json!({"e": self.e.as_ref()?, "kty": "RSA", "n": self.n.as_ref()?}),
            "OKP" => serde_json::json!({"crv": self.crv.as_ref()?, "kty": "OKP", "x": self.x.as_ref()?}),
            _ => return None,
        };
        Some(b64::encode(sha256(canonical.to_string().as_bytes())))
    }

    pub(crate) fn ec(crv: &str, point: &[u8]) -> Option<Self> {
        let (form, coordinates) = point.split_first()?;
        let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
        (*form == UNCOMPRESSED).then(|| Self {
            crv: Some(crv.to_owned()),
            x: Some(b64::encode(x)),
            y: Some(b64::encode(y)),
            ..Self::blank("EC")
        })
    }

    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self { n: Some(b64::encode(n)), e: Some(b64::encode(e)), ..Self::blank("RSA") }
    }

    pub(crate) fn ed25519(x: &[u8]) -> Self {
        Self { crv: Some("Ed25519".to_owned()), x: Some(b64::encode(x)), ..Self::blank("OKP") }
    }

    fn blank(kty: &str) -> Self {
        Self {
            kty: kty.to_owned(),
            kid: None,
            alg: None,
            usage: Some("sig".to_owned()),
            key_ops: None,
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
            x5c: None,
        }
    }

    fn is_for_signatures(&self) -> bool {
        let usage_fits = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        usage_fits && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    /// The algorithms of the key's family, narrowed to its own `alg` where it names one.
    fn algorithms(&self) -> Vec<Algorithm> {
        let family: &[Algorithm] = match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => &[Algorithm::Es256],
            ("EC", Some("P-384")) => &[Algorithm::Es384],
            ("OKP", Some("Ed25519")) => &[Algorithm::EdDsa],
            ("RSA", _) => &[
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ],
            _ => &[],
        };
        let fits = |a: &Algorithm| self.alg.as_deref().is_none_or(|alg| alg == a.as_str());
        family.iter().copied().filter(fits).collect()
    }

    fn parse(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        let member = |text: &Option<String>| b64::decode(text.as_ref()?).ok();
        match algorithm {
            Algorithm::Es256 => point(P256_COORDINATE_BYTES, &member(&self.x)?, &member(&self.y)?)
                .and_then(|point| plain_key(&signature::ECDSA_P256_SHA256_FIXED, &point)),
            Algorithm::Es384 => point(P384_COORDINATE_BYTES, &member(&self.x)?, &member(&self.y)?)
                .and_then(|point| plain_key(&signature::ECDSA_P384_SHA384_FIXED, &point)),
            Algorithm::EdDsa => member(&self.x)
                .filter(|x| x.len() == ED25519_PUBLIC_BYTES)
                .and_then(|x| plain_key(&signature::ED25519, &x)),
            Algorithm::Rs256 => self.rsa_key(&signature::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::Rs384 => self.rsa_key(&signature::RSA_PKCS1_2048_8192_SHA384),
            Algorithm::Rs512 => self.rsa_key(&signature::RSA_PKCS1_2048_8192_SHA512),
            Algorithm::Ps256 => self.rsa_key(&signature::RSA_PSS_2048_8192_SHA256),
            Algorithm::Ps384 => self.rsa_key(&signature::RSA_PSS_2048_8192_SHA384),
            Algorithm::Ps512 => self.rsa_key(&signature::RSA_PSS_2048_8192_SHA512),
        }
    }

    fn rsa_key(&self, parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
        let number = |text: &Option<String>| {
            let bytes = b64::decode(text.as_ref()?).ok()?;
            // Some issuers write a leading zero byte, as DER does; RFC 7518 §6.3.1.1 asks readers to expect it.
            Some(bytes.strip_prefix(&[0]).map(<[u8]>::to_vec).unwrap_or(bytes))
        };
        let components = RsaPublicKeyComponents { n: number(&self.n)?, e: number(&self.e)? };
        if !RSA_MODULUS_BYTES.contains(&components.n.len()) {
            return None;
        }
        components.to_parsed_public_key(parameters).ok()
    }
}

fn point(coordinate_bytes: usize, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    (x.len() == coordinate_bytes && y.len() == coordinate_bytes).then(|| [&[UNCOMPRESSED], x, y].concat())
}

fn plain_key(algorithm: &'static dyn VerificationAlgorithm, bytes: &[u8]) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(algorithm, bytes).ok()
}

struct VerifyingKey {
    kid: Option<String>,
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
}

/// Public keys, parsed once. A key without an `alg` of its own is there once for each algorithm of its family.
#[derive(Default)]
pub struct Jwks {
    keys: Vec<VerifyingKey>,
    published: Vec<Jwk>,
}

impl Jwks {
    /// The usable keys among these. Keys of unknown types, for encryption, or that are no keys are passed over, as
    /// RFC 7517 §5 asks.
    pub fn new(keys: impl IntoIterator<Item = Jwk>) -> Self {
        let mut set = Self::default();
        for jwk in keys.into_iter().take(JWKS_KEYS_MAX).filter(Jwk::is_for_signatures) {
            let mut is_usable = false;
            for algorithm in jwk.algorithms() {
                if let Some(parsed) = jwk.parse(algorithm) {
                    set.keys.push(VerifyingKey { kid: jwk.kid.clone(), algorithm, parsed });
                    is_usable = true;
                }
            }
            set.published.extend(is_usable.then_some(jwk));
        }
        set
    }

    /// Reads a JWK set (RFC 7517 §5).
    ///
    /// # Errors
    /// `Key` when it is longer than [`JWKS_BYTES_MAX`] or no key set.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JoseError> {
        #[derive(Deserialize)]
        struct KeySet {
            keys: Vec<serde_json::Value>,
        }
        if bytes.len() > JWKS_BYTES_MAX {
            return Err(JoseError::Key("the key set is too long"));
        }
        let set: KeySet = serde_json::from_slice(bytes).map_err(|_| JoseError::Key("not a JWK set"))?;
        Ok(Self::new(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok())))
    }

    /// The set as it is published at a `jwks_uri`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "keys": self.published })
    }

    /// The usable keys.
    pub fn keys(&self) -> &[Jwk] {
        &self.published
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key of this name is there.
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// Checks a signature with the key of that name; without a name, with the only key that fits the algorithm.
    pub(super) fn check(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), JoseError> {
        let mut named = self.keys.iter().filter(|key| kid.is_none() || key.kid.as_deref() == kid).peekable();
        if named.peek().is_none() {
            return Err(JoseError::UnknownKey);
        }
        let mut fitting = named.filter(|key| key.algorithm == algorithm);
        let key = fitting.next().ok_or(JoseError::Algorithm)?;
        if fitting.next().is_some() {
            // Two keys of one name: trying both would let whoever adds a key answer for the other.
            return Err(JoseError::UnknownKey);
        }
        key.parsed.verify_sig(message, signature).map_err(|_| JoseError::Signature)
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.published.iter().map(|key| key.kid.as_deref().unwrap_or("?"))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwk(json: serde_json::Value) -> Jwk {
        serde_json::from_value(json).unwrap()
    }

    /// RFC 7638 §3.1
    #[test]
    fn the_thumbprint_agrees_with_rfc_7638() {
        let key = jwk(serde_json::json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29"
        }));
        assert_eq!(key.thumbprint().as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        assert!(Jwks::new([key]).has("2011-04-29"));
    }

    /// RFC 8037 appendix A.3
    #[test]
    fn the_thumbprint_agrees_with_rfc_8037() {
        let key = jwk(serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }));
        assert_eq!(key.thumbprint().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }

    #[test]
    fn what_is_no_key_for_signatures_is_passed_over() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let set = serde_json::json!({ "keys": [
            { "kty": "oct", "k": "c2VjcmV0", "kid": "shared" },
            { "kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc", "kid": "encryption" },
            { "kty": "OKP", "crv": "Ed25519", "x": x, "key_ops": ["encrypt"], "kid": "operations" },
            { "kty": "OKP", "crv": "Ed25519", "x": x, "alg": "ES256", "kid": "other algorithm" },
            { "kty": "OKP", "crv": "X25519", "x": x, "kid": "other curve" },
            { "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "short" },
            { "kty": "EC", "crv": "P-256", "x": x, "y": x, "kid": "not on the curve" },
            { "kty": "EC", "crv": "P-384", "x": x, "y": x, "kid": "wrong length" },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "tiny" },
            { "kty": "RSA", "kid": "empty" },
            "junk", 7, null,
            { "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "good", "d": "AAAA" },
        ]});
        let set = Jwks::from_json(set.to_string().as_bytes()).unwrap();
        assert_eq!(
            set.to_json(),
            serde_json::json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "good" }] }),
            "and a private member is never published"
        );
        assert_eq!(format!("{set:?}"), r#"["good"]"#);
    }

    #[test]
    fn junk_is_no_key_set() {
        for text in
            ["", "[]", "{}", r#"{"keys":{}}"#, &format!(r#"{{"keys":[{}"#, " ".repeat(JWKS_BYTES_MAX))]
        {
            assert!(Jwks::from_json(text.as_bytes()).is_err());
        }
        assert!(Jwks::from_json(br#"{"keys":[]}"#).unwrap().is_empty());
    }
}
