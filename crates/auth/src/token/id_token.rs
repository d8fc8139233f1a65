//! The ID token: who signed in, when, and for which client.  OpenID Connect Core §2

use crypto::{b64, sha256};
use kernel::{Id, Session};
use serde::Serialize;

use super::issue::NewToken;
use crate::{Auth, OAuthFault, client::Client, grant::GrantRow};

#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: String,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<Id<Session>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    at_hash: String,
    /// The record that is the person (SMART App Launch 2.2 §3.0.4.1).
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    fhir_user: Option<&'a str>,
}

/// Sign an ID token that goes with this access token.
pub(super) fn sign(
    auth: &Auth,
    client: &Client,
    grant: &GrantRow,
    token: &NewToken,
    access_token: &str,
    nonce: Option<&str>,
) -> Result<String, OAuthFault> {
    let claims = IdClaims {
        iss: auth.issuer(),
        sub: token.subject(client),
        aud: client.client_id.as_str(),
        iat: token.issued_at.as_seconds(),
        exp: token.expires_at.as_seconds(),
        auth_time: grant.details.authenticated_at_s,
        nonce,
        sid: grant.session,
        acr: grant.details.acr.as_deref(),
        amr: &grant.details.amr,
        at_hash: half_hash(access_token),
        fhir_user: token.details.context.get("fhirUser").and_then(serde_json::Value::as_str),
    };
    Ok(auth.keys().sign("JWT", &claims)?)
}

/// The left half of the hash that goes with ES256 (§3.1.3.6).
fn half_hash(access_token: &str) -> String {
    let hash = sha256(access_token.as_bytes());
    let (halves, _) = hash.as_chunks::<16>();
    halves.first().map(b64::encode).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_left_half_of_sha_256() {
        // SHA-256 of "abc" (FIPS 180-4) begins ba7816bf 8f01cfea 414140de 5dae2223.
        let left =
            [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23];
        assert_eq!(half_hash("abc"), b64::encode(left));
    }
}
