//! Whom to trust, and the path there.  RFC 5280 §6

use std::time::Duration;

use kernel::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy,
    ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath, anchor_from_trusted_cert,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{Certificate, X509Error};

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A client shows it in TLS: `clientAuth`, where it says what it is for (RFC 5280 §4.2.1.12).
    ClientAuthentication,
    /// Its key signs statements: its key usage has to allow signatures, whatever else it is for.
    Signature,
}

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self {
            Self::ClientAuthentication => KeyUsage::client_auth().validate(purposes),
            Self::Signature => Ok(()),
        }
    }
}

/// Those to whom a path has to lead, and what they have revoked.
#[derive(Default)]
pub struct Anchors {
    anchors: Vec<TrustAnchor<'static>>,
    lists: Vec<CertRevocationList<'static>>,
}

impl Anchors {
    /// These certificates are trusted because the operator says so.
    ///
    /// # Errors
    /// `Malformed` when one cannot be an anchor.
    pub fn new<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Result<Self, X509Error> {
        let anchor = |certificate: &Certificate| {
            anchor_from_trusted_cert(&certificate.der).map(|anchor| anchor.to_owned())
        };
        let anchors = certificates.into_iter().map(anchor).collect::<Result<_, _>>();
        Ok(Self { anchors: anchors.map_err(|_| X509Error::Malformed)?, lists: Vec::new() })
    }

    /// A revocation list counts too, in DER. An issuer for whom there is no list revokes nothing; a list that is over
    /// makes everything of its issuer refused.
    ///
    /// # Errors
    /// `RevocationList` when it is none.
    pub fn with_revocation_list(mut self, der: &[u8]) -> Result<Self, X509Error> {
        let list = OwnedCertRevocationList::from_der(der).map_err(|_| X509Error::RevocationList)?;
        self.lists.push(list.into());
        Ok(self)
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Is there a path from this certificate over these others to an anchor, at this time, for this use?
    ///
    /// # Errors
    /// Why there is none.
    pub fn verify(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
        usage: Usage,
        now: Timestamp,
    ) -> Result<(), X509Error> {
        let others: Vec<CertificateDer<'_>> = others.iter().map(|one| one.der.clone()).collect();
        let lists: Vec<_> = self.lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let seconds = u64::try_from(now.as_seconds()).map_err(|_| X509Error::NotYet)?;
        if !is_for_signatures(&certificate.der) {
            return Err(X509Error::Usage);
        }
        EndEntityCert::try_from(&certificate.der)
            .map_err(why)?
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &self.anchors,
                &others,
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                usage,
                revocation,
                Some(&issuers_may_issue),
            )
            .map(|_| ())
            .map_err(why)
    }
}

/// webpki leaves the key usage to others (RFC 5280 §4.2.1.3).
fn is_for_signatures(der: &[u8]) -> bool {
    key_usage(der, |usage| usage.digital_signature())
}

fn issuers_may_issue(path: &VerifiedPath<'_>) -> Result<(), Error> {
    let may_issue = |der: &[u8]| key_usage(der, |usage| usage.key_cert_sign());
    let all = path.intermediate_certificates().all(|issuer| may_issue(&issuer.der()));
    if all { Ok(()) } else { Err(Error::EndEntityUsedAsCa) }
}

fn key_usage(der: &[u8], allows: impl Fn(&x509_parser::extensions::KeyUsage) -> bool) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    certificate.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| allows(usage.value)))
}

fn why(error: Error) -> X509Error {
    match error {
        Error::CertExpired { .. } => X509Error::Expired,
        Error::CertNotValidYet { .. } => X509Error::NotYet,
        Error::CertRevoked => X509Error::Revoked,
        Error::CrlExpired { .. }
        | Error::UnknownRevocationStatus
        | Error::InvalidCrlSignatureForPublicKey => X509Error::RevocationList,
        Error::CaUsedAsEndEntity
        | Error::EndEntityUsedAsCa
        | Error::EmptyEkuExtension
        | Error::RequiredEkuNotFoundContext(_) => X509Error::Usage,
        Error::PathLenConstraintViolated
        | Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => X509Error::TooLong,
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) | Error::InvalidCertValidity => {
            X509Error::Malformed
        }
        _ => X509Error::Untrusted,
    }
}
