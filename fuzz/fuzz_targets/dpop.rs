//! DPoP proofs: one that is good shows the public key that made it, and says for what it was made.
#![no_main]

use std::sync::LazyLock;

use crypto::{
    b64,
    jose::{Algorithm, DpopProof, SigningKey},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const CLAIMS: &str =
    r#"{"jti":"1","htm":"POST","htu":"https://hilum.example/oauth2/token","iat":1800000000}"#;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::EdDsa).unwrap());
static JWK: LazyLock<String> = LazyLock::new(|| serde_json::to_string(KEY.public_jwk()).unwrap());
static GOOD: LazyLock<String> = LazyLock::new(|| {
    signed(&format!(r#"{{"alg":"EdDSA","typ":"dpop+jwt","jwk":{}}}"#, *JWK), CLAIMS).unwrap()
});

fn signed(header: &str, claims: &str) -> Option<String> {
    let message = format!("{}.{}", b64::encode(header), b64::encode(claims));
    let key = jsonwebtoken::EncodingKey::from_ed_der(KEY.to_pkcs8().unwrap().expose());
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::EdDSA).ok()?;
    Some(format!("{message}.{signature}"))
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match kind % 4 {
        0 => {
            let _ = DpopProof::read(text, &Algorithm::ALL);
        }
        1 => mutated(rest),
        // `@` stands for the key, so that headers around it are found.
        2 => header(&text.replace('@', &JWK)),
        _ => claims(text),
    }
});

fn mutated(bytes: &[u8]) {
    let mut token = GOOD.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % token.len();
        token[at] = change[2] & 127;
    }
    let Ok(token) = String::from_utf8(token) else { return };
    assert_eq!(DpopProof::read(&token, &Algorithm::ALL).is_ok(), token == *GOOD, "{token}");
}

fn header(header: &str) {
    let Some(token) = signed(header, CLAIMS) else { return };
    let Ok(proof) = DpopProof::read(&token, &Algorithm::ALL) else { return };
    assert_eq!(
        Some(&proof.thumbprint),
        KEY.public_jwk().thumbprint().as_ref(),
        "another key than the one that signed"
    );
    let read: Value = serde_json::from_str(header).unwrap();
    assert_eq!(read["alg"], "EdDSA");
    let typ = read["typ"].as_str().unwrap().to_ascii_lowercase();
    assert!(matches!(typ.as_str(), "dpop+jwt" | "application/dpop+jwt"));
    for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
        assert!(read["jwk"].get(private).is_none());
    }
}

fn claims(claims: &str) {
    let header = format!(r#"{{"alg":"EdDSA","typ":"dpop+jwt","jwk":{}}}"#, *JWK);
    let Some(token) = signed(&header, claims) else { return };
    let Ok(proof) = DpopProof::read(&token, &Algorithm::ALL) else { return };
    let read: Value = serde_json::from_str(claims).unwrap();
    assert_eq!(read["jti"].as_str(), Some(proof.token_id.as_str()));
    assert!(!proof.token_id.is_empty());
    assert_eq!(read["htm"].as_str(), Some(proof.method.as_str()));
    assert_eq!(read["htu"].as_str(), Some(proof.uri.as_str()));
    assert_eq!(read["nonce"].as_str(), proof.nonce.as_deref());
    assert_eq!(read["ath"].as_str(), proof.access_token_hash.as_deref());
    assert!(read["iat"].as_f64().unwrap() >= 0.0);
}
