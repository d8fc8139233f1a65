//! Certificates: what they say, and whether they lead to somebody who is trusted.  RFC 5280
//!
//! `x509-parser` reads the fields, `rustls-webpki` builds the paths; the parsing of the one is never trusted for what
//! the other decides.

mod anchors;
mod name;

use std::{borrow::Cow, fmt, net::IpAddr};

use kernel::{Fault, Kind, Timestamp};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _, public_key::PublicKey,
    x509::SubjectPublicKeyInfo,
};

use crate::{
    b64,
    jose::{Jwk, Jwks},
    sha256,
};

pub use anchors::{Anchors, Usage};
use name::Name;

/// The longest certificate that is read, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

const ED25519: &str = "1.3.101.112";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

/// Why a certificate is not taken. For the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// It is no certificate, or one that cannot be read to the end.
    #[error("not a certificate that can be read")]
    Malformed,
    /// It leads to none of the anchors, or a signature on the way is not good.
    #[error("the certificate leads to no trust anchor")]
    Untrusted,
    /// One on the way is over.
    #[error("a certificate has expired")]
    Expired,
    /// One on the way has not begun.
    #[error("a certificate is not valid yet")]
    NotYet,
    /// One on the way is used for what it is not for.
    #[error("a certificate is not for this use")]
    Usage,
    /// One on the way was revoked.
    #[error("a certificate was revoked")]
    Revoked,
    /// The path is longer than is followed, or than an issuer allows.
    #[error("the chain of certificates is too long")]
    TooLong,
    /// The revocation list is over or not its issuer's: nothing can be known.
    #[error("the revocation list cannot be used")]
    RevocationList,
}

impl Fault for X509Error {
    fn kind(&self) -> Kind {
        Kind::Unauthenticated
    }
    fn public(&self) -> Cow<'static, str> {
        "the certificate is not accepted".into()
    }
}

/// A certificate that was read. Nothing says yet that it is worth anything.
#[derive(Clone)]
pub struct Certificate {
    der: CertificateDer<'static>,
    subject: Name,
    uris: Vec<String>,
    dns_names: Vec<String>,
    emails: Vec<String>,
    addresses: Vec<IpAddr>,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: Option<Jwk>,
}

impl Certificate {
    /// Reads one in DER.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn from_der(der: Vec<u8>) -> Result<Self, X509Error> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(X509Error::Malformed);
        }
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| X509Error::Malformed)?;
        if !rest.is_empty() {
            return Err(X509Error::Malformed);
        }
        let validity = parsed.validity();
        let mut certificate = Self {
            subject: Name::read(parsed.subject()),
            uris: Vec::new(),
            dns_names: Vec::new(),
            emails: Vec::new(),
            addresses: Vec::new(),
            not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_seconds(validity.not_after.timestamp()),
            public_key: public_key(parsed.public_key()),
            der: CertificateDer::from(Vec::new()),
        };
        if let Some(names) = parsed.subject_alternative_name().map_err(|_| X509Error::Malformed)? {
            for name in &names.value.general_names {
                certificate.add(name)?;
            }
        }
        certificate.der = CertificateDer::from(der);
        Ok(certificate)
    }

    /// Reads all that stand in a PEM file.
    ///
    /// # Errors
    /// `Malformed` when there is none, or one that cannot be read.
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, X509Error> {
        let read = |der: Result<CertificateDer<'_>, _>| {
            Self::from_der(der.map_err(|_| X509Error::Malformed)?.as_ref().to_vec())
        };
        let all: Vec<_> = CertificateDer::pem_slice_iter(pem).map(read).collect::<Result<_, _>>()?;
        if all.is_empty() { Err(X509Error::Malformed) } else { Ok(all) }
    }

    fn add(&mut self, name: &GeneralName<'_>) -> Result<(), X509Error> {
        match name {
            GeneralName::URI(uri) => self.uris.push((*uri).to_owned()),
            GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
            GeneralName::RFC822Name(email) => self.emails.push((*email).to_owned()),
            GeneralName::IPAddress(bytes) => {
                let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                self.addresses.push(address.map_err(|_| X509Error::Malformed)?);
            }
            GeneralName::Invalid(..) => return Err(X509Error::Malformed),
            _ => {}
        }
        Ok(())
    }

    /// The bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject's distinguished name, as RFC 4514 writes it: the most particular part first.
    pub fn subject(&self) -> String {
        self.subject.to_string()
    }

    /// Whether the subject is the one that was registered as this text (RFC 8705 §2.1.2): the same parts in the same
    /// order, whether written with spaces behind the commas or not.
    pub fn has_subject(&self, registered: &str) -> bool {
        self.subject.is(registered)
    }

    /// The URIs among the alternative names.
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// The DNS names among the alternative names.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The e-mail addresses among the alternative names.
    pub fn emails(&self) -> &[String] {
        &self.emails
    }

    /// The IP addresses among the alternative names.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// From when it is valid.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second in which it is valid.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The public key, if it is of a kind that signs tokens here.
    pub const fn public_key(&self) -> Option<&Jwk> {
        self.public_key.as_ref()
    }

    /// The SHA-256 thumbprint in base64url: `x5t#S256` (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> String {
        b64::encode(sha256(&self.der))
    }

    /// Whether a client has registered this certificate, signed by itself, with its keys (RFC 8705 §2.2.2). A key that
    /// comes with a certificate (`x5c`) stands for that one alone; a key without stands for any certificate of it.
    pub fn is_among(&self, keys: &Jwks) -> bool {
        let Some(mine) = self.public_key.as_ref().and_then(Jwk::thumbprint) else { return false };
        let text = b64::encode_standard(&self.der);
        keys.keys().iter().any(|key| {
            let certificate = key.x5c.as_ref().map(|chain| chain.first());
            key.thumbprint().as_ref() == Some(&mine) && certificate.is_none_or(|first| first == Some(&text))
        })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.subject()).finish()
    }
}

fn public_key(info: &SubjectPublicKeyInfo<'_>) -> Option<Jwk> {
    if info.algorithm.algorithm.to_id_string() == ED25519 {
        return Some(Jwk::ed25519(&info.subject_public_key.data));
    }
    match info.parsed().ok()? {
        PublicKey::RSA(key) => {
            let number = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
            Some(Jwk::rsa(&number(key.modulus), &number(key.exponent)))
        }
        PublicKey::EC(point) => {
            let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            match curve.as_str() {
                P256 => Jwk::ec("P-256", point.data()),
                P384 => Jwk::ec("P-384", point.data()),
                _ => None,
            }
        }
        _ => None,
    }
}
