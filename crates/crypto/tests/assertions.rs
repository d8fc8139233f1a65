//! What clients say about themselves: assertions by key and by secret, proofs of possession. What they try beside.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails here has failed")]

use std::sync::LazyLock;

use crypto::{
    b64,
    jose::{
        Algorithm, AudienceForm, DpopProof, ExpectAssertion, JoseError, Jwks, LEEWAY_S, MacAlgorithm, MacKey,
        SigningKey, Typ, verify_assertion, verify_mac_assertion, verify_signature,
    },
};
use kernel::{Secret, Timestamp};
use serde_json::{Value, json};

const NOW_S: i64 = 1_800_000_000;
const CLIENT: &str = "client";
const TOKEN_ENDPOINT: &str = "https://hilum.example/oauth2/token";
const ISSUER: &str = "https://hilum.example/oauth2";
const SECRET: &str = "0123456789012345678901234567890123456789012345678901234567890123";

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
static KEYS: LazyLock<Jwks> = LazyLock::new(|| Jwks::new([KEY.public_jwk().clone()]));

fn expect() -> ExpectAssertion<'static> {
    ExpectAssertion {
        client: CLIENT,
        audiences: &[TOKEN_ENDPOINT, ISSUER],
        audience_form: AudienceForm::TextOrList,
        jku: Some("https://client.example/jwks"),
        life_max_s: 300,
        now: Timestamp::from_seconds(NOW_S),
        leeway_s: LEEWAY_S,
    }
}

fn claims() -> Value {
    json!({ "iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": NOW_S + 300, "iat": NOW_S, "jti": "1" })
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().remove(member)),
        value => object[member] = value,
    }
    object
}

/// A token with any header, well signed.
fn signed(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", b64::encode(header.to_string()), b64::encode(claims.to_string()));
    let key = jsonwebtoken::EncodingKey::from_ec_der(KEY.to_pkcs8().unwrap().expose());
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::ES256).unwrap();
    format!("{message}.{signature}")
}

fn refusal(claims: &Value, expect: &ExpectAssertion<'_>) -> Option<JoseError> {
    let token = KEY.sign("JWT", claims).unwrap();
    verify_assertion(&token, &KEYS, &[Algorithm::Es256], expect).err()
}

#[test]
fn an_assertion_is_about_its_client_for_this_server_and_short() {
    let good = verify_assertion(&KEY.sign("JWT", &claims()).unwrap(), &KEYS, &[Algorithm::Es256], &expect());
    assert_eq!(good.unwrap().token_id.as_deref(), Some("1"));
    let late = json!(NOW_S + 311);
    let cases = [
        ("iss", json!("another"), Some(JoseError::Issuer)),
        ("iss", Value::Null, Some(JoseError::Claim("iss"))),
        ("sub", json!("another"), Some(JoseError::Issuer)),
        ("sub", Value::Null, Some(JoseError::Claim("sub"))),
        ("aud", json!(TOKEN_ENDPOINT), None),
        ("aud", json!([TOKEN_ENDPOINT]), None),
        ("aud", json!(["https://elsewhere.example", ISSUER]), None),
        ("aud", json!("https://hilum.example/oauth2/"), Some(JoseError::Audience)),
        ("aud", json!([]), Some(JoseError::Audience)),
        ("aud", Value::Null, Some(JoseError::Claim("aud"))),
        ("jti", Value::Null, Some(JoseError::Claim("jti"))),
        ("jti", json!(""), Some(JoseError::Claim("jti"))),
        ("jti", json!(7), Some(JoseError::Claim("jti"))),
        ("jti", json!("j".repeat(513)), Some(JoseError::Claim("jti"))),
        ("exp", Value::Null, Some(JoseError::Claim("exp"))),
        ("exp", json!(NOW_S - 10), Some(JoseError::Expired)),
        ("exp", json!(NOW_S + 310), None),
        ("exp", late.clone(), Some(JoseError::LivesTooLong)),
        ("iat", Value::Null, None),
        ("iat", json!(NOW_S - 11), Some(JoseError::LivesTooLong)),
        ("iat", json!(NOW_S + 11), Some(JoseError::NotYet)),
        ("nbf", json!(NOW_S + 11), Some(JoseError::NotYet)),
    ];
    for (claim, value, expected) in cases {
        assert_eq!(refusal(&with(claims(), claim, value.clone()), &expect()), expected, "{claim} {value}");
    }
    let without_iat = with(with(claims(), "iat", Value::Null), "exp", late);
    assert_eq!(refusal(&without_iat, &expect()), Some(JoseError::LivesTooLong), "no iat hides a long life");
}

