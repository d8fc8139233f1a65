//! Who we are to an identity provider of a community, and whether its ID token is its own.  IG §4.2.1, §6.2, §7.1

use crypto::{
    b64,
    jose::{Chained, ChainedFault, Claims, Expect, Typ},
};
use kernel::{Secret, Timestamp};
use serde_json::json;

use super::super::{ALGORITHMS, Community};
use crate::{
    Auth,
    upstream::{LEEWAY_S, UpstreamFault},
};

/// How long an authentication token of ours is good, in seconds.
const TOKEN_LIFE_S: i64 = 60;

/// The community of this URI, if its identity providers sign people in here.
///
/// # Errors
/// [`UpstreamFault::NotFound`] where they do not, any more.
pub(crate) fn community<'a>(auth: &'a Auth, uri: &str) -> Result<&'a Community, UpstreamFault> {
    let community = auth.config().udap.find(Some(uri));
    let community = community.filter(|community| community.identity_providers.is_some());
    community.ok_or(UpstreamFault::NotFound)
}

/// The form parameters that prove us at the token endpoint.
pub(crate) fn proof(
    auth: &Auth,
    community_uri: &str,
    client_id: &str,
    token_endpoint: &str,
) -> Result<Vec<(&'static str, Secret<String>)>, UpstreamFault> {
    let now = auth.world().now().as_seconds();
    let token = community(auth, community_uri)?.sign(&json!({
        "iss": client_id,
        "sub": client_id,
        "aud": token_endpoint,
        "iat": now,
        "exp": now + TOKEN_LIFE_S,
        "jti": b64::encode(auth.world().random::<16>()),
    }));
    let token = token.map_err(|_| UpstreamFault::Unreadable("our key in the community"))?;
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
    Ok(vec![
        ("client_assertion_type", Secret::new(kind)),
        ("client_assertion", Secret::new(token)),
        ("udap", Secret::new("1".to_owned())),
    ])
}

/// What an ID token says that is signed under a certificate of the community which names its issuer; else why it is not good.
pub(crate) fn verified(
    auth: &Auth,
    community_uri: &str,
    issuer: &str,
    client_id: &str,
    token: &str,
    now: Timestamp,
) -> Result<Claims, String> {
    let community = community(auth, community_uri).map_err(|fault| fault.to_string())?;
    let expect = Expect {
        issuer,
        audience: client_id,
        typ: Typ::JwtOrNone,
        algs: &ALGORITHMS,
        now,
        leeway_s: LEEWAY_S,
    };
    let judged = Chained::read(token, &ALGORITHMS).map_err(ChainedFault::Token);
    let judged = judged.and_then(|chained| {
        let (claims, signer) = chained.verify_token(&community.anchors, &expect)?;
        Ok((claims, signer.uris().iter().any(|uri| uri == issuer)))
    });
    match judged {
        Ok((claims, true)) => Ok(claims),
        Ok((_, false)) => Err("its certificate names another".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}
