//! Key sets of strangers: read or refused, never a panic; what is published again is public and reads as the same set.
#![no_main]

use crypto::jose::{Algorithm, Expect, JWKS_KEYS_MAX, Jwk, Jwks, LEEWAY_S, Typ, verify};
use kernel::Timestamp;
use libfuzzer_sys::fuzz_target;

/// RFC 8037 appendix A.4: a good signature, over a text that is no token of ours.
const FOREIGN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(jwk) = serde_json::from_slice::<Jwk>(bytes)
        && let Some(thumbprint) = jwk.thumbprint()
    {
        assert_eq!(thumbprint.len(), 43, "SHA-256 in base64url");
        let renamed = Jwk { kid: Some("another name".to_owned()), alg: None, usage: None, ..jwk };
        assert_eq!(renamed.thumbprint(), Some(thumbprint), "the name is no part of the thumbprint");
    }
    let Ok(set) = Jwks::from_json(bytes) else { return };
    let published = set.to_json();
    let keys = published["keys"].as_array().unwrap();
    assert!(keys.len() <= JWKS_KEYS_MAX);
    assert_eq!(set.is_empty(), keys.is_empty());
    for key in keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "a private member is published");
        }
        assert!(key.get("use").is_none_or(|usage| usage == "sig"));
        assert!(key.get("kid").is_none_or(|kid| set.has(kid.as_str().unwrap())));
    }
    let again = Jwks::from_json(published.to_string().as_bytes()).unwrap();
    assert_eq!(again.to_json(), published);

    let expect = Expect {
        issuer: "https://issuer.example",
        audience: "https://hilum.example",
        typ: Typ::JwtOrNone,
        algs: &Algorithm::ALL,
        now: Timestamp::from_seconds(1_800_000_000),
        leeway_s: LEEWAY_S,
    };
    assert!(verify(FOREIGN, &set, &expect).is_err());
});
