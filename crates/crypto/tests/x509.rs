//! Chains of certificates, made by somebody else's library: what they say, and every reason not to trust them.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use crypto::{
    jose::{Algorithm, AudienceForm, Chained, ChainedFault, ExpectAssertion, JoseError, Jwks, SigningKey},
    x509::{Anchors, Certificate, Usage, X509Error},
};
use kernel::{Secret, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use serde_json::json;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const AUDIENCE: &str = "https://hilum.example/oauth2/udap/register";
const URI: &str = "https://client.example/udap";

/// A subject with a key.
struct Held {
    certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

impl Held {
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_pkcs8(Algorithm::Es256, &Secret::new(self.key.serialize_der())).unwrap()
    }
}

fn changed(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2028, 1, 1);
    params
}

fn authority(name: &str, constraints: BasicConstraints) -> CertificateParams {
    changed(params(name), |params| {
        params.is_ca = IsCa::Ca(constraints);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    })
}

fn leaf() -> CertificateParams {
    changed(params("client"), |params| {
        params.subject_alt_names = vec![SanType::URI(URI.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.serial_number = Some(SerialNumber::from_slice(&[7]));
    })
}

fn made(params: CertificateParams, issuer: Option<&Held>) -> Held {
    let key = KeyPair::generate().unwrap();
    let made = match issuer {
        None => params.self_signed(&key).unwrap(),
        Some(issuer) => params.signed_by(&key, &issuer.issuer()).unwrap(),
    };
    Held { certificate: Certificate::from_der(made.der().to_vec()).unwrap(), params, key }
}

fn root() -> Held {
    made(authority("root", BasicConstraints::Unconstrained), None)
}

fn anchors(root: &Held) -> Anchors {
    Anchors::new([&root.certificate]).unwrap()
}

#[test]
fn a_certificate_says_who_it_is() {
    let mut params = leaf();
    params.distinguished_name.push(DnType::OrganizationName, "Clinic, North");
    params.subject_alt_names.extend([
        SanType::DnsName("client.example".try_into().unwrap()),
        SanType::Rfc822Name("it@client.example".try_into().unwrap()),
        SanType::IpAddress([192, 0, 2, 1].into()),
        SanType::IpAddress([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].into()),
    ]);
    let held = made(params, None);
    let read = &held.certificate;
    assert_eq!(read.subject(), r"O=Clinic\, North,CN=client");
    assert!(read.has_subject(r"O=Clinic\, North, CN=client") && !read.has_subject("CN=client"));
    assert_eq!(read.uris(), [URI]);
    assert_eq!(read.dns_names(), ["client.example"]);
    assert_eq!(read.emails(), ["it@client.example"]);
    let addresses: Vec<_> = read.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["192.0.2.1", "2001:db8::1"]);
    assert_eq!(read.not_before().as_seconds(), date_time_ymd(2026, 1, 1).unix_timestamp());
    assert_eq!(read.not_after().as_seconds(), date_time_ymd(2028, 1, 1).unix_timestamp());
    assert_eq!(read.thumbprint(), crypto::b64::encode(crypto::sha256(read.der())));
    let key = held.signing_key();
    assert_eq!(read.public_key().unwrap().thumbprint(), key.public_jwk().thumbprint());
    assert_eq!(format!("{read:?}"), r#"Certificate("O=Clinic\\, North,CN=client")"#);
}

#[test]
fn each_kind_of_key_is_read() {
    for (algorithm, theirs) in [
        (Algorithm::Es256, &rcgen::PKCS_ECDSA_P256_SHA256),
        (Algorithm::Es384, &rcgen::PKCS_ECDSA_P384_SHA384),
        (Algorithm::EdDsa, &rcgen::PKCS_ED25519),
        (Algorithm::Ps256, &rcgen::PKCS_RSA_SHA256),
    ] {
        let key = SigningKey::generate(algorithm).unwrap();
        let der = key.to_pkcs8().unwrap();
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&der.expose().as_slice().into(), theirs).unwrap();
        let der = leaf().self_signed(&pair).unwrap().der().to_vec();
        let read = Certificate::from_der(der).unwrap();
        assert_eq!(read.public_key().unwrap().thumbprint(), key.public_jwk().thumbprint(), "{algorithm:?}");
    }
}

#[test]
fn junk_is_no_certificate() {
    let der = root().certificate.der().to_vec();
    let with_more = [der.as_slice(), &[0]].concat();
    for bytes in [&[][..], b"junk", &der[..der.len() - 1], &with_more, &[0x30; 20_000]] {
        assert_eq!(Certificate::from_der(bytes.to_vec()).err(), Some(X509Error::Malformed));
    }
    assert!(Certificate::all_from_pem(b"").is_err());
    assert!(
        Certificate::all_from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err()
    );
}

#[test]
fn a_path_to_an_anchor_is_found_in_any_order() {
    let root = root();
    let upper = made(authority("upper", BasicConstraints::Constrained(1)), Some(&root));
    let lower = made(authority("lower", BasicConstraints::Constrained(0)), Some(&upper));
    let leaf = made(leaf(), Some(&lower));
    let anchors = anchors(&root);
    let others = [upper.certificate.clone(), lower.certificate.clone()];
    for usage in [Usage::ClientAuthentication, Usage::Signature] {
        assert_eq!(anchors.verify(&leaf.certificate, &others, usage, NOW), Ok(()));
    }
    let pem: String = others.iter().map(pem).collect();
    assert_eq!(Certificate::all_from_pem(pem.as_bytes()).unwrap().len(), 2);

    let missing = anchors.verify(&leaf.certificate, &others[1..], Usage::Signature, NOW);
    assert_eq!(missing, Err(X509Error::Untrusted), "a certificate on the way is missing");
    let nobody = Anchors::default();
    assert!(nobody.is_empty());
    assert_eq!(nobody.verify(&leaf.certificate, &others, Usage::Signature, NOW), Err(X509Error::Untrusted));
}

fn pem(certificate: &Certificate) -> String {
    let text = crypto::b64::encode_standard(certificate.der());
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn every_reason_not_to_trust_one() {
    let root = root();
    let refused = |params: CertificateParams, usage| {
        anchors(&root).verify(&made(params, Some(&root)).certificate, &[], usage, NOW).err()
    };
    let signature = |params| refused(params, Usage::Signature);
    assert_eq!(signature(leaf()), None);

    let expired = changed(leaf(), |params| {
        params.not_after = date_time_ymd(2026, 6, 1);
    });
    assert_eq!(signature(expired), Some(X509Error::Expired));
    let not_yet = changed(leaf(), |params| {
        params.not_before = date_time_ymd(2027, 12, 1);
    });
    assert_eq!(signature(not_yet), Some(X509Error::NotYet));
    let no_signatures = changed(leaf(), |params| {
        params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    });
    assert_eq!(signature(no_signatures.clone()), Some(X509Error::Usage));
    assert_eq!(refused(no_signatures, Usage::ClientAuthentication), Some(X509Error::Usage));
    assert_eq!(
        signature(changed(leaf(), |params| {
            params.key_usages = vec![];
        })),
        None,
        "says nothing: all uses"
    );
    assert_eq!(signature(authority("an authority", BasicConstraints::Unconstrained)), Some(X509Error::Usage));

    let server_only = changed(leaf(), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert_eq!(refused(server_only.clone(), Usage::ClientAuthentication), Some(X509Error::Usage));
    assert_eq!(signature(server_only), None);
    let client = changed(leaf(), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(refused(client, Usage::ClientAuthentication), None);

    // the same name, another key
    let impostor = made(authority("root", BasicConstraints::Unconstrained), None);
    let forged = made(leaf(), Some(&impostor));
    let judged = anchors(&root).verify(&forged.certificate, &[], Usage::Signature, NOW);
    assert_eq!(judged, Err(X509Error::Untrusted));
    let bring_your_own = std::slice::from_ref(&impostor.certificate);
    let judged = anchors(&root).verify(&forged.certificate, bring_your_own, Usage::Signature, NOW);
    assert_eq!(judged, Err(X509Error::Untrusted), "an authority that somebody brings along is none");
    let own = made(leaf(), None);
    assert!(anchors(&root).verify(&own.certificate, &[], Usage::Signature, NOW).is_err(), "signed by itself");
}

#[test]
fn who_may_not_issue_issues_nothing() {
    let root = root();
    let anchors = anchors(&root);
    let judged = |leaf: &Held, issuer: &Held| {
        anchors.verify(&leaf.certificate, std::slice::from_ref(&issuer.certificate), Usage::Signature, NOW)
    };

    let client = made(leaf(), Some(&root));
    assert_eq!(judged(&made(leaf(), Some(&client)), &client), Err(X509Error::Usage), "a leaf issues");
    let no_issuing = changed(authority("signs only", BasicConstraints::Unconstrained), |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let no_issuing = made(no_issuing, Some(&root));
    assert_eq!(judged(&made(leaf(), Some(&no_issuing)), &no_issuing), Err(X509Error::Usage));
}

#[test]
fn a_chain_has_an_end() {
    let root = root();
    let upper = made(authority("upper", BasicConstraints::Constrained(0)), Some(&root));
    let lower = made(authority("lower", BasicConstraints::Unconstrained), Some(&upper));
    let deep = made(leaf(), Some(&lower));
    let others = [upper.certificate.clone(), lower.certificate.clone()];
    let judged = anchors(&root).verify(&deep.certificate, &others, Usage::Signature, NOW);
    assert_eq!(judged, Err(X509Error::TooLong), "longer than the upper one allows");

    let mut line = vec![self::root()];
    for step in 0..8 {
        let next = made(authority(&format!("step {step}"), BasicConstraints::Unconstrained), line.last());
        line.push(next);
    }
    let far = made(leaf(), line.last());
    let others: Vec<_> = line[1..].iter().map(|held| held.certificate.clone()).collect();
    let judged = anchors(&line[0]).verify(&far.certificate, &others, Usage::Signature, NOW);
    assert_eq!(judged, Err(X509Error::TooLong));
}

#[test]
fn what_was_revoked_is_refused() {
    let root = root();
    let client = made(leaf(), Some(&root));
    let list = |serial: u8, next_update| {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[serial]),
            revocation_time: date_time_ymd(2026, 7, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 7, 1),
            next_update,
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(&root.issuer()).unwrap().der().to_vec()
    };
    let judged = |list: &[u8]| {
        let anchors = anchors(&root).with_revocation_list(list).unwrap();
        anchors.verify(&client.certificate, &[], Usage::Signature, NOW)
    };
    let later = date_time_ymd(2027, 12, 1);
    assert_eq!(judged(&list(7, later)), Err(X509Error::Revoked));
    assert_eq!(judged(&list(8, later)), Ok(()));
    assert_eq!(judged(&list(8, date_time_ymd(2026, 8, 1))), Err(X509Error::RevocationList));
    assert!(anchors(&root).with_revocation_list(b"junk").is_err());
}

#[test]
fn a_certificate_signed_by_itself_is_known_by_its_registration() {
    let (mine, other) = (made(leaf(), None), made(leaf(), None));
    let registered = |x5c: Option<&Held>, key: &Held| {
        let mut jwk = key.certificate.public_key().unwrap().clone();
        jwk.x5c = x5c.map(|held| vec![crypto::b64::encode_standard(held.certificate.der())]);
        Jwks::new([jwk])
    };
    let certificate = &mine.certificate;
    assert!(certificate.is_among(&registered(None, &mine)));
    assert!(certificate.is_among(&registered(Some(&mine), &mine)));
    assert!(!certificate.is_among(&registered(None, &other)));
    assert!(!certificate.is_among(&registered(Some(&other), &mine)), "the key, but another certificate");
    assert!(!certificate.is_among(&registered(Some(&mine), &other)), "the certificate beside another key");
    assert!(!certificate.is_among(&Jwks::default()));
}

fn claims() -> serde_json::Value {
    let now = NOW.as_seconds();
    json!({ "iss": URI, "sub": URI, "aud": AUDIENCE, "iat": now, "exp": now + 300, "jti": "1" })
}

fn expect() -> ExpectAssertion<'static> {
    ExpectAssertion {
        client: URI,
        audiences: &[AUDIENCE],
        audience_form: AudienceForm::TextOrList,
        jku: None,
        life_max_s: 300,
        now: NOW,
        leeway_s: 10,
    }
}

#[test]
fn a_statement_counts_once_its_certificate_does() {
    let root = root();
    let middle = made(authority("middle", BasicConstraints::Unconstrained), Some(&root));
    let client = made(leaf(), Some(&middle));
    let chain = [client.certificate.clone(), middle.certificate.clone()];
    let token = client.signing_key().sign_with_chain(&chain, &claims()).unwrap();
    let read = |token: &str| Chained::read(token, &[Algorithm::Es256]);

    let statement = read(&token).unwrap();
    assert_eq!(statement.named_issuer(), Some(URI));
    let (claims, signer) = statement.verify(&anchors(&root), &expect()).unwrap();
    assert_eq!((claims.subject.as_str(), signer.uris()), (URI, &[URI.to_owned()][..]));
    let strangers = anchors(&self::root());
    let judged = statement.verify(&strangers, &expect()).err();
    assert_eq!(judged, Some(ChainedFault::Certificate(X509Error::Untrusted)));
    let elsewhere = ExpectAssertion { audiences: &["https://elsewhere.example"], ..expect() };
    let judged = statement.verify(&anchors(&root), &elsewhere).err();
    assert_eq!(judged, Some(ChainedFault::Token(JoseError::Audience)));
    let later = ExpectAssertion { now: NOW + std::time::Duration::from_secs(400), ..expect() };
    let judged = statement.verify(&anchors(&root), &later).err();
    assert_eq!(judged, Some(ChainedFault::Token(JoseError::Expired)));

    // somebody else's good chain, in front of a signature of one's own
    let thief = made(leaf(), None).signing_key();
    let stolen = thief.sign_with_chain(&chain, &self::claims()).unwrap();
    assert_eq!(read(&stolen).err(), Some(JoseError::Signature));
    let other_algorithm = Chained::read(&token, &[Algorithm::Rs256]).err();
    assert_eq!(other_algorithm, Some(JoseError::Algorithm));
    let many = vec![client.certificate.clone(); 9];
    for chain in [&[][..], &many] {
        let token = client.signing_key().sign_with_chain(chain, &json!({})).unwrap();
        assert_eq!(read(&token).err(), Some(JoseError::Header("x5c")));
    }
    let plain = client.signing_key().sign("JWT", &json!({})).unwrap();
    assert_eq!(read(&plain).err(), Some(JoseError::Header("x5c")));
}

#[test]
fn keys_are_read_from_pem() {
    let key = KeyPair::generate().unwrap();
    let read = |algorithm, pem: &str| SigningKey::from_pem(algorithm, &Secret::new(pem.as_bytes().to_vec()));
    assert!(read(Algorithm::Es256, &key.serialize_pem()).is_ok());
    assert!(read(Algorithm::Es384, &key.serialize_pem()).is_err());
    assert!(read(Algorithm::Rs256, &key.serialize_pem()).is_err());
    assert!(read(Algorithm::Es256, "junk").is_err());
}
