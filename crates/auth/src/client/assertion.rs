//! Signed assertions that prove a client: `private_key_jwt` and `client_secret_jwt`.  RFC 7523 §2.2 and §3, OpenID Connect
//! Core §9, SMART App Launch 2.2 §2.2.3, FAPI 2.0 §5.3.2.1
//!
//! What an assertion says of itself is read once before anything is proven, to find the client and its key. Everything is
//! read again from what was signed.

use std::time::Duration;

use crypto::{
    b64,
    jose::{
        Algorithm, AudienceForm, Claims, ExpectAssertion, JoseError, LEEWAY_S, MacAlgorithm, MacKey,
        TOKEN_BYTES_MAX, verify_assertion, verify_mac_assertion,
    },
};
use kernel::{Secret, Timestamp};
use serde::Deserialize;

use super::{AssertionAudience, AuthMethod, Client, Profile, directory::Entry};
use crate::{
    Auth, OAuthFault,
    proof::replay::{self, Issuer, Seen},
    udap,
};

/// How long an assertion may live.  SMART App Launch 2.2 §2.2.3.2.1
pub(crate) const ASSERTION_LIFE_MAX: Duration = Duration::from_mins(5);

/// With what a secret may sign. A secret of ours is too short for HS512 (RFC 7518 §3.2).
pub(super) const MAC_ALGORITHMS: &[MacAlgorithm] = &[MacAlgorithm::Hs256, MacAlgorithm::Hs384];

/// Whom an assertion is about, before anything is proven: the client that it names.
pub(super) fn subject(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        sub: String,
    }
    part::<Named>(assertion, 1).map(|named| named.sub)
}

/// What it calls its key, before anything is proven.
fn key_name(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        kid: Option<String>,
    }
    part::<Named>(assertion, 0).and_then(|named| named.kid)
}

fn part<T: serde::de::DeserializeOwned>(assertion: &str, nth: usize) -> Option<T> {
    if assertion.len() > TOKEN_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&b64::decode(assertion.split('.').nth(nth)?).ok()?).ok()
}

/// Whether the assertion proves the client; if not, why.
pub(super) async fn judge(
    auth: &Auth,
    entry: &Entry,
    assertion: &Secret<String>,
    endpoint: &str,
) -> Result<Result<(), &'static str>, OAuthFault> {
    let (client, assertion, now) = (&*entry.client, assertion.expose(), auth.world().now());
    if client.profile == Profile::Udap
        && let Some(proven) = udap::authenticate::authenticate(auth, client, assertion).await?
    {
        return match proven {
            Ok(claims) => spend(auth, client, &claims, now).await,
            Err(why) => Ok(Err(why)),
        };
    }
    let token_endpoint = format!("{}/token", auth.issuer());
    let rule = client.profile.assertion_audience();
    let audiences = audiences(rule, auth.issuer(), &token_endpoint, endpoint);
    let expect = ExpectAssertion {
        client: client.client_id.as_str(),
        audiences: &audiences,
        audience_form: match rule {
            AssertionAudience::IssuerAlone => AudienceForm::OneText,
            AssertionAudience::TokenEndpoint | AssertionAudience::IssuerOrEndpoint => {
                AudienceForm::TextOrList
            }
        },
        jku: client.metadata.jwks_uri.as_deref(),
        life_max_s: u32::try_from(ASSERTION_LIFE_MAX.as_secs()).unwrap_or(u32::MAX),
        now,
        leeway_s: LEEWAY_S,
    };
    let claims = match client.auth_method {
        AuthMethod::ClientSecretJwt => by_secret(auth, entry, assertion, &expect),
        _ => {
            let kid = key_name(assertion);
            if kid.is_none() && needs_kid(client.profile) {
                return Ok(Err("assertion_without_kid"));
            }
            match auth.proving().keys.of(client, kid.as_deref(), auth.outbound(), now).await {
                Some(keys) => verify_assertion(assertion, &keys, &algorithms(client), &expect),
                None => return Ok(Err("keys_unavailable")),
            }
        }
    };
    let claims = match claims {
        Ok(claims) => claims,
        Err(why) => {
            tracing::info!(%why, client = %client.client_id, "a client assertion is not good");
            return Ok(Err(word(why)));
        }
    };
    // An assertion that another server takes too could be that server's to present here.
    if !claims.audience.iter().all(|one| audiences.contains(&one.as_str())) {
        return Ok(Err("assertion_audience"));
    }
    spend(auth, client, &claims, now).await
}

