//! TLS: what is spoken, who is too slow, and a certificate that is renewed while serving.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get as on_get};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use web::{ServeLimits, Tls};

use crate::sockets::{Running, run};

/// A new certificate for `localhost`, written to these files.
fn certify(chain: &Path, key: &Path) -> rustls::pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(chain, made.cert.pem()).unwrap();
    std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

async fn connect(
    running: &Running,
    trusted: &rustls::pki_types::CertificateDer<'static>,
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
    let tls = Tls::open(&chain, &key).unwrap();
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

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    certify(&path("a.pem"), &path("a.key"));
    certify(&path("b.pem"), &path("b.key"));
    assert!(Tls::open(&path("a.pem"), &path("b.key")).is_err());
    assert!(Tls::open(&path("missing.pem"), &path("b.key")).is_err());
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    certify(&chain, &key);
    let limits = ServeLimits { handshake: Duration::from_millis(100), ..ServeLimits::default() };
    let running = run(Router::new(), Some(Tls::open(&chain, &key).unwrap()), limits).await;
    for said in [b"".as_slice(), b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{said:?}");
    }
    running.end().await;
}
