//! Every known way to get a bad JWT accepted, tried on `jose::verify`; and our tokens read by somebody else's reader.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails here has failed")]

use std::sync::LazyLock;

use crypto::{
    b64, hmac_sha256,
    jose::{
        AUDIENCES_MAX, Algorithm, Claims, Expect, JoseError, Jwk, Jwks, LEEWAY_S, SigningKey,
        TOKEN_BYTES_MAX, Typ, verify,
    },
    sha256,
};
use kernel::{Secret, Timestamp};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://hilum.example";
const NOW_S: i64 = 1_800_000_000;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
static KEYS: LazyLock<Jwks> = LazyLock::new(|| Jwks::new([KEY.public_jwk().clone()]));

fn expect() -> Expect<'static> {
    Expect {
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: Typ::Exactly("at+jwt"),
        algs: &[Algorithm::Es256],
        now: Timestamp::from_seconds(NOW_S),
        leeway_s: LEEWAY_S,
    }
}

fn header() -> Value {
    json!({ "alg": "ES256", "typ": "at+jwt", "kid": KEY.kid() })
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "iat": NOW_S - 5, "exp": NOW_S + 300, "jti": "1" })
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

/// A token of any header and claims, with a good signature by our key.
fn signed(header: impl ToString, claims: impl ToString) -> String {
    let message = format!("{}.{}", b64::encode(header.to_string()), b64::encode(claims.to_string()));
    format!("{message}.{}", signature(&message))
}

fn signature(message: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_ec_der(KEY.to_pkcs8().unwrap().expose());
    jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::ES256).unwrap()
}

fn read(token: &str) -> Result<Claims, JoseError> {
    verify(token, &KEYS, &expect())
}

fn refusal(token: &str) -> Option<JoseError> {
    read(token).err()
}

#[test]
fn a_good_token_is_good() {
    let good = read(&signed(header(), claims())).unwrap();
    assert_eq!(good.subject, "somebody");
    assert_eq!(good.audience, [AUDIENCE]);
    assert_eq!(good.expires_at, Timestamp::from_seconds(NOW_S + 300));
    assert_eq!(good.issued_at, Some(Timestamp::from_seconds(NOW_S - 5)));
    assert_eq!(good.token_id.as_deref(), Some("1"));
    assert_eq!(good.text("iss"), Some(ISSUER));
    assert!(read(&KEY.sign("at+jwt", &claims()).unwrap()).is_ok());
}

#[test]
fn the_key_decides_the_algorithm() {
    for name in
        ["none", "None", "NONE", "nOnE", "", "es256", "HS256", "RS256", "ES384", "EdDSA", "PS256", "dir"]
    {
        let header = with(header(), "alg", json!(name));
        assert_eq!(refusal(&signed(&header, claims())), Some(JoseError::Algorithm), "{name}");
        let unsigned = format!("{}.{}.", b64::encode(header.to_string()), b64::encode(claims().to_string()));
        assert_eq!(refusal(&unsigned), Some(JoseError::Algorithm), "{name}, no signature");
    }
    for value in [json!(null), json!(0), json!(["ES256"]), json!({"ES256": 1})] {
        assert_eq!(refusal(&signed(with(header(), "alg", value), claims())), Some(JoseError::Algorithm));
    }
    assert_eq!(refusal(&signed(without(header(), "alg"), claims())), Some(JoseError::Algorithm));
    let other_family = Expect { algs: &[Algorithm::Rs256, Algorithm::EdDsa], ..expect() };
    assert_eq!(verify(&signed(header(), claims()), &KEYS, &other_family).err(), Some(JoseError::Algorithm));
    // expected here and named by the token, but not what the key is for
    let any = Expect { algs: &Algorithm::ALL, ..expect() };
    let token = signed(with(header(), "alg", json!("ES384")), claims());
    assert_eq!(verify(&token, &KEYS, &any).err(), Some(JoseError::Algorithm));
}

