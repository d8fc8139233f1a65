//! The ID token: who signed in, when, and for which client.  OpenID Connect Core §2

use crypto::jose::Algorithm;
use kernel::{Id, Session};
use serde::Serialize;

use super::issue::NewToken;
use crate::{
    Auth, OAuthFault,
    client::{Client, Profile},
    grant::GrantRow,
    udap::{self, Community},
};

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

/// The same under a certificate: every token of the guide has an id.  HL7 FAST §7.1.4
#[derive(Serialize)]
struct Certified<'a> {
    #[serde(flatten)]
    claims: IdClaims<'a>,
    jti: String,
}

/// Sign an ID token that goes with this access token.
pub(super) async fn sign(
    auth: &Auth,
    client: &Client,
    grant: &GrantRow,
    token: &NewToken,
    access_token: &str,
    nonce: Option<&str>,
) -> Result<String, OAuthFault> {
    let algorithm = client.id_token_algorithm();
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
        at_hash: algorithm.half_hash(access_token),
        fhir_user: token.details.context.get("fhirUser").and_then(serde_json::Value::as_str),
    };
    match certified(auth, client, grant).await? {
        Some(community) => {
            let jti = crypto::b64::encode(auth.world().random::<16>());
            let at_hash = Algorithm::Rs256.half_hash(access_token);
            Ok(community.sign(&Certified { claims: IdClaims { at_hash, ..claims }, jti })?)
        }
        None => auth.sign_as(algorithm, "JWT", &claims).await,
    }
}

/// The community under whose certificate the ID token goes out: that of a data holder which asks as one, if this server is an
/// identity provider there.  HL7 FAST §6.2, §7.1
async fn certified<'a>(
    auth: &'a Auth,
    client: &Client,
    grant: &GrantRow,
) -> Result<Option<&'a Community>, OAuthFault> {
    if client.profile != Profile::Udap || !grant.scopes.has(udap::SCOPE) {
        return Ok(None);
    }
    let community = udap::community_of(auth, client.id).await?;
    Ok(community.filter(|community| community.certifies(auth.issuer())))
}