fn by_secret(
    auth: &Auth,
    entry: &Entry,
    assertion: &str,
    expect: &ExpectAssertion<'_>,
) -> Result<Claims, JoseError> {
    let mut outcome = Err(JoseError::Signature);
    for row in entry.live_secrets(expect.now) {
        let Some(secret) = row.open(auth).and_then(|bytes| String::from_utf8(bytes.expose().clone()).ok())
        else {
            continue;
        };
        outcome = verify_mac_assertion(assertion, &MacKey::new(&Secret::new(secret)), MAC_ALGORITHMS, expect);
        if outcome.is_ok() {
            entry.touch(auth.db(), row, expect.now);
            break;
        }
    }
    outcome
}

/// What the trail and the portal say of it.
const fn word(why: JoseError) -> &'static str {
    match why {
        JoseError::Signature => "assertion_signature",
        JoseError::UnknownKey => "assertion_key_unknown",
        JoseError::Algorithm => "assertion_algorithm",
        JoseError::Audience => "assertion_audience",
        JoseError::Expired | JoseError::NotYet => "assertion_time",
        JoseError::LivesTooLong => "assertion_lives_too_long",
        JoseError::Issuer => "assertion_of_another",
        JoseError::Header(_) => "assertion_header",
        JoseError::Claim(_) => "assertion_claim",
        _ => "assertion_malformed",
    }
}

/// The audiences that the client's profile takes.
fn audiences<'a>(
    rule: AssertionAudience,
    issuer: &'a str,
    token_endpoint: &'a str,
    endpoint: &'a str,
) -> Vec<&'a str> {
    match rule {
        AssertionAudience::IssuerAlone => vec![issuer],
        AssertionAudience::TokenEndpoint => vec![token_endpoint],
        AssertionAudience::IssuerOrEndpoint => vec![issuer, token_endpoint, endpoint],
    }
}

/// The algorithms that the client's profile takes, or the one of them that is registered.
fn algorithms(client: &Client) -> Vec<Algorithm> {
    let registered = client.metadata.token_endpoint_auth_signing_alg;
    let of_profile = client.profile.assertion_algorithms().iter().copied();
    of_profile.filter(|algorithm| registered.is_none_or(|only| only == *algorithm)).collect()
}

/// SMART App Launch 2.2 §2.2.3.3: the key is found by `kid` and `kty`.
const fn needs_kid(profile: Profile) -> bool {
    matches!(profile, Profile::SmartAppLaunch | Profile::SmartBackend)
}

/// Use it up: the same id is taken no second time, here or at another node.
async fn spend(
    auth: &Auth,
    client: &Client,
    claims: &Claims,
    now: Timestamp,
) -> Result<Result<(), &'static str>, OAuthFault> {
    let Some(id) = &claims.token_id else { return Ok(Err("assertion_claim")) };
    let issuer = Issuer::client(client.client_id.as_str());
    let (id, until) = (issuer.id(id), claims.expires_at + Duration::from_secs(u64::from(LEEWAY_S)));
    let seen = match auth.proving().replay.note(issuer, id, until, now) {
        Seen::First => replay::record(auth.db(), id, until).await?,
        seen => seen,
    };
    match seen {
        Seen::First => Ok(Ok(())),
        Seen::Again => Ok(Err("assertion_replayed")),
        Seen::TooMany => Err(OAuthFault::Throttled(ASSERTION_LIFE_MAX.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_assertion_names_nobody() {
        let of = |claims: &str| subject(&format!("e30.{}.x", b64::encode(claims)));
        assert_eq!(of(r#"{"sub":"a.b"}"#).as_deref(), Some("a.b"));
        for claims in ["", "[]", "{}", r#"{"sub":7}"#, r#"{"sub":null}"#] {
            assert_eq!(of(claims), None, "{claims}");
        }
        assert_eq!(subject(&"x".repeat(TOKEN_BYTES_MAX + 1)), None);
        assert_eq!(subject(""), None);
    }
}