/// The public key as an HMAC secret, in each form in which a careless reader would hold it.
#[test]
fn a_public_key_is_no_shared_secret() {
    let header = with(header(), "alg", json!("HS256"));
    let message = format!("{}.{}", b64::encode(header.to_string()), b64::encode(claims().to_string()));
    let jwk = KEY.public_jwk();
    for form in [serde_json::to_string(jwk).unwrap(), KEYS.to_json().to_string(), jwk.x.clone().unwrap()] {
        let tag = hmac_sha256(&Secret::new(sha256(form.as_bytes())), &[message.as_bytes()]);
        let token = format!("{message}.{}", b64::encode(tag.as_bytes()));
        assert_eq!(
            verify(&token, &KEYS, &Expect { algs: &Algorithm::ALL, ..expect() }).err(),
            Some(JoseError::Algorithm)
        );
    }
}

#[test]
fn a_key_is_found_by_its_exact_name_in_our_set_only() {
    for kid in
        ["../../../../dev/null", "' OR 1=1 --", "https://evil.example/key", "", "\u{0}", &"k".repeat(4000)]
    {
        assert_eq!(
            refusal(&signed(with(header(), "kid", json!(kid)), claims())),
            Some(JoseError::UnknownKey),
            "{kid}"
        );
    }
    for kid in [json!(null), json!(0), json!([KEY.kid()]), json!({})] {
        assert_eq!(refusal(&signed(with(header(), "kid", kid), claims())), Some(JoseError::Header("kid")));
    }
    let nameless = signed(without(header(), "kid"), claims());
    assert!(read(&nameless).is_ok(), "the only key that fits");
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let two = Jwks::new([KEY.public_jwk().clone(), other.public_jwk().clone()]);
    assert_eq!(verify(&nameless, &two, &expect()).err(), Some(JoseError::UnknownKey), "two keys would fit");
    let namesakes = Jwks::new([KEY.public_jwk().clone(), other.named(KEY.kid()).public_jwk().clone()]);
    assert_eq!(verify(&signed(header(), claims()), &namesakes, &expect()).err(), Some(JoseError::UnknownKey));
    assert_eq!(verify(&nameless, &Jwks::default(), &expect()).err(), Some(JoseError::UnknownKey));
}

#[test]
fn a_token_brings_no_key_and_changes_no_rule() {
    let attacker = SigningKey::generate(Algorithm::Es256).unwrap();
    let evil = json!("https://evil.example/jwks.json");
    for (name, value) in [
        ("jwk", serde_json::to_value(attacker.public_jwk()).unwrap()),
        ("jku", evil.clone()),
        ("x5u", evil),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
    ] {
        let token = signed(with(header(), name, value), claims());
        assert_eq!(refusal(&token), Some(JoseError::Header(name)));
    }
    // signed by the attacker's key under our key's name
    let forged = attacker.named(KEY.kid()).sign("at+jwt", &claims()).unwrap();
    assert_eq!(refusal(&forged), Some(JoseError::Signature));
}

