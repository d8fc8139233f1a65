//! What leaves the machine is encrypted, and the server proves who it is: before that nothing is told it.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use store::{Db, DbError, StoreConfig, StoreUrl};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What a PostgreSQL client asks first: may we encrypt?
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A server that gets as far as the client's first real message; answers what it was told, if anything.
async fn server(listener: TcpListener, tls: Option<TlsAcceptor>) -> Option<Vec<u8>> {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut asked = [0; 8];
    socket.read_exact(&mut asked).await.unwrap();
    if asked != SSL_REQUEST {
        return Some(asked.to_vec());
    }
    let mut told = vec![0; 512];
    let length = match tls {
        None => {
            socket.write_all(b"N").await.unwrap();
            socket.read(&mut told).await.unwrap_or(0)
        }
        Some(tls) => {
            socket.write_all(b"S").await.unwrap();
            tls.accept(socket).await.ok()?.read(&mut told).await.unwrap_or(0)
        }
    };
    told.truncate(length);
    (length > 0).then_some(told)
}

fn acceptor(root_file: &Path) -> TlsAcceptor {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(root_file, root.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec![String::from("localhost")]).unwrap().signed_by(&key, &root).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Try to open; what the server was told.
async fn told(host: &str, parameters: &str, tls: Option<TlsAcceptor>) -> Option<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "postgres://mira:hunter2@{host}:{}/hilum?{parameters}",
        listener.local_addr().unwrap().port()
    );
    let config = StoreConfig::new(StoreUrl::parse(&url).unwrap());
    let (opened, told) = tokio::join!(Db::open(&config), server(listener, tls));
    assert!(matches!(opened, Err(DbError::Unavailable { .. })), "{:?}", opened.err());
    told
}

fn names_the_user(told: Option<Vec<u8>>) -> bool {
    told.is_some_and(|told| told.windows(4).any(|window| window == b"mira"))
}

#[tokio::test]
async fn only_a_server_that_proves_its_name_is_told_anything() {
    let folder = tempfile::tempdir().unwrap();
    let root_file = folder.path().join("root.pem");
    let tls = acceptor(&root_file);
    let root = format!("sslrootcert={}", root_file.display());
    for mode in ["require", "verify-ca", "verify-full"] {
        let parameters = format!("sslmode={mode}&{root}");
        assert!(names_the_user(told("localhost", &parameters, Some(tls.clone())).await), "{mode}");
        // A name that is not in the certificate.
        assert_eq!(told("127.0.0.1", &parameters, Some(tls.clone())).await, None, "{mode}");
        // A server that would rather not encrypt.
        assert_eq!(told("localhost", &parameters, None).await, None, "{mode}");
    }
    // A certificate that nobody vouches for.
    assert_eq!(told("localhost", "sslmode=require", Some(tls)).await, None);
}

#[tokio::test]
async fn a_root_that_cannot_be_read_is_a_wrong_setting() {
    let url = "postgres://db.example/hilum?sslrootcert=/nowhere/root.pem";
    let opened = Db::open(&StoreConfig::new(StoreUrl::parse(url).unwrap())).await;
    assert!(matches!(opened, Err(DbError::Setting { .. })), "{:?}", opened.err());
}
