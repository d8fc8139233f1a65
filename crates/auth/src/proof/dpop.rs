//! DPoP: a token is good only in the hands that hold a key, and every request shows that anew.  RFC 9449

use std::time::Duration;

use crypto::{
    b64,
    jose::{Algorithm, DpopProof, LEEWAY_S},
    sha256,
};
use http::Method;
use kernel::Timestamp;
use url::Url;

use super::{
    nonce,
    replay::{Issuer, Seen},
};
use crate::{Auth, config::DpopNonce};

/// How far a proof's `iat` may be from the present, besides [`LEEWAY_S`] of clock.
pub(crate) const PROOF_LIFE: Duration = Duration::from_secs(60);

/// The algorithms that proofs may be signed with: asymmetric ones all (§11.6).
pub(crate) const ALGORITHMS: &[Algorithm] = &Algorithm::ALL;

/// The same for a challenge.
pub(crate) const ALGORITHMS_TEXT: &str = "ES256 ES384 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA";

/// The request that a proof is for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub method: &'a Method,
    /// Its public URL; the query does not count.
    pub url: &'a str,
    /// The access token that comes with it.
    pub token: Option<&'a str>,
}

/// Why a proof is not good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProofFault {
    /// It is not a proof of this request.
    Bad(&'static str),
    /// It needs a nonce: this one.
    Nonce(String),
    /// Its key was used too often in too short a time.
    TooMany,
}

/// The thumbprint of the key that a good proof shows; the proof is used up.
pub(crate) fn check(auth: &Auth, proof: &str, asked: Asked<'_>) -> Result<String, ProofFault> {
    let now = auth.world().now();
    let proof = DpopProof::read(proof, ALGORITHMS).map_err(|why| {
        tracing::info!(%why, "a DPoP proof cannot be read");
        ProofFault::Bad("it is malformed or not signed by the key in it")
    })?;
    judge(&proof, asked, now).map_err(ProofFault::Bad)?;
    let is_fresh = proof.nonce.as_deref().map(|text| nonce::is_fresh(auth.vault(), text, now));
    match (is_fresh, auth.config().dpop_nonce) {
        (Some(true), _) | (None, DpopNonce::Optional) => {}
        (Some(false), _) | (None, DpopNonce::Required) => {
            return Err(ProofFault::Nonce(nonce::current(auth.vault(), now)));
        }
    }
    if auth.proving().replay.is_from_before(proof.issued_at) {
        return Err(ProofFault::Bad("it was made before this process began"));
    }
    let issuer = Issuer::key(&proof.thumbprint);
    let until = proof.issued_at + PROOF_LIFE + leeway();
    match auth.proving().replay.note(issuer, issuer.id(&proof.token_id), until, now) {
        Seen::First => Ok(proof.thumbprint),
        Seen::Again => Err(ProofFault::Bad("it was used before")),
        Seen::TooMany => Err(ProofFault::TooMany),
    }
}

fn leeway() -> Duration {
    Duration::from_secs(u64::from(LEEWAY_S))
}

/// §4.3, steps 8 to 12: a proof is for this request and of this minute.
fn judge(proof: &DpopProof, asked: Asked<'_>, now: Timestamp) -> Result<(), &'static str> {
    if proof.method != asked.method.as_str() {
        return Err("its htm is another method");
    }
    if !is_same_target(&proof.uri, asked.url) {
        return Err("its htu is another address");
    }
    if proof.issued_at > now + leeway() {
        return Err("its iat is in the future");
    }
    if now >= proof.issued_at + PROOF_LIFE + leeway() {
        return Err("its iat is too old");
    }
    let ath = asked.token.map(|token| b64::encode(sha256(token.as_bytes())));
    if ath.is_some() && ath != proof.access_token_hash {
        return Err("its ath is not of this access token");
    }
    Ok(())
}

/// The two addresses mean the same without query and fragment (§4.3; RFC 3986 §6.2.2 and §6.2.3).
fn is_same_target(claimed: &str, asked: &str) -> bool {
    let (Ok(mut claimed), Ok(mut asked)) = (Url::parse(claimed), Url::parse(asked)) else { return false };
    for url in [&mut claimed, &mut asked] {
        url.set_query(None);
        url.set_fragment(None);
    }
    claimed.username().is_empty() && claimed == asked
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://h.example/oauth2/token";

    fn proof() -> DpopProof {
        DpopProof {
            thumbprint: "t".into(),
            token_id: "1".into(),
            method: "POST".into(),
            uri: URL.into(),
            issued_at: Timestamp::from_seconds(1_000),
            access_token_hash: None,
            nonce: None,
        }
    }

    fn is_good(proof: &DpopProof, token: Option<&str>, now_s: i64) -> bool {
        let asked = Asked { method: &Method::POST, url: URL, token };
        judge(proof, asked, Timestamp::from_seconds(now_s)).is_ok()
    }

    #[test]
    fn a_proof_is_for_one_request_and_one_minute() {
        for (now_s, expected) in [(990, true), (989, false), (1_069, true), (1_070, false)] {
            assert_eq!(is_good(&proof(), None, now_s), expected, "{now_s}");
        }
        for method in ["GET", "post", ""] {
            assert!(!is_good(&DpopProof { method: method.into(), ..proof() }, None, 1_000), "{method}");
        }
        for (uri, expected) in [
            ("HTTPS://H.EXAMPLE/oauth2/token", true),
            ("https://h.example:443/oauth2/token", true),
            ("https://h.example/oauth2/token?a=1#b", true),
            ("https://h.example/oauth2/par", false),
            ("https://h.example/oauth2/token/", false),
            ("http://h.example/oauth2/token", false),
            ("https://h.example:8443/oauth2/token", false),
            ("https://h.example.evil.example/oauth2/token", false),
            ("https://a@h.example/oauth2/token", false),
            ("/oauth2/token", false),
            ("", false),
        ] {
            assert_eq!(is_good(&DpopProof { uri: uri.into(), ..proof() }, None, 1_000), expected, "{uri}");
        }
    }

    #[test]
    fn at_a_resource_a_proof_is_for_one_token() {
        let hash = |token: &str| Some(b64::encode(sha256(token.as_bytes())));
        for (access_token_hash, expected) in
            [(hash("t"), true), (hash("u"), false), (None, false), (Some(String::new()), false)]
        {
            assert_eq!(is_good(&DpopProof { access_token_hash, ..proof() }, Some("t"), 1_000), expected);
        }
    }
}