#[test]
fn a_member_named_twice_is_refused() {
    let header = header().to_string();
    for doubled in [
        header.replacen('{', r#"{"alg":"none","#, 1),
        header.replacen('{', r#"{"kid":"other","#, 1),
        header.replacen('{', r#"{"\u0061lg":"none","#, 1),
    ] {
        assert_eq!(refusal(&signed(doubled, claims())), Some(JoseError::Malformed));
    }
    let claims = claims().to_string();
    for doubled in [
        claims.replacen('{', r#"{"sub":"admin","#, 1),
        claims.replacen('{', r#"{"exp":9999999999,"#, 1),
        claims.replacen('{', r#"{"act":{"sub":"a","sub":"b"},"#, 1),
    ] {
        assert_eq!(refusal(&signed(self::header(), doubled)), Some(JoseError::Malformed));
    }
}

#[test]
fn times_are_numbers_and_are_kept() {
    let read = |name: &str, value: Value| refusal(&signed(header(), with(claims(), name, value)));
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!((NOW_S + 300).to_string()),
            json!(null),
            json!(true),
            json!([NOW_S + 300]),
            json!({}),
            json!(-1),
            json!(1e300),
            json!(u64::MAX),
        ] {
            assert_eq!(read(name, value.clone()), Some(JoseError::Claim(name)), "{name}: {value}");
        }
    }
    let leeway = i64::from(LEEWAY_S);
    assert_eq!(read("exp", json!(NOW_S - leeway + 1)), None);
    assert_eq!(read("exp", json!(NOW_S - leeway)), Some(JoseError::Expired));
    assert_eq!(read("exp", json!(0)), Some(JoseError::Expired));
    assert_eq!(read("exp", json!((NOW_S - leeway) as f64 + 0.5)), None, "a fraction of a second");
    for name in ["nbf", "iat"] {
        assert_eq!(read(name, json!(NOW_S + leeway)), None, "{name}");
        assert_eq!(read(name, json!(NOW_S + leeway + 1)), Some(JoseError::NotYet), "{name}");
        assert_eq!(read(name, json!(NOW_S + 60)), Some(JoseError::NotYet), "{name}");
    }
    assert_eq!(refusal(&signed(header(), without(claims(), "exp"))), Some(JoseError::Claim("exp")));
}

#[test]
fn issuer_and_subject_are_texts_and_are_ours() {
    let read = |name: &str, value: Value| refusal(&signed(header(), with(claims(), name, value)));
    for issuer in
        ["", "https://issuer.example/", "https://ISSUER.example", "https://issuer.example.evil.example"]
    {
        assert_eq!(read("iss", json!(issuer)), Some(JoseError::Issuer), "{issuer}");
    }
    for value in [json!(null), json!(1), json!([ISSUER]), json!({})] {
        assert_eq!(read("iss", value.clone()), Some(JoseError::Claim("iss")));
        assert_eq!(read("sub", value.clone()), Some(JoseError::Claim("sub")));
        assert_eq!(read("jti", value), Some(JoseError::Claim("jti")));
    }
    assert_eq!(read("sub", json!("")), Some(JoseError::Claim("sub")));
    for name in ["iss", "sub"] {
        assert!(
            matches!(refusal(&signed(header(), without(claims(), name))), Some(JoseError::Claim(_))),
            "{name}"
        );
    }
}

#[test]
fn the_audience_is_one_text_or_a_list_of_texts() {
    let read = |value: Value| refusal(&signed(header(), with(claims(), "aud", value)));
    assert_eq!(read(json!([AUDIENCE])), None);
    assert_eq!(read(json!(["https://other.example", AUDIENCE])), None);
    for other in
        ["", "https://hilum.example/", "https://hilum.example.evil.example", "*", "https://hilum.example "]
    {
        assert_eq!(read(json!(other)), Some(JoseError::Audience), "{other}");
        assert_eq!(read(json!([other])), Some(JoseError::Audience), "[{other}]");
    }
    assert_eq!(read(json!([])), Some(JoseError::Audience));
    let many: Vec<&str> = std::iter::repeat_n(AUDIENCE, AUDIENCES_MAX + 1).collect();
    for value in [
        json!(null),
        json!(1),
        json!(true),
        json!({ AUDIENCE: true }),
        json!([[AUDIENCE]]),
        json!([AUDIENCE, 1]),
        json!([AUDIENCE, null]),
        json!(many),
    ] {
        assert_eq!(read(value.clone()), Some(JoseError::Claim("aud")), "{value}");
    }
    assert_eq!(refusal(&signed(header(), without(claims(), "aud"))), Some(JoseError::Claim("aud")));
}

#[test]
fn one_type_of_token_is_not_taken_for_another() {
    let typed = |typ: Option<Value>| match typ {
        Some(typ) => signed(with(header(), "typ", typ), claims()),
        None => signed(without(header(), "typ"), claims()),
    };
    let id_token = Expect { typ: Typ::JwtOrNone, ..expect() };
    for (typ, is_access_token, is_id_token) in [
        (Some(json!("at+jwt")), true, false),
        (Some(json!("application/at+jwt")), true, false),
        (Some(json!("AT+JWT")), true, false),
        (Some(json!("JWT")), false, true),
        (Some(json!("jwt")), false, true),
        (None, false, true),
        (Some(json!("")), false, false),
        (Some(json!("logout+jwt")), false, false),
        (Some(json!("application/application/at+jwt")), false, false),
        (Some(json!(1)), false, false),
        (Some(json!(null)), false, false),
    ] {
        let token = typed(typ.clone());
        assert_eq!(read(&token).is_ok(), is_access_token, "{typ:?}");
        assert_eq!(verify(&token, &KEYS, &id_token).is_ok(), is_id_token, "{typ:?}");
        if !is_access_token {
            assert_eq!(refusal(&token), Some(JoseError::Type));
        }
    }
}

#[test]
fn only_three_parts_of_strict_base64url_are_a_token() {
    let good = signed(header(), claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let padded = signed(header(), claims()).replace('.', "=.");
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        message.to_owned(),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{good}.a.b"), // the five parts of an encrypted token
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{message}.é"),
        padded,
        signed("[]", claims()),
        signed(header(), "[]"),
        signed(header(), "\"text\""),
        signed(header(), format!("{} {}", claims(), claims())),
        signed(format!("{}{}", header(), header()), claims()),
    ] {
        assert_eq!(refusal(&token), Some(JoseError::Malformed), "{token:?}");
    }
    // a nested token as the claims
    assert_eq!(refusal(&signed(header(), &good)), Some(JoseError::Malformed));
}

#[test]
fn a_damaged_signature_is_refused() {
    let good = signed(header(), claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let bytes = b64::decode(signature).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert_eq!(
            refusal(&format!("{message}.{}", b64::encode(&damaged))),
            Some(JoseError::Signature),
            "byte {at}"
        );
    }
    for other in [vec![], vec![0; 64], vec![0xff; 64], bytes[..63].to_vec(), [&bytes[..], &[0]].concat()] {
        assert_eq!(refusal(&format!("{message}.{}", b64::encode(other))), Some(JoseError::Signature));
    }
    let (head, _) = message.split_once('.').unwrap();
    let swapped =
        format!("{head}.{}.{signature}", b64::encode(with(claims(), "sub", json!("admin")).to_string()));
    assert_eq!(refusal(&swapped), Some(JoseError::Signature));
}

#[test]
fn nothing_longer_than_the_limit_is_read() {
    let token = signed(header(), with(claims(), "x", json!("x".repeat(TOKEN_BYTES_MAX))));
    assert_eq!(refusal(&token), Some(JoseError::TooLong));
    assert_eq!(refusal(&"a".repeat(1 << 20)), Some(JoseError::TooLong));
    let close = signed(header(), with(claims(), "x", json!("x".repeat(TOKEN_BYTES_MAX / 2))));
    assert!(read(&close).is_ok());
}

fn reads_as(theirs: jsonwebtoken::Algorithm, ours: &SigningKey) {
    let token = ours.sign("JWT", &claims()).unwrap();
    let jwk: jsonwebtoken::jwk::Jwk =
        serde_json::from_value(serde_json::to_value(ours.public_jwk()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(theirs);
    validation.set_audience(&[AUDIENCE]);
    validation.validate_exp = false; // their clock is not ours
    let read = jsonwebtoken::decode::<Value>(
        &token,
        &jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(),
        &validation,
    );
    let read = read.unwrap();
    assert_eq!(read.claims, claims());
    assert_eq!(read.header.kid.as_deref(), Some(ours.kid()));
    assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), ours.kid());

    let expect = Expect { typ: Typ::JwtOrNone, algs: &Algorithm::ALL, ..expect() };
    let published = Jwks::new([ours.public_jwk().clone()]).to_json().to_string();
    let keys = Jwks::from_json(published.as_bytes()).unwrap();
    assert!(verify(&token, &keys, &expect).is_ok());

    let kept = ours.to_pkcs8().unwrap();
    let again = SigningKey::from_pkcs8(ours.algorithm(), &kept).unwrap();
    assert_eq!(again.public_jwk(), ours.public_jwk());
    assert!(verify(&again.sign("JWT", &claims()).unwrap(), &keys, &expect).is_ok());
}

#[test]
fn somebody_elses_reader_reads_our_tokens() {
    reads_as(jsonwebtoken::Algorithm::ES256, &KEY);
    reads_as(jsonwebtoken::Algorithm::ES384, &SigningKey::generate(Algorithm::Es384).unwrap());
    reads_as(jsonwebtoken::Algorithm::EdDSA, &SigningKey::generate(Algorithm::EdDsa).unwrap());
}

#[test]
fn one_rsa_key_pair_signs_with_each_hash_and_is_taken_for_its_own_only() {
    let made = SigningKey::generate(Algorithm::Rs256).unwrap();
    let pkcs8 = made.to_pkcs8().unwrap();
    let sha_384 = SigningKey::from_pkcs8(Algorithm::Rs384, &pkcs8).unwrap();
    let sha_512 = SigningKey::from_pkcs8(Algorithm::Rs512, &pkcs8).unwrap();
    reads_as(jsonwebtoken::Algorithm::RS256, &made);
    reads_as(jsonwebtoken::Algorithm::RS384, &sha_384);
    reads_as(jsonwebtoken::Algorithm::RS512, &sha_512);
    for (theirs, ours) in [
        (jsonwebtoken::Algorithm::PS256, Algorithm::Ps256),
        (jsonwebtoken::Algorithm::PS384, Algorithm::Ps384),
        (jsonwebtoken::Algorithm::PS512, Algorithm::Ps512),
    ] {
        reads_as(theirs, &SigningKey::from_pkcs8(ours, &pkcs8).unwrap());
    }

    let expect = Expect { typ: Typ::JwtOrNone, algs: &Algorithm::ALL, ..expect() };
    let token = sha_512.sign("JWT", &claims()).unwrap();
    let for_256 = Jwks::new([made.public_jwk().clone()]);
    assert_eq!(verify(&token, &for_256, &expect).err(), Some(JoseError::Algorithm));
    let for_any = Jwks::new([Jwk { alg: None, ..made.public_jwk().clone() }]);
    assert!(verify(&token, &for_any, &expect).is_ok());
    let narrowed = Expect { algs: &[Algorithm::Rs256], ..expect };
    assert_eq!(verify(&token, &for_any, &narrowed).err(), Some(JoseError::Algorithm));
    for wrong in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa] {
        assert!(SigningKey::from_pkcs8(wrong, &pkcs8).is_err());
    }
}

#[test]
fn a_key_keeps_the_name_it_is_given() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap().named("registered-1");
    let token = key.sign("JWT", &claims()).unwrap();
    let keys = Jwks::new([key.public_jwk().clone()]);
    let expect = Expect { typ: Typ::JwtOrNone, algs: &[Algorithm::EdDsa], ..expect() };
    assert!(keys.has("registered-1"));
    assert!(verify(&token, &keys, &expect).is_ok());
    let claims = verify(&token, &keys, &expect).unwrap().read::<std::collections::BTreeMap<String, Value>>();
    assert_eq!(claims.unwrap()["jti"], json!("1"));
}

#[test]
fn only_objects_are_signed_and_only_keys_are_read() {
    for claims in [json!([]), json!("text"), json!(1), json!(null)] {
        assert_eq!(KEY.sign("JWT", &claims).err(), Some(JoseError::Claims), "{claims}");
    }
    for der in [vec![], vec![0x30], vec![0; 100]] {
        for algorithm in Algorithm::ALL {
            assert!(SigningKey::from_pkcs8(algorithm, &Secret::new(der.clone())).is_err());
        }
    }
}
