//! What somebody signed under a certificate that comes along (`x5c`): UDAP.  RFC 7515 §4.1.6
//!
//! In two steps, so that nobody uses the first as if it were the second: the signature fits the certificate, and the
//! certificate leads to somebody who is trusted. The claims come out of the second alone.

use kernel::Timestamp;
use serde_json::{Map, Value};

use super::{
    Algorithm, CHAIN_CERTIFICATES_MAX, Claims, Expect, ExpectAssertion, JoseError, Jwks, Typ, assertion,
    compact::Compact, verify,
};
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

    /// Whom it names as its issuer, before anything is proven: to know what to expect of it.
    pub fn named_issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// The claims and the signer's certificate, where a path leads from it to an anchor and the claims are what is expected:
    /// issuer and subject, audience, times, an id. Which names the certificate has to have, the caller judges.
    ///
    /// # Errors
    /// Why there is no such path, or which claim is not right.
    pub fn verify(
        &self,
        anchors: &Anchors,
        expect: &ExpectAssertion<'_>,
    ) -> Result<(Claims, &Certificate), ChainedFault> {
        let signer = self.trusted(anchors, expect.now)?;
        Ok((assertion::check(self.claims.clone(), expect)?, signer))
    }

    /// The same for what a server says of itself to whoever asks: it names no audience.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_unaddressed(
        &self,
        anchors: &Anchors,
        expect: &ExpectAssertion<'_>,
    ) -> Result<(Claims, &Certificate), ChainedFault> {
        let signer = self.trusted(anchors, expect.now)?;
        Ok((assertion::check_unaddressed(self.claims.clone(), expect)?, signer))
    }

    /// The same for a token about somebody else than its issuer: an ID token.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_token(
        &self,
        anchors: &Anchors,
        expect: &Expect<'_>,
    ) -> Result<(Claims, &Certificate), ChainedFault> {
        let signer = self.trusted(anchors, expect.now)?;
        Ok((verify::check_claims(self.claims.clone(), expect)?, signer))
    }

    fn trusted(&self, anchors: &Anchors, now: Timestamp) -> Result<&Certificate, X509Error> {
        let (signer, others) = self.certificates.split_first().ok_or(X509Error::Malformed)?;
        anchors.verify(signer, others, Usage::Signature, now)?;
        Ok(signer)
    }
}

/// Why a statement does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainedFault {
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] X509Error),
    /// Its claims.
    #[error(transparent)]
    Token(#[from] JoseError),
}

/// Standard Base64, not base64url (RFC 7515 §4.1.6).
fn certificates(x5c: Option<&Value>) -> Option<Vec<Certificate>> {
    let list = x5c?.as_array().filter(|list| (1..=CHAIN_CERTIFICATES_MAX).contains(&list.len()))?;
    let one = |text: &Value| Certificate::from_der(b64::decode_standard(text.as_str()?).ok()?).ok();
    list.iter().map(one).collect()
}