/// FAPI 2.0 Security Profile §5.3.2.1: the issuer, as one text.
#[test]
fn a_profile_can_refuse_lists_and_endpoints() {
    let strict = ExpectAssertion { audiences: &[ISSUER], audience_form: AudienceForm::OneText, ..expect() };
    assert_eq!(refusal(&claims(), &strict), None);
    for audience in [json!([ISSUER]), json!(TOKEN_ENDPOINT), json!([ISSUER, TOKEN_ENDPOINT])] {
        assert_eq!(refusal(&with(claims(), "aud", audience), &strict), Some(JoseError::Audience));
    }
}

#[test]
fn the_header_of_an_assertion_leads_nowhere() {
    let header = json!({ "alg": "ES256", "kid": KEY.kid() });
    let judge = |header: Value| {
        verify_assertion(&signed(&header, &claims()), &KEYS, &[Algorithm::Es256], &expect()).err()
    };
    assert_eq!(judge(header.clone()), None);
    assert_eq!(judge(with(header.clone(), "typ", json!("client-authentication+jwt"))), None);
    assert_eq!(judge(with(header.clone(), "typ", json!("at+jwt"))), Some(JoseError::Type), "our own token");
    assert_eq!(
        judge(with(header.clone(), "jku", json!("https://client.example/jwks"))),
        None,
        "as registered"
    );
    let elsewhere = with(header.clone(), "jku", json!("https://evil.example/jwks"));
    assert_eq!(judge(elsewhere), Some(JoseError::Header("jku")));
    assert_eq!(judge(with(header.clone(), "jku", json!(1))), Some(JoseError::Header("jku")));
    let brought = with(header, "jwk", serde_json::to_value(KEY.public_jwk()).unwrap());
    assert_eq!(judge(brought), Some(JoseError::Header("jwk")));
}

#[test]
fn a_secret_makes_codes_and_nothing_else_does() {
    let made = |algorithm: jsonwebtoken::Algorithm, secret: &[u8]| {
        let header = jsonwebtoken::Header::new(algorithm);
        jsonwebtoken::encode(&header, &claims(), &jsonwebtoken::EncodingKey::from_secret(secret)).unwrap()
    };
    let key = MacKey::new(&Secret::new(SECRET.to_owned()));
    let judge = |token: &str, algs: &[MacAlgorithm]| verify_mac_assertion(token, &key, algs, &expect()).err();
    for (theirs, ours) in [
        (jsonwebtoken::Algorithm::HS256, MacAlgorithm::Hs256),
        (jsonwebtoken::Algorithm::HS384, MacAlgorithm::Hs384),
        (jsonwebtoken::Algorithm::HS512, MacAlgorithm::Hs512),
    ] {
        let good = made(theirs, SECRET.as_bytes());
        assert_eq!(judge(&good, &[ours]), None);
        let others: Vec<_> = MacAlgorithm::ALL.into_iter().filter(|one| *one != ours).collect();
        assert_eq!(judge(&good, &others), Some(JoseError::Algorithm));
        assert_eq!(judge(&made(theirs, b"another"), &[ours]), Some(JoseError::Signature));
        let empty = format!("{}.", good.rsplit_once('.').unwrap().0);
        assert_eq!(judge(&empty, &[ours]), Some(JoseError::Signature));
        // the readers of signatures have no name for it
        let expected = Some(JoseError::Algorithm);
        assert_eq!(verify_assertion(&good, &KEYS, &Algorithm::ALL, &expect()).err(), expected);
    }
    let by_key = KEY.sign("JWT", &claims()).unwrap();
    assert_eq!(judge(&by_key, &MacAlgorithm::ALL), Some(JoseError::Algorithm));

    let short = MacKey::new(&Secret::new("0123456789012345678901234567890".to_owned()));
    let token = made(jsonwebtoken::Algorithm::HS256, b"0123456789012345678901234567890");
    let judged = verify_mac_assertion(&token, &short, &MacAlgorithm::ALL, &expect()).err();
    assert_eq!(judged, Some(JoseError::Algorithm), "RFC 7518 §3.2: shorter than the hash");
}

