//! The certificate that a client shows, over TLS or through a proxy.  RFC 8446 §4.4.2, RFC 9440
//!
//! Nobody is trusted here: the handshake proves that the client holds the key, and whether the certificate means
//! anything is for whoever knows what the client is registered with (RFC 8705 §2).

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Extensions, HeaderMap, HeaderName, request::Parts};

/// How many certificates a chain may have.
pub const CHAIN_CERTIFICATES_MAX: usize = 8;

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// Whether clients are asked for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// Nobody is asked, and what a proxy says of certificates is not read.
    #[default]
    Off,
    /// Who has one shows it, in the handshake or to the trusted proxy that ends TLS; who has none is served too.
    Ask,
}

/// The chain that the client showed, leaf first, in DER. It holds the leaf's key; nothing else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<[Vec<u8>]>);

impl ClientCertificate {
    /// A chain, leaf first; nothing where it is empty or too long.
    pub fn of_chain(chain: Vec<Vec<u8>>) -> Option<Self> {
        let fits = (1..=CHAIN_CERTIFICATES_MAX).contains(&chain.len());
        fits.then(|| Self(chain.into()))
    }

    /// The client's own certificate.
    pub fn leaf(&self) -> &[u8] {
        self.0.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The leaf and what stands above it, as far as the client sent it.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

/// The certificate that the request's client showed, if it showed one.
#[derive(Debug, Clone)]
pub struct MaybeCertificate(pub Option<ClientCertificate>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeCertificate {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<ClientCertificate>().cloned()))
    }
}

/// Whose word about the client's certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A proxy that ends TLS and speaks for its clients: the certificate it showed us itself is not theirs.
    Proxy,
    /// Anybody else, whose handshake is all that counts.
    Client,
}

/// Leave in the extensions what is known of the client's certificate, and in the headers nothing that claims one:
/// whoever reads them behind us would believe it (RFC 9440 §4).
pub(crate) fn settle(
    setting: ClientCertificates,
    peer: Peer,
    headers: &mut HeaderMap,
    extensions: &mut Extensions,
) {
    let told = match (setting, peer) {
        (ClientCertificates::Ask, Peer::Proxy) => told(headers),
        (ClientCertificates::Ask, Peer::Client) => extensions.get::<ClientCertificate>().cloned(),
        (ClientCertificates::Off, _) => None,
    };
    headers.remove(CLIENT_CERT);
    headers.remove(CLIENT_CERT_CHAIN);
    extensions.remove::<ClientCertificate>();
    if let Some(certificate) = told {
        extensions.insert(certificate);
    }
}

/// What a proxy says: one `Client-Cert`, and perhaps the rest of the chain (RFC 9440 §2). What cannot be read is as
/// good as nothing, since a certificate that is not there opens no door.
fn told(headers: &HeaderMap) -> Option<ClientCertificate> {
    let mut leaves = headers.get_all(CLIENT_CERT).iter();
    let (leaf, None) = (leaves.next()?, leaves.next()) else { return None };
    let rest = headers.get_all(CLIENT_CERT_CHAIN).iter().flat_map(|value| {
        let text = value.to_str().unwrap_or("unreadable");
        text.split(',').map(byte_sequence)
    });
    let chain: Option<Vec<_>> = std::iter::once(byte_sequence(leaf.to_str().ok()?))
        .chain(rest)
        .take(CHAIN_CERTIFICATES_MAX + 1)
        .collect();
    ClientCertificate::of_chain(chain?)
}

/// RFC 8941 §3.3.5
fn byte_sequence(text: &str) -> Option<Vec<u8>> {
    let inner = text.trim_matches([' ', '\t']).strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(inner).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn who_is_believed_about_certificates() {
        use ClientCertificates::{Ask, Off};
        let said: &[(&str, &str)] =
            &[("client-cert", ":bGVhZg==:"), ("client-cert-chain", ":Y2E=:, :cm9vdA==:")];
        let shown = || ClientCertificate::of_chain(vec![b"shown".to_vec()]);
        for (setting, peer, from_tls, expected) in [
            (Ask, Peer::Proxy, None, vec!["leaf", "ca", "root"]),
            (Ask, Peer::Proxy, shown(), vec!["leaf", "ca", "root"]),
            (Ask, Peer::Client, None, vec![]),
            (Ask, Peer::Client, shown(), vec!["shown"]),
            (Off, Peer::Proxy, None, vec![]),
            (Off, Peer::Client, shown(), vec![]),
        ] {
            let (mut headers, mut extensions) = (headers(said), Extensions::new());
            from_tls.map(|certificate| extensions.insert(certificate));
            settle(setting, peer, &mut headers, &mut extensions);
            let found = extensions.get::<ClientCertificate>();
            let found: Vec<_> = found.iter().flat_map(|it| it.chain()).map(String::from_utf8_lossy).collect();
            assert_eq!(found, expected, "{setting:?} {peer:?}");
            assert!(headers.is_empty(), "nobody behind us reads a claim: {headers:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_understood_has_said_nothing() {
        let nine = [":YQ==:"; 9].join(",");
        for lines in [
            &[("client-cert", "bGVhZg==")] as &[(&str, &str)],
            &[("client-cert", "::")],
            &[("client-cert", ":")],
            &[("client-cert", ":bGVhZg:")],
            &[("client-cert", ":-_-_:")],
            &[("client-cert", ":bGVhZg==:;a=1")],
            &[("client-cert", ":YQ==:"), ("client-cert", ":Yg==:")],
            &[("client-cert", ":YQ==:, :Yg==:")],
            &[("client-cert", ":YQ==:"), ("client-cert-chain", "junk")],
            &[("client-cert", ":YQ==:"), ("client-cert-chain", &nine)],
            &[("client-cert-chain", ":YQ==:")],
        ] {
            assert_eq!(told(&headers(lines)), None, "{lines:?}");
        }
    }
}
