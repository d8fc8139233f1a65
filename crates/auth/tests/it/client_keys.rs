//! Keys that clients keep at an address of theirs, and certificates.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use auth::client::ClientMetadata;
use crypto::x509::Certificate;
use http::StatusCode;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use web::{ClientCertificate, ClientCertificates};

use crate::{
    house::{House, Reply, on_each_engine},
    prover::{Prover, form, keyed, prove},
};

/// Where a client keeps its keys.
pub struct Host {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Host {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (answer.clone(), asked.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let _ = stream.read(&mut request).await;
                counted.fetch_add(1, SeqCst);
                let answer = told.lock().unwrap().clone();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, answer, asked }
    }

    pub fn says(&self, status: &str, cache: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().unwrap() = format!(
            "HTTP/1.1 {status}\r\nCache-Control: {cache}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    }

    pub fn metadata(&self) -> ClientMetadata {
        let uri = format!("http://{}/jwks", self.address);
        ClientMetadata { jwks_uri: Some(uri), ..ClientMetadata::default() }
    }

    pub fn times_asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

/// A node that may call the host.
pub async fn beside(host: &Host, db: store::Db) -> House {
    let (world, clock) = testkit::world();
    House::tuned(db, world, clock, &[host.address.to_string()], |_| {}).await
}

async fn shows(house: &House, client_id: &str, chain: Vec<Vec<u8>>) -> Reply {
    let mut request = form("/oauth2/revocation", &[], &[("client_id", client_id), ("token", "x")]);
    if let Some(certificate) = ClientCertificate::of_chain(chain) {
        request.extensions_mut().insert(certificate);
    }
    house.call(request).await
}

on_each_engine! {
    async fn keys_are_fetched_kept_and_fetched_anew_with_measure(db: Db) {
        let host = Host::open().await;
        let house = beside(&host, db).await;
        let (old, new) = (Prover::new(), Prover::new());
        host.says("200 OK", "max-age=600", &old.jwks().to_string());
        let (client, _) = keyed(&house, "hosted", "smart-backend", "private_key_jwt", host.metadata()).await;
        let by = |prover: &Prover| prover.assertion(&house, &client, &json!({}));
        for _ in 0..3 {
            assert_eq!(prove(&house, &by(&old)).await, Ok(()));
        }
        assert_eq!(host.times_asked(), 1);
        host.says("200 OK", "max-age=600", &new.jwks().to_string());
        for _ in 0..3 {
            assert!(prove(&house, &by(&new)).await.is_err(), "an unknown key is looked for once a minute");
        }
        assert_eq!(host.times_asked(), 1);
        house.clock.advance(Duration::from_secs(60));
        assert_eq!(prove(&house, &by(&new)).await, Ok(()));
        assert_eq!(host.times_asked(), 2);
        assert!(prove(&house, &by(&old)).await.is_err(), "what is not published any more is not taken any more");
        house.clock.advance(Duration::from_secs(600));
        host.says("503 Service Unavailable", "no-store", "");
        assert!(prove(&house, &by(&new)).await.is_err(), "keys that are over are over, whatever the host says");
        host.says("200 OK", "no-store", &new.jwks().to_string());
        assert!(prove(&house, &by(&new)).await.is_err(), "a host that fails is left alone for a while");
        assert_eq!(host.times_asked(), 3);
        house.clock.advance(Duration::from_secs(10));
        for asked in [4, 5] {
            assert_eq!(prove(&house, &by(&new)).await, Ok(()));
            assert_eq!(host.times_asked(), asked, "what may not be stored is not");
            house.clock.advance(Duration::from_secs(1));
        }
    }

    async fn a_host_that_means_no_good_gets_nowhere(db: Db) {
        let host = Host::open().await;
        let house = beside(&host, db.clone()).await;
        let prover = Prover::new();
        let (client, _) = keyed(&house, "hosted", "oauth21", "private_key_jwt", host.metadata()).await;
        let huge = format!("{}{}", prover.jwks(), " ".repeat(300_000));
        for (status, body) in [
            ("200 OK", huge.as_str()),
            ("200 OK", "[]"),
            ("200 OK", "<html>"),
            ("302 Found\r\nLocation: http://127.0.0.1:1/", ""),
            ("404 Not Found", &prover.jwks().to_string()),
        ] {
            host.says(status, "max-age=600", body);
            house.clock.advance(Duration::from_secs(10));
            assert!(prove(&house, &prover.assertion(&house, &client, &json!({}))).await.is_err(), "{status}");
        }
        assert_eq!(host.times_asked(), 5);
        host.says("200 OK", "max-age=600", &prover.jwks().to_string());
        let closed = House::beside(db, house.world.clone(), house.clock.clone()).await;
        assert!(prove(&closed, &prover.assertion(&closed, &client, &json!({}))).await.is_err());
        assert_eq!(host.times_asked(), 5, "an address inside is not called unless it is named");
    }

    async fn nothing_in_a_token_is_followed(db: Db) {
        let host = Host::open().await;
        let house = beside(&host, db).await;
        let (prover, thief) = (Prover::new(), Prover::new());
        host.says("200 OK", "max-age=600", &thief.jwks().to_string());
        let (client, _) = keyed(&house, "service", "oauth21", "private_key_jwt", crate::prover::with_keys(prover.jwks())).await;
        let address = format!("http://{}/jwks", host.address);
        let said = crate::prover::claims(&house, &client, &json!({}));
        let mut headers = vec![thief.header(); 4];
        headers[0].jku = Some(address.clone());
        headers[1].x5u = Some(address.clone());
        headers[2].kid = Some(address.clone());
        headers[3].kid = Some(prover.key.kid().to_owned());
        headers[3].jku = Some(address.clone());
        for header in headers {
            let forged = thief.sign(&header, &said);
            assert!(prove(&house, &forged).await.is_err(), "{header:?}");
            assert_eq!(house.get_with_bearer("/oauth2/userinfo", &forged).await.status, StatusCode::UNAUTHORIZED);
            house.get(&format!("/oauth2/logout?id_token_hint={forged}"), None).await;
        }
        for name in ["request_uri", "sector_identifier_uri", "resource"] {
            let asked = crate::house::authorize(&client, "a", &[(name, &address)]);
            assert_ne!(house.get(&asked, None).await.status, StatusCode::OK, "{name}");
        }
        assert_eq!(host.times_asked(), 0, "nobody was called because of what a token or a request says");
        let hosted = keyed(&house, "hosted", "oauth21", "private_key_jwt", host.metadata()).await.0;
        assert_eq!(prove(&house, &thief.assertion(&house, &hosted, &json!({}))).await, Ok(()));
        assert_eq!(host.times_asked(), 1, "but because of what is registered");
    }

    async fn a_certificate_of_an_authority_proves_the_client_that_it_names(db: Db) {
        let authority = || {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (ours, theirs) = (authority(), authority());
        let issue = |by: &CertifiedIssuer<'_, KeyPair>, name: &str, uri: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
            params.signed_by(&KeyPair::generate().unwrap(), by).unwrap().der().to_vec()
        };
        let trusted = Certificate::from_der(ours.der().to_vec()).unwrap();
        let (world, clock) = testkit::world();
        clock.advance(Duration::from_hours(24 * 365));
        let house = House::tuned(db, world, clock, &[], |config| {
            config.tls_client_authorities = vec![trusted];
            config.client_certificates = ClientCertificates::Ask;
        })
        .await;
        let metadata = house.get("/oauth2/.well-known/openid-configuration", None).await.json();
        let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
        assert!(methods.contains(&"tls_client_auth".into()) && methods.contains(&"self_signed_tls_client_auth".into()));
        let metadata = ClientMetadata { tls_client_auth_san_uri: Some("https://lab.example/a".into()), ..ClientMetadata::default() };
        let (client, _) = keyed(&house, "lab", "oauth21", "tls_client_auth", metadata).await;
        let metadata = ClientMetadata { tls_client_auth_subject_dn: Some("CN=Clinic".into()), ..ClientMetadata::default() };
        let (named, _) = keyed(&house, "clinic", "oauth21", "tls_client_auth", metadata).await;
        let ask = async |client: &auth::client::Client, der: Vec<u8>| {
            shows(&house, client.client_id.as_str(), vec![der]).await.status
        };
        assert_eq!(ask(&client, issue(&ours, "Anything", "https://lab.example/a")).await, StatusCode::OK);
        assert_eq!(ask(&named, issue(&ours, "Clinic", "https://any.example/")).await, StatusCode::OK);
        for (why, der) in [
            ("another name", issue(&ours, "Anything", "https://lab.example/b")),
            ("another authority", issue(&theirs, "Anything", "https://lab.example/a")),
            ("no certificate at all", b"junk".to_vec()),
        ] {
            assert_eq!(ask(&client, der).await, StatusCode::UNAUTHORIZED, "{why}");
        }
        assert_eq!(shows(&house, client.client_id.as_str(), vec![]).await.status, StatusCode::UNAUTHORIZED);
        let public = house.client("app", "public").await.0;
        let shown = issue(&ours, "Anything", "https://lab.example/a");
        assert_eq!(ask(&public, shown).await, StatusCode::OK, "a certificate that nobody asks about is no second way");
    }

    async fn a_certificate_that_a_client_made_itself_proves_its_key(db: Db) {
        let (world, clock) = testkit::world();
        clock.advance(Duration::from_hours(24 * 365));
        let house = House::tuned(db, world, clock, &[], |_| {}).await;
        let made = || rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap().cert.der().to_vec();
        let (mine, other) = (made(), made());
        let jwk = Certificate::from_der(mine.clone()).unwrap().public_key().unwrap().clone();
        let metadata = ClientMetadata { jwks: Some(json!({ "keys": [jwk] })), ..ClientMetadata::default() };
        let (client, _) = keyed(&house, "self", "oauth21", "self_signed_tls_client_auth", metadata).await;
        for (der, status) in [(mine, StatusCode::OK), (other, StatusCode::UNAUTHORIZED)] {
            assert_eq!(shows(&house, client.client_id.as_str(), vec![der]).await.status, status);
        }
        let none: Value = shows(&house, client.client_id.as_str(), vec![]).await.json();
        assert_eq!(none["error"], "invalid_client");
    }
}
