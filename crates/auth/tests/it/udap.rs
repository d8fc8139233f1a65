//! Clients of a trust community: metadata, registration by signed statements, and what is tried instead.

use std::{fs, path::Path, sync::Arc};

use auth::udap::Communities;
use axum::body::Body;
use crypto::{
    b64,
    jose::{Algorithm, Chained, ExpectAssertion, SigningKey},
    x509::{Anchors, Certificate},
};
use http::{Request, StatusCode, header};
use kernel::Secret;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use serde_json::{Value, json};

use crate::{
    house::{BASE, CALLBACK, House, Reply, VERIFIER, authorize, on_each_engine},
    prover::ASSERTION_TYPE,
};

pub const COMMUNITY: &str = "https://community.example/udap";
const CLIENT: &str = "http://acme.example/b2b-app";

/// A certificate authority with its name and key.
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self { params, key: KeyPair::generate().unwrap() }
    }

    fn certificate(&self) -> Certificate {
        Certificate::from_der(self.params.self_signed(&self.key).unwrap().der().to_vec()).unwrap()
    }

    /// A certificate for these URIs and this key.
    fn issue(&self, uris: &[&str], key: &KeyPair) -> Certificate {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let made = params.signed_by(key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        Certificate::from_der(made.der().to_vec()).unwrap()
    }

    pub fn member(&self, uri: &str) -> Member {
        let key = KeyPair::generate().unwrap();
        let chain = [self.issue(&[uri], &key)];
        let key = SigningKey::from_pkcs8(Algorithm::Es256, &Secret::new(key.serialize_der())).unwrap();
        Member { chain, key }
    }

    /// The same with the kind of key that servers have.
    pub fn server(&self, uris: &[&str]) -> Member {
        let key = rsa();
        let chain = [self.issue(uris, &key)];
        let key = SigningKey::from_pkcs8(Algorithm::Rs256, &Secret::new(key.serialize_der())).unwrap();
        Member { chain, key }
    }
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap()
}

/// Somebody with a certificate.
pub struct Member {
    chain: [Certificate; 1],
    pub key: SigningKey,
}

impl Member {
    pub fn sign(&self, claims: &Value) -> String {
        self.key.sign_with_chain(&self.chain, claims).unwrap()
    }
}

