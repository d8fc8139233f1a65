//! Client assertions: what the client did not sign is never good; what is good names it twice, names us, and lives shortly.
#![no_main]

use std::sync::LazyLock;

use crypto::jose::{
    Algorithm, AudienceForm, Claims, ExpectAssertion, JoseError, Jwks, LEEWAY_S, SigningKey, verify_assertion,
};
use kernel::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json, value::RawValue};

const CLIENT: &str = "opaque.diary";
const TOKEN_URL: &str = "https://hilum.example/oauth2/token";
const JWKS_URI: &str = "https://app.example/jwks";
const NOW_S: i64 = 1_800_000_000;
const LIFE_S: u32 = 300;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::EdDsa).unwrap());
static KEYS: LazyLock<Jwks> = LazyLock::new(|| Jwks::new([KEY.public_jwk().clone()]));
static GOOD: LazyLock<String> = LazyLock::new(|| {
    let claims = json!({ "iss": CLIENT, "sub": CLIENT, "aud": TOKEN_URL, "jti": "1", "iat": NOW_S, "exp": NOW_S + 60 });
    KEY.sign("JWT", &claims).unwrap()
});

fn read(token: &str, audience_form: AudienceForm) -> Result<Claims, JoseError> {
    let expect = ExpectAssertion {
        client: CLIENT,
        audiences: &[TOKEN_URL],
        audience_form,
        jku: Some(JWKS_URI),
        life_max_s: LIFE_S,
        now: Timestamp::from_seconds(NOW_S),
        leeway_s: LEEWAY_S,
    };
    verify_assertion(token, &KEYS, &Algorithm::ALL, &expect)
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    match kind % 3 {
        0 => {
            if let Ok(token) = std::str::from_utf8(rest) {
                assert!(
                    read(token, AudienceForm::TextOrList).is_err(),
                    "accepted what nobody signed: {token}"
                );
            }
        }
        1 => mutated(rest),
        _ => signed_claims(rest),
    }
});

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
    assert_eq!(read(&token, AudienceForm::TextOrList).is_ok(), token == *GOOD, "{token}");
}

fn signed_claims(bytes: &[u8]) {
    let Ok(claims) = std::str::from_utf8(bytes) else { return };
    let Ok(raw) = RawValue::from_string(claims.to_owned()) else { return };
    let Ok(token) = KEY.sign("JWT", &raw) else { return };
    let as_list = read(&token, AudienceForm::TextOrList);
    let as_text = read(&token, AudienceForm::OneText);
    let Ok(good) = as_list else {
        assert!(as_text.is_err(), "the narrower rule took it");
        return;
    };
    let plain: Value = serde_json::from_str(claims).unwrap();
    assert_eq!((&plain["iss"], &plain["sub"]), (&json!(CLIENT), &json!(CLIENT)));
    assert_eq!(plain["jti"].as_str(), good.token_id.as_deref());
    assert!(good.token_id.is_some_and(|id| !id.is_empty()));
    assert!(plain["aud"] == TOKEN_URL || plain["aud"].as_array().unwrap().contains(&json!(TOKEN_URL)));
    assert_eq!(as_text.is_ok(), plain["aud"].is_string());
    let ends_s = plain["exp"].as_f64().unwrap();
    let (now_s, leeway_s, life_s) = (NOW_S as f64, f64::from(LEEWAY_S), f64::from(LIFE_S));
    assert!(ends_s > now_s - leeway_s - 1.0 && ends_s <= now_s + life_s + leeway_s, "{ends_s}");
}
