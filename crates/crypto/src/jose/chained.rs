//! What somebody signed under a certificate that comes along (`x5c`): UDAP.  RFC 7515 §4.1.6
//!
//! In two steps, so that nobody uses the first as if it were the second: the signature fits the certificate, and the
//! certificate leads to somebody who is trusted. The claims come out of the second alone.

use kernel::Timestamp;
use serde_json::{Map, Value};

use super::{Algorithm, CHAIN_CERTIFICATES_MAX, JoseError, Jwks, Typ, compact::Compact};
use crate::{
    b64,
    x509::{Anchors, Certificate, Usage, X509Error},
};

/// A statement whose signature is good for the first of the certificates that it brings. Whether they are worth
/// anything is not known yet.
pub struct Chained {
    certificates: Vec<Certificate>,
    claims: Map<String, Value>,
}

impl Chained {
    /// Reads a statement.
    ///
    /// # Errors
    /// Why its form, its certificates or its signature are not good.
    pub fn read(token: &str, algs: &[Algorithm]) -> Result<Self, JoseError> {
        let compact = Compact::read(token)?;
        compact.check_header(Typ::JwtOrNone, Some("x5c"))?;
        let algorithm = compact.algorithm(algs)?;
        let certificates = certificates(compact.header.get("x5c")).ok_or(JoseError::Header("x5c"))?;
        let key = certificates.first().and_then(Certificate::public_key).cloned();
        Jwks::new(key).check(None, algorithm, compact.signed.as_bytes(), &compact.signature()?)?;
        Ok(Self { claims: compact.claims()?, certificates })
    }

    /// The claims and the signer's certificate, where a path leads from it to an anchor at this time.
    ///
    /// # Errors
    /// Why there is no such path.
    pub fn trusted(
        self,
        anchors: &Anchors,
        now: Timestamp,
    ) -> Result<(Map<String, Value>, Certificate), X509Error> {
        let mut certificates = self.certificates.into_iter();
        let signer = certificates.next().ok_or(X509Error::Malformed)?;
        anchors.verify(&signer, certificates.as_slice(), Usage::Signature, now)?;
        Ok((self.claims, signer))
    }
}

/// Standard Base64, not base64url (RFC 7515 §4.1.6).
fn certificates(x5c: Option<&Value>) -> Option<Vec<Certificate>> {
    let list = x5c?.as_array().filter(|list| (1..=CHAIN_CERTIFICATES_MAX).contains(&list.len()))?;
    let one = |text: &Value| Certificate::from_der(b64::decode_standard(text.as_str()?).ok()?).ok();
    list.iter().map(one).collect()
}