fn pem(certificate: &Certificate) -> String {
    let text = b64::encode_standard(certificate.der());
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn write(folder: &Path, authority: &Authority, uri: &str) {
    write_with(folder, authority, &[uri], "");
}

fn write_with(folder: &Path, authority: &Authority, uris: &[&str], more: &str) {
    let key = rsa();
    let community = folder.join("first");
    fs::create_dir_all(&community).unwrap();
    let declared = format!("uri = \"{COMMUNITY}\"\norganisation = \"northwind\"\n{more}");
    fs::write(community.join("community.toml"), declared).unwrap();
    fs::write(community.join("anchors.pem"), pem(&authority.certificate())).unwrap();
    fs::write(community.join("certificate.pem"), pem(&authority.issue(uris, &key))).unwrap();
    fs::write(community.join("key.pem"), key.serialize_pem()).unwrap();
}

/// The community as a server of this address belongs to it, with these further lines.
pub fn communities(authority: &Authority, base: &str, uris: &[&str], more: &str) -> Arc<Communities> {
    let folder = tempfile::tempdir().unwrap();
    write_with(folder.path(), authority, uris, more);
    Arc::new(Communities::load(folder.path(), base).unwrap())
}

async fn open(db: store::Db) -> (House, Authority) {
    let authority = Authority::new();
    let communities = communities(&authority, BASE, &[BASE], "");
    let (world, clock) = testkit::world();
    let house = House::tuned(db, world, clock, &[], |config| config.udap = communities).await;
    (house, authority)
}

impl House {
    fn statement(&self) -> Value {
        let now = self.world.now().as_seconds();
        json!({
            "iss": CLIENT, "sub": CLIENT, "aud": format!("{BASE}/oauth2/udap/register"),
            "iat": now, "exp": now + 300, "jti": b64::encode(self.world.random::<8>()),
            "client_name": "Acme", "contacts": ["mailto:it@acme.example"],
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
            "scope": "a unknown",
        })
    }

    /// What the audit trail keeps of the last token.
    async fn issued(&self) -> Value {
        let mut tx = self.db.read().await.unwrap();
        let sql =
            "SELECT canonical FROM audit_event WHERE act = 'token.issued' ORDER BY at DESC, id DESC LIMIT 1";
        let (canonical,): (Vec<u8>,) = tx.one(sql, store::binds![]).await.unwrap();
        serde_json::from_slice::<Value>(&canonical).unwrap()["details"].clone()
    }

    async fn clients_on_record(&self) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        tx.one::<(i64,)>("SELECT count(*) FROM client", store::binds![]).await.unwrap().0
    }

    async fn udap(&self, statement: &str) -> Reply {
        let body = json!({ "software_statement": statement, "udap": "1" }).to_string();
        let request = Request::post("/oauth2/udap/register").header(header::CONTENT_TYPE, "application/json");
        self.call(request.body(Body::from(body)).unwrap()).await
    }
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

on_each_engine! {
    async fn metadata_is_signed_for_the_community(db: Db) {
        let (house, authority) = open(db).await;
        let reply = house.get("/.well-known/udap", None).await;
        assert_eq!((reply.status, &reply.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN]), (StatusCode::OK, &"*".parse().unwrap()));
        let out = reply.json();
        let endpoint = format!("{BASE}/oauth2/udap/register");
        let algorithms = json!(["RS256", "ES256", "RS384", "ES384"]);
        for (member, value) in [
            ("udap_versions_supported", json!(["1"])),
            ("udap_profiles_supported", json!(["udap_dcr", "udap_authn", "udap_authz"])),
            ("udap_authorization_extensions_supported", json!(["hl7-b2b"])),
            ("udap_authorization_extensions_required", json!([])),
            ("udap_certifications_supported", json!([])),
            ("grant_types_supported", json!(["authorization_code", "refresh_token", "client_credentials"])),
            ("authorization_endpoint", json!(format!("{BASE}/oauth2/authorize"))),
            ("token_endpoint", json!(format!("{BASE}/oauth2/token"))),
            ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
            ("token_endpoint_auth_signing_alg_values_supported", algorithms.clone()),
            ("registration_endpoint", json!(endpoint)),
            ("registration_endpoint_jwt_signing_alg_values_supported", algorithms),
        ] {
            assert_eq!(out[member], value, "{member}");
        }
        assert!(["a", "b"].iter().all(|scope| out["scopes_supported"].as_array().unwrap().contains(&json!(scope))));
        let told = b64::decode(out["signed_metadata"].as_str().unwrap().split('.').nth(1).unwrap()).unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        for member in ["authorization_endpoint", "token_endpoint", "registration_endpoint"] {
            assert_eq!(told[member], out[member], "what is signed is what is told");
        }
        assert!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap() <= 365 * 86_400);
        assert_eq!((&told["iss"], &told["sub"], told["jti"].is_string()), (&json!(BASE), &json!(BASE), true));
        let signed = Chained::read(out["signed_metadata"].as_str().unwrap(), &[Algorithm::Rs256]).unwrap();
        assert_eq!(signed.named_issuer(), Some(BASE));
        let by_name = house.get("/.well-known/udap?community=https%3A%2F%2Fcommunity.example%2Fudap", None).await;
        assert_eq!(by_name.json()["signed_metadata"], out["signed_metadata"], "signed once for a while");
        let strange = house.get("/.well-known/udap?community=https%3A%2F%2Felsewhere.example", None).await;
        assert_eq!((strange.status, strange.body.len()), (StatusCode::NO_CONTENT, 0));

        // a reader's judgement: the path, and that the claims are about this server; signed metadata names no audience
        let expect = ExpectAssertion {
            client: BASE, audiences: &[], audience_form: crypto::jose::AudienceForm::TextOrList, jku: None,
            life_max_s: 86_400, now: house.world.now(), leeway_s: 10,
        };
        let trusted = signed.verify(&Anchors::new([&authority.certificate()]).unwrap(), &expect).err();
        assert_eq!(trusted, Some(crypto::jose::ChainedFault::Token(crypto::jose::JoseError::Claim("aud"))));
    }

    async fn who_belongs_to_no_community_offers_nothing(db: Db) {
        let house = House::open(db).await;
        assert_eq!(house.get("/.well-known/udap", None).await.status, StatusCode::NOT_FOUND);
        let member = Authority::new().member(CLIENT);
        let refused = house.udap(&member.sign(&house.statement())).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }

    async fn a_client_registers_changes_and_cancels(db: Db) {
        let (house, authority) = open(db).await;
        let member = authority.member(CLIENT);
        let reply = house.udap(&member.sign(&house.statement())).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let out = reply.json();
        assert_eq!((&out["scope"], &out["grant_types"]), (&json!("a"), &json!(["client_credentials"])));
        let client_id = out["client_id"].as_str().unwrap().to_owned();

        // with another certificate for the same URI: the URI names the application, not the key
        let renewed = authority.member(CLIENT);
        let changed = house.udap(&renewed.sign(&with(house.statement(), "scope", json!("a b")))).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
        assert_eq!((&changed.json()["client_id"], &changed.json()["scope"]), (&json!(client_id), &json!("a b")));
        let other = authority.member("https://other.example");
        let claims = with(with(house.statement(), "iss", json!("https://other.example")), "sub", json!("https://other.example"));
        assert_ne!(house.udap(&other.sign(&claims)).await.json()["client_id"], json!(client_id));

        let none = with(house.statement(), "grant_types", json!([]));
        let cancelled = house.udap(&member.sign(&none)).await;
        assert_eq!((cancelled.status, &cancelled.json()["grant_types"]), (StatusCode::OK, &json!([])));
        assert_eq!(cancelled.json()["client_id"], json!(client_id));
        let again = house.udap(&member.sign(&with(house.statement(), "grant_types", json!([])))).await;
        assert_eq!(again.error(), "invalid_client_metadata", "there is nothing left to cancel");
        let anew = house.udap(&member.sign(&house.statement())).await;
        assert_eq!(anew.status, StatusCode::CREATED);
        assert_ne!(anew.json()["client_id"], json!(client_id));
    }

    async fn a_registered_client_gets_tokens_with_its_certificate_and_its_purpose(db: Db) {
        let (house, authority) = open(db).await;
        let member = authority.member(CLIENT);
        let registered = house.udap(&member.sign(&house.statement())).await.json();
        let client_id = registered["client_id"].as_str().unwrap();
        let token = || {
            let now = house.world.now().as_seconds();
            json!({ "iss": client_id, "sub": client_id, "aud": format!("{BASE}/oauth2/token"), "iat": now, "exp": now + 300,
                "jti": b64::encode(house.world.random::<8>()), "extensions": { "hl7-b2b": {
                    "version": "1", "organization_id": "https://acme.example/fhir/Organization/1",
                    "purpose_of_use": ["urn:oid:2.16.840.1.113883.5.8#TREAT"] } } })
        };
        let ask = async |assertion: String, udap: &str| {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.as_str()), ("udap", udap), ("scope", "a"),
            ];
            house.post("/oauth2/token", None, &form).await
        };
        let once = member.sign(&token());
        let reply = ask(once.clone(), "1").await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.json()["extensions"]["hl7-b2b"]["version"], "1");
        let kept = house.issued().await;
        assert_eq!(kept["extensions"]["hl7-b2b"]["purpose_of_use"], json!(["urn:oid:2.16.840.1.113883.5.8#TREAT"]));
        assert_eq!(kept["extensions"]["hl7-b2b"]["organization_id"], "https://acme.example/fhir/Organization/1");
        assert!(reply.json()["expires_in"].as_i64().unwrap() <= 3_600);
        assert_eq!(ask(once, "1").await.error(), "invalid_client", "used before");
        let renewed = authority.member(CLIENT);
        assert_eq!(ask(renewed.sign(&token()), "1").await.status, StatusCode::OK, "the URI counts, not the key");

        let (other, stranger) = (authority.member("https://other.example"), Authority::new().member(CLIENT));
        for (assertion, udap, error) in [
            (other.sign(&token()), "1", "invalid_client"),
            (stranger.sign(&token()), "1", "invalid_client"),
            (member.key.sign("JWT", &token()).unwrap(), "1", "invalid_client"),
            (member.sign(&with(token(), "aud", json!(format!("{BASE}/oauth2")))), "1", "invalid_client"),
            (member.sign(&with(token(), "exp", json!(house.world.now().as_seconds() + 900))), "1", "invalid_client"),
            (member.sign(&with(token(), "iat", Value::Null)), "1", "invalid_client"),
            (member.sign(&with(token(), "jti", Value::Null)), "1", "invalid_client"),
            (member.sign(&with(token(), "extensions", Value::Null)), "1", "invalid_grant"),
            (member.sign(&with(token(), "extensions", json!({ "hl7-b2b": { "version": "1" } }))), "1", "invalid_grant"),
            (member.sign(&token()), "", "invalid_request"),
        ] {
            assert_eq!(ask(assertion, udap).await.error(), error);
        }
    }

    async fn a_person_lets_a_client_of_a_community_in(db: Db) {
        let (house, authority) = open(db).await;
        house.person("mira@example.org", &[]).await;
        let member = authority.member(CLIENT);
        let mut statement = house.statement();
        for (name, value) in [
            ("grant_types", json!(["authorization_code", "refresh_token"])),
            ("redirect_uris", json!([CALLBACK])),
            ("response_types", json!(["code"])),
            ("logo_uri", json!("https://acme.example/logo.png")),
            ("scope", json!("openid offline_access a")),
        ] {
            statement = with(statement, name, value);
        }
        let registered = house.udap(&member.sign(&statement)).await;
        assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.text());
        assert_eq!(registered.json()["redirect_uris"], json!([CALLBACK]));
        let client_id = registered.json()["client_id"].as_str().unwrap().to_owned();
        let client = auth::client::live_by_client_id(&house.auth, &client_id).await.unwrap().unwrap();
        let cookie = house.sign_in("mira@example.org").await;
        for (name, value) in [("state", ""), ("code_challenge", ""), ("code_challenge_method", "plain")] {
            let refused = house.get(&authorize(&client, "openid a", &[(name, value)]), Some(&cookie)).await;
            assert_eq!(refused.sent("error").as_deref(), Some("invalid_request"), "{name}");
        }
        let asked = house.get(&authorize(&client, "openid offline_access a", &[]), Some(&cookie)).await;
        let answer = house.allow(&cookie, &asked.sent("request").unwrap()).await;
        let answer = url::Url::parse(&answer).unwrap();
        let sent = |name: &str| answer.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
        assert_eq!(sent("state"), "st&te");
        let ask = async |udap: &str, pairs: &[(&str, &str)]| {
            let now = house.world.now().as_seconds();
            let assertion = member.sign(&json!({
                "iss": client_id, "sub": client_id, "aud": format!("{BASE}/oauth2/token"), "iat": now, "exp": now + 300,
                "jti": b64::encode(house.world.random::<8>()),
            }));
            let own = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str()), ("udap", udap)];
            house.post("/oauth2/token", None, &[&own[..], pairs].concat()).await
        };
        let code = sent("code");
        let pairs = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        assert_eq!(ask("", &pairs).await.error(), "invalid_request", "udap=1 is in every token request");
        let out = ask("1", &pairs).await;
        assert_eq!(out.status, StatusCode::OK, "{}", out.text());
        assert_eq!(out.headers[header::CACHE_CONTROL], "no-store");
        let out = out.json();
        assert_eq!((&out["token_type"], out["id_token"].is_string()), (&json!("Bearer"), true));
        assert!(out["expires_in"].as_i64().unwrap() <= 3_600);
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", out["refresh_token"].as_str().unwrap())];
        assert_eq!(ask("", &pairs).await.error(), "invalid_request");
        let renewed = ask("1", &pairs).await;
        assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text());
    }

    async fn nobody_touches_another_s_registration(db: Db) {
        let (house, authority) = open(db).await;
        let (member, other) = (authority.member(CLIENT), authority.member("https://other.example"));
        let mine = house.udap(&member.sign(&house.statement())).await.json();
        for change in [("grant_types", json!([])), ("client_name", json!("Mine now")), ("iss", json!("https://other.example"))] {
            let statement = with(house.statement(), change.0, change.1);
            let refused = house.udap(&other.sign(&statement)).await;
            assert_eq!(refused.error(), "invalid_software_statement", "{}", change.0);
        }
        let client_id = mine["client_id"].as_str().unwrap();
        let client = auth::client::live_by_client_id(&house.auth, client_id).await.unwrap().unwrap();
        assert_eq!(client.name, "Acme");
    }

    async fn a_registration_is_whole_or_not_there(db: Db) {
        let (house, authority) = open(db).await;
        let member = authority.member(CLIENT);
        let statement = member.sign(&house.statement());
        let run = async |sql: &'static str| house.db.execute(sql, store::binds![]).await.unwrap();
        run("ALTER TABLE audit_event RENAME COLUMN reason TO away").await;
        assert!(house.udap(&statement).await.status.is_server_error());
        run("ALTER TABLE audit_event RENAME COLUMN away TO reason").await;
        assert_eq!(house.clients_on_record().await, 0, "no client without its row in the audit trail");
        assert_eq!(house.udap(&statement).await.status, StatusCode::CREATED, "and the statement was not used up");

        // Two at once are one registration, whichever comes first.
        let fresh = authority.member("https://fresh.example");
        let of_fresh = || with(with(house.statement(), "iss", json!("https://fresh.example")), "sub", json!("https://fresh.example"));
        let (first, second) = (fresh.sign(&of_fresh()), fresh.sign(&of_fresh()));
        let (first, second) = futures_util::future::join(house.udap(&first), house.udap(&second)).await;
        let made = [&first, &second].iter().filter(|reply| reply.status == StatusCode::CREATED).count();
        assert_eq!((made, house.clients_on_record().await), (1, 2), "{} {}", first.text(), second.text());

        // A statement that finds nothing to cancel is used up: who overhears it has nothing for later.
        let early = authority.member("https://early.example");
        let of_early = || with(with(house.statement(), "iss", json!("https://early.example")), "sub", json!("https://early.example"));
        let cancel = early.sign(&with(of_early(), "grant_types", json!([])));
        assert_eq!(house.udap(&cancel).await.error(), "invalid_client_metadata");
        assert_eq!(house.udap(&early.sign(&of_early())).await.status, StatusCode::CREATED);
        assert_eq!(house.udap(&cancel).await.error(), "invalid_software_statement");
    }

    async fn statements_that_are_refused(db: Db) {
        let (house, authority) = open(db).await;
        let member = authority.member(CLIENT);
        let now = house.world.now().as_seconds();
        const INVALID: &str = "invalid_software_statement";
        for (claim, value, error) in [
            ("iss", json!("https://other.example"), INVALID),
            ("iss", Value::Null, INVALID),
            ("sub", json!("https://other.example"), INVALID),
            ("aud", json!(format!("{BASE}/oauth2/token")), INVALID),
            ("aud", Value::Null, INVALID),
            ("exp", json!(now - 60), INVALID),
            ("exp", json!(now + 3_600), INVALID),
            ("iat", json!(now + 60), INVALID),
            ("iat", Value::Null, INVALID),
            ("jti", Value::Null, INVALID),
            ("client_name", Value::Null, "invalid_client_metadata"),
            ("client_name", json!(7), "invalid_client_metadata"),
            ("redirect_uris", json!(["https://acme.example/"]), "invalid_client_metadata"),
            ("scope", json!("unknown"), "invalid_client_metadata"),
            ("grant_types", json!(["password"]), "invalid_client_metadata"),
        ] {
            let reply = house.udap(&member.sign(&with(house.statement(), claim, value.clone()))).await;
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, error), "{claim} {value}: {}", reply.text());
        }
        let (stranger, victim) = (Authority::new().member(CLIENT), authority.member("https://victim.example"));
        assert_eq!(house.udap(&stranger.sign(&house.statement())).await.error(), "unapproved_software_statement");
        assert_eq!(house.udap(&victim.sign(&house.statement())).await.error(), INVALID, "a name that is not in the certificate");
        let theirs = stranger.key.sign_with_chain(&member.chain, &house.statement()).unwrap();
        assert_eq!(house.udap(&theirs).await.error(), INVALID, "somebody else's certificate");
        assert_eq!(house.udap(&member.key.sign("JWT", &house.statement()).unwrap()).await.error(), INVALID, "no certificate");
        assert_eq!(house.udap("junk").await.error(), INVALID);
        let body = json!({ "software_statement": member.sign(&house.statement()), "udap": "2" }).to_string();
        let request = Request::post("/oauth2/udap/register").header(header::CONTENT_TYPE, "application/json");
        assert_eq!(house.call(request.body(Body::from(body)).unwrap()).await.error(), "invalid_client_metadata");

        let statement = member.sign(&house.statement());
        assert_eq!(house.udap(&statement).await.status, StatusCode::CREATED);
        assert_eq!(house.udap(&statement).await.error(), INVALID, "used before");
    }
}

