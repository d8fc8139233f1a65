//! TLS: what is spoken, who is too slow, and a certificate that is renewed while serving.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get as on_get};
use http::HeaderMap;
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use web::{ClientCertificates, MaybeCertificate, ServeLimits, Tls};

use crate::{
    around,
    sockets::{Running, run},
};

/// What a record of TLS is.
const ALERT: u8 = 0x15;
const HANDSHAKE: u8 = 0x16;

/// A new certificate for `localhost`, written to these files.
fn certify(chain: &Path, key: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(chain, made.cert.pem()).unwrap();
    std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

async fn connect(
    running: &Running,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(running.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn https_with_a_certificate_that_is_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let first = certify(&chain, &key);
    let tls = Tls::open(&chain, &key, ClientCertificates::Off).unwrap();
    let app = Router::new().route("/", on_get(|| async { "hello" }));
    let running = run(app, Some(tls.clone()), ServeLimits::default()).await;

    let mut stream = connect(&running, &first, &["http/1.1"]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("hello"), "{said}");
    let stream = connect(&running, &first, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));

    let second = certify(&chain, &key);
    tls.reload().unwrap();
    assert!(connect(&running, &first, &[]).await.is_err());
    assert!(connect(&running, &second, &[]).await.is_ok());

    std::fs::write(&key, "junk").unwrap();
    let fault = tls.reload().unwrap_err();
    assert!(fault.to_string().contains("key.pem"), "{fault}");
    assert!(connect(&running, &second, &[]).await.is_ok(), "a bad renewal changes nothing");
    running.end().await;
}

/// The first message of a client that speaks at most this version (RFC 2246, RFC 4346, RFC 5246), and otherwise what TLS 1.2 wants:
/// ECDHE with ECDSA and AES-128-GCM, on P-256.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let extensions =
        [&[0, 0x0a, 0, 4, 0, 2, 0, 0x17][..], &[0, 0x0b, 0, 2, 1, 0], &[0, 0x0d, 0, 4, 0, 2, 4, 3]].concat();
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let body =
        [&version[..], &[7; 32], &[0, 0, 2, 0xc0, 0x2b, 1, 0, 0, length(&extensions)], &extensions].concat();
    let message = [&[1, 0, 0, length(&body)][..], &body].concat();
    [&[0x16, 3, 1, 0, length(&message)][..], &message].concat()
}

#[tokio::test]
async fn nothing_older_than_tls_1_2_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    certify(&chain, &key);
    let tls = Tls::open(&chain, &key, ClientCertificates::Off).unwrap();
    let running = run(Router::new(), Some(tls), ServeLimits::default()).await;
    for (version, first) in [([3, 0], ALERT), ([3, 1], ALERT), ([3, 2], ALERT), ([3, 3], HANDSHAKE)] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(&hello(version)).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[0], first, "{version:?}: {answer:?}");
        assert!(first == HANDSHAKE || answer[5] == 2, "{version:?}: a fatal one: {answer:?}");
    }
    running.end().await;
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    certify(&path("a.pem"), &path("a.key"));
    certify(&path("b.pem"), &path("b.key"));
    assert!(Tls::open(&path("a.pem"), &path("b.key"), ClientCertificates::Off).is_err());
    assert!(Tls::open(&path("missing.pem"), &path("b.key"), ClientCertificates::Off).is_err());
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    certify(&chain, &key);
    let limits = ServeLimits { handshake: Duration::from_millis(100), ..ServeLimits::default() };
    let running =
        run(Router::new(), Some(Tls::open(&chain, &key, ClientCertificates::Off).unwrap()), limits).await;
    for said in [b"".as_slice(), b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{said:?}");
    }
    running.end().await;
}

/// What a client shows, whether or not the key is that of the certificate.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl Shows {
    fn new(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>, key: &rcgen::KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
        Self(Arc::new(CertifiedKey::new(vec![certificate.cert.der().clone()], key)))
    }
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
    fn has_certs(&self) -> bool {
        true
    }
}

/// The leaf that the application sees of a client that shows this; an error where there is no conversation.
async fn seen(
    running: &Running,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    shows: Option<Shows>,
) -> std::io::Result<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let config = config.with_root_certificates(roots);
    let config = match shows {
        Some(shows) => config.with_client_cert_resolver(Arc::new(shows)),
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(running.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let spoofed = "Client-Cert: :c3Bvb2ZlZA==:";
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{spoofed}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await?;
    let end =
        said.windows(4).position(|four| four == b"\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok(said[end + 4..].to_vec())
}

#[tokio::test]
async fn a_certificate_is_asked_for_and_its_key_proven() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let trusted = certify(&chain, &key);
    let app = || {
        let leaf = |MaybeCertificate(certificate): MaybeCertificate, headers: HeaderMap| async move {
            assert!(!headers.contains_key("client-cert"), "a client has no say in this header");
            certificate.map(|certificate| certificate.leaf().to_vec()).unwrap_or_default()
        };
        around("https://localhost/", Router::new().route("/", on_get(leaf)))
    };
    let mine = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let others = rcgen::generate_simple_self_signed(["other".to_owned()]).unwrap();
    let mine_seen = mine.cert.der().to_vec();

    let asking = Tls::open(&chain, &key, ClientCertificates::Ask).unwrap();
    let asking = run(app(), Some(asking), ServeLimits::default()).await;
    let silent = Tls::open(&chain, &key, ClientCertificates::Off).unwrap();
    let silent = run(app(), Some(silent), ServeLimits::default()).await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let own = || Some(Shows::new(&mine, &mine.signing_key));
        let stolen = Some(Shows::new(&mine, &others.signing_key));
        assert_eq!(seen(&asking, &trusted, version, own()).await.unwrap(), mine_seen, "{version:?}");
        assert_eq!(seen(&asking, &trusted, version, None).await.unwrap(), b"", "nobody has to have one");
        assert!(seen(&asking, &trusted, version, stolen).await.is_err(), "a certificate without its key");
        assert_eq!(seen(&silent, &trusted, version, own()).await.unwrap(), b"", "nobody is asked");
    }
    asking.end().await;
    silent.end().await;
}