fn proof_header() -> Value {
    json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": public_members() })
}

fn public_members() -> Value {
    let jwk = KEY.public_jwk();
    json!({ "kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y })
}

fn proof_claims() -> Value {
    json!({ "jti": "1", "htm": "POST", "htu": TOKEN_ENDPOINT, "iat": NOW_S, "ath": "hash" })
}

#[test]
fn a_proof_shows_its_key() {
    let proof = DpopProof::read(&signed(&proof_header(), &proof_claims()), &[Algorithm::Es256]).unwrap();
    let expected = DpopProof {
        thumbprint: KEY.kid().to_owned(),
        token_id: "1".to_owned(),
        method: "POST".to_owned(),
        uri: TOKEN_ENDPOINT.to_owned(),
        issued_at: Timestamp::from_seconds(NOW_S),
        access_token_hash: Some("hash".to_owned()),
        nonce: None,
    };
    assert_eq!(proof, expected);
}

/// RFC 9449 §4.3
#[test]
fn what_is_no_proof() {
    let judge = |header: &Value, claims: &Value| {
        DpopProof::read(&signed(header, claims), &[Algorithm::Es256, Algorithm::Rs256]).err()
    };
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let other_key =
        with(with(public_members(), "x", json!(other.public_jwk().x)), "y", json!(other.public_jwk().y));
    let headers = [
        ("typ", json!("JWT"), JoseError::Type),
        ("typ", Value::Null, JoseError::Type),
        ("alg", json!("none"), JoseError::Algorithm),
        ("alg", json!("HS256"), JoseError::Algorithm),
        ("alg", json!("ES384"), JoseError::Algorithm),
        ("alg", json!("RS256"), JoseError::Algorithm),
        ("jwk", Value::Null, JoseError::Header("jwk")),
        ("jwk", json!("text"), JoseError::Header("jwk")),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" }), JoseError::Header("jwk")),
        ("jwk", with(public_members(), "d", json!("AAAA")), JoseError::Header("jwk")),
        ("jwk", other_key, JoseError::Signature),
        ("jku", json!("https://evil.example"), JoseError::Header("jku")),
        ("x5c", json!([]), JoseError::Header("x5c")),
        ("crit", json!([]), JoseError::Header("crit")),
    ];
    for (member, value, expected) in headers {
        let header = with(proof_header(), member, value);
        assert_eq!(judge(&header, &proof_claims()), Some(expected), "{header}");
    }
    for (claim, value) in [
        ("jti", Value::Null),
        ("jti", json!("")),
        ("htm", Value::Null),
        ("htu", json!(1)),
        ("iat", Value::Null),
    ] {
        let claims = with(proof_claims(), claim, value);
        assert!(matches!(judge(&proof_header(), &claims), Some(JoseError::Claim(_))), "{claims}");
    }
    for (claim, value) in [("ath", json!(1)), ("nonce", json!({}))] {
        assert_eq!(
            judge(&proof_header(), &with(proof_claims(), claim, value)),
            Some(JoseError::Claim(claim))
        );
    }
}

#[test]
fn claims_can_be_judged_by_rules_of_their_own_but_never_unsigned() {
    let token = KEY.sign("logout+jwt", &json!({ "sid": "1" })).unwrap();
    let judge = |token: &str, typ| verify_signature(token, &KEYS, &[Algorithm::Es256], typ);
    assert_eq!(judge(&token, Typ::Exactly("logout+jwt")).unwrap()["sid"], "1");
    assert_eq!(judge(&token, Typ::JwtOrNone), Err(JoseError::Type));
    let cut = token.rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(judge(&cut, Typ::Exactly("logout+jwt")), Err(JoseError::Signature));
}