#[test]
fn a_folder_that_is_not_right_is_named() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &authority, "https://another.example");
    let why = Communities::load(folder.path(), BASE).unwrap_err().to_string();
    assert!(why.contains("certificate.pem") && why.contains(BASE), "{why}");
    write(folder.path(), &authority, BASE);
    let other = rsa();
    fs::write(folder.path().join("first/key.pem"), other.serialize_pem()).unwrap();
    let why = Communities::load(folder.path(), BASE).unwrap_err().to_string();
    assert!(why.contains("not the key of the certificate"), "{why}");
    assert!(Communities::load(&folder.path().join("missing"), BASE).is_err());
    for (terms, field) in [
        ("contact = \"northwind\"\nlogo = \"https://northwind.example/logo.png\"", "contact"),
        ("contact = \"mailto:it@northwind.example\"\nlogo = \"logo.png\"", "logo"),
        (
            "contact = \"mailto:it@northwind.example\"\nlogo = \"https://northwind.example/logo.png\"\n\
             counts_as = \"urn:hilum:acr:passkey\"",
            "counts_as",
        ),
        ("contact = \"mailto:it@northwind.example\"", "logo"),
    ] {
        write_with(folder.path(), &authority, &[BASE], &format!("[identity_providers]\n{terms}\n"));
        let why = Communities::load(folder.path(), BASE).unwrap_err().to_string();
        assert!(why.contains("community.toml") && why.contains(field), "{why}");
    }
}
