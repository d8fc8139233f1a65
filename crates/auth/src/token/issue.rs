//! Making an access token.  RFC 9068 §2

use std::time::Duration;

use kernel::{Id, Person, Scopes, Timestamp, Token};

use super::{ACCESS_TOKEN_TYP, AccessClaims};
use crate::{Auth, OAuthFault, client::Client};

/// What a token will say, decided before it is signed.
#[derive(Clone)]
pub(super) struct Grant {
    pub token: Id<Token>,
    pub person: Option<Id<Person>>,
    pub scopes: Scopes,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Grant {
    pub(super) fn new(auth: &Auth, client: &Client, person: Option<Id<Person>>, scopes: Scopes) -> Self {
        let issued_at = auth.world().now();
        let lifetime = Duration::from_secs(u64::from(client.token_lifetime_s));
        Self { token: auth.world().new_id(), person, scopes, issued_at, expires_at: issued_at + lifetime }
    }

    /// Whom the token is about.
    pub(super) fn subject(&self, client: &Client) -> String {
        self.person.map_or_else(|| client.client_id.as_str().to_owned(), |person| person.to_string())
    }

    /// What the audit trail keeps of it.
    pub(super) fn details(&self) -> serde_json::Value {
        serde_json::json!({ "token": self.token, "scopes": self.scopes, "expires_at": self.expires_at })
    }
}

/// Sign it. The grant is on record by then: no token leaves that the audit trail does not know.
pub(super) fn sign(auth: &Auth, client: &Client, grant: &Grant) -> Result<String, OAuthFault> {
    let claims = AccessClaims {
        iss: auth.issuer().to_owned(),
        sub: grant.subject(client),
        aud: auth.config().base().to_owned(),
        client_id: client.client_id.clone(),
        scope: grant.scopes.clone(),
        jti: grant.token,
        iat: grant.issued_at.as_seconds(),
        exp: grant.expires_at.as_seconds(),
        org: client.organisation,
        cid: client.id,
    };
    Ok(auth.keys().sign(ACCESS_TOKEN_TYP, &claims)?)
}
