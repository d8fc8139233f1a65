//! Tokens. What was not signed is never good; what is good keeps every rule, and another reader takes its signature too.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use crypto::{
    b64,
    jose::{Algorithm, Claims, Expect, JoseError, Jwks, LEEWAY_S, SigningKey, Typ, verify},
};
use kernel::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json, value::RawValue};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://hilum.example";
const NOW_S: i64 = 1_800_000_000;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::EdDsa).unwrap());
static KEYS: LazyLock<Jwks> = LazyLock::new(|| Jwks::new([KEY.public_jwk().clone()]));
static GOOD: LazyLock<String> = LazyLock::new(|| {
    let claims =
        json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "iat": NOW_S, "exp": NOW_S + 300 });
    KEY.sign("at+jwt", &claims).unwrap()
});

fn read(token: &str) -> Result<Claims, JoseError> {
    let expect = Expect {
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: Typ::Exactly("at+jwt"),
        algs: &Algorithm::ALL,
        now: Timestamp::from_seconds(NOW_S),
        leeway_s: LEEWAY_S,
    };
    verify(token, &KEYS, &expect)
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 4 {
        0 => anything(rest),
        1 => mutated(rest),
        2 => signed_claims(rest),
        _ => forged_header(rest),
    }
});

/// Nobody signed this.
fn anything(bytes: &[u8]) {
    if let Ok(token) = std::str::from_utf8(bytes) {
        assert!(read(token).is_err(), "accepted what nobody signed: {token}");
    }
}

/// A good token, changed in one place at least.
fn mutated(bytes: &[u8]) {
    let mut token = GOOD.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % (token.len() + 1);
        match change[2] {
            0..=127 if at < token.len() => token[at] = change[2],
            128..=159 if at < token.len() => drop(token.remove(at)),
            byte => token.insert(at, byte & 127),
        }
    }
    let Ok(token) = String::from_utf8(token) else { return };
    match read(&token) {
        Ok(_) => assert_eq!(token, *GOOD, "accepted a changed token"),
        Err(why) => assert_ne!(token, *GOOD, "refused the good token: {why}"),
    }
}

/// Any claims, truly signed: whatever is accepted says who, for whom and until when.
fn signed_claims(bytes: &[u8]) {
    let Ok(claims) = std::str::from_utf8(bytes) else { return };
    let Ok(raw) = RawValue::from_string(claims.to_owned()) else { return };
    let Ok(token) = KEY.sign("at+jwt", &raw) else { return };
    let Ok(good) = read(&token) else { return };
    let plain: Value = serde_json::from_str(claims).unwrap();
    assert_eq!(plain["iss"], ISSUER);
    assert!(plain["sub"].as_str().is_some_and(|sub| !sub.is_empty() && sub == good.subject));
    assert!(plain["aud"] == AUDIENCE || plain["aud"].as_array().unwrap().contains(&json!(AUDIENCE)));
    assert!(good.expires_at + Duration::from_secs(LEEWAY_S.into()) > Timestamp::from_seconds(NOW_S));
    for start in ["nbf", "iat"] {
        assert!(
            plain[start].is_null() || plain[start].as_f64().unwrap() <= (NOW_S + i64::from(LEEWAY_S)) as f64
        );
    }
    agrees(&token, &good.subject);
}

/// Any header over good claims, truly signed: whatever is accepted names the key's algorithm and the right type.
fn forged_header(bytes: &[u8]) {
    let claims = GOOD.split('.').nth(1).unwrap();
    let message = format!("{}.{claims}", b64::encode(bytes));
    let key = jsonwebtoken::EncodingKey::from_ed_der(KEY.to_pkcs8().unwrap().expose());
    let Ok(signature) = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::EdDSA)
    else {
        return;
    };
    if let Ok(good) = read(&format!("{message}.{signature}")) {
        let header: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(header["alg"], "EdDSA");
        let typ = header["typ"].as_str().unwrap().to_ascii_lowercase();
        assert!(matches!(typ.as_str(), "at+jwt" | "application/at+jwt"));
        for pointer in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty"] {
            assert!(header[pointer].is_null());
        }
        assert_eq!(good.subject, "somebody");
    }
}

/// Somebody else's reader takes the same token for the same person's.
fn agrees(token: &str, subject: &str) {
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[ISSUER]);
    rules.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_ed_components(KEY.public_jwk().x.as_deref().unwrap()).unwrap();
    match jsonwebtoken::decode::<Value>(token, &key, &rules) {
        Ok(theirs) => assert_eq!(theirs.claims["sub"], subject),
        Err(why) => panic!("ours takes it, jsonwebtoken does not: {why}: {token}"),
    }
}
