//! Making an access token.  RFC 9068 §2

use kernel::{ApiKey, Grants, Id, Person, Scopes, Timestamp, Token};
use store::{DbError, Reader};

use super::{ACCESS_TOKEN_TYP, AccessClaims, Confirmation};
use crate::{
    Auth, OAuthFault,
    client::Client,
    grant::{Details, Grant, GrantRow},
    role,
    smart::context,
    status::{Place, StatusClaim},
};

/// The member of a token's context that says for whom and why a system asks.  HL7 FAST §5.3.1
pub(crate) const EXTENSIONS: &str = "extensions";

/// What a token will say, decided before it is signed.
#[derive(Clone)]
pub(crate) struct NewToken {
    pub id: Id<Token>,
    pub person: Option<Id<Person>>,
    pub scopes: Scopes,
    pub grant: Option<Id<Grant>>,
    pub key: Option<Id<ApiKey>>,
    pub details: Details,
    pub grants: Grants,
    pub status: Option<Place>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

impl NewToken {
    /// A token for the client itself.
    pub(crate) fn own(
        auth: &Auth,
        client: &Client,
        scopes: Scopes,
        confirmation: Option<Confirmation>,
    ) -> Self {
        let issued_at = auth.world().now();
        Self {
            id: auth.world().new_id(),
            person: None,
            scopes,
            grant: None,
            key: None,
            details: Details { confirmation, ..Details::default() },
            grants: Grants::none(),
            status: auth.lists().next(),
            issued_at,
            expires_at: issued_at + client.token_lifetime(),
        }
    }

    /// A token of a grant, for these of its scopes. It opens no patient's record where no patient is in context.
    pub(crate) fn of_grant(auth: &Auth, client: &Client, grant: &GrantRow, scopes: Scopes) -> Self {
        let (scopes, context) = context::settle(scopes, grant.details.context.clone());
        let own = Self::own(auth, client, scopes, None);
        let details = Details { context, ..grant.details.clone() };
        Self { person: grant.person, grant: Some(grant.id), details, ..own }
    }

    /// The same, telling what its holder is in the client's organisation, where it is good for something that roles decide about.
    pub(crate) async fn telling_roles(mut self, tx: &mut Reader, client: &Client) -> Result<Self, DbError> {
        if role::are_told(&self.scopes) {
            self.grants = match self.person {
                Some(person) => role::queries::within(tx, person, client.organisation).await?,
                None => role::queries::within(tx, client.id, client.organisation).await?,
            };
        }
        Ok(self)
    }

    /// The same outside a unit: the database is asked only where there is something to tell.
    pub(crate) async fn telling_roles_now(self, auth: &Auth, client: &Client) -> Result<Self, DbError> {
        if role::are_told(&self.scopes) {
            self.telling_roles(&mut auth.db().read().await?, client).await
        } else {
            Ok(self)
        }
    }

    /// Whom the token is about.
    pub(crate) fn subject(&self, client: &Client) -> String {
        self.person.map_or_else(|| client.client_id.as_str().to_owned(), |person| person.to_string())
    }

    /// What the audit trail keeps of it: purpose, organisation and requestor too, where a system had to state them.
    pub(crate) fn details(&self) -> serde_json::Value {
        let mut kept = serde_json::json!({
            "token": self.id, "scopes": self.scopes, "expires_at": self.expires_at, "grant": self.grant,
            "status": self.status,
        });
        if let (Some(stated), Some(kept)) = (self.details.context.get(EXTENSIONS), kept.as_object_mut()) {
            kept.insert(EXTENSIONS.to_owned(), stated.clone());
        }
        kept
    }
}

/// Sign it. It is on record by then: no token leaves that the audit trail does not know.
pub(crate) fn sign(auth: &Auth, client: &Client, token: &NewToken) -> Result<String, OAuthFault> {
    let details = &token.details;
    let claims = AccessClaims {
        iss: auth.issuer().to_owned(),
        sub: token.subject(client),
        aud: details.resource.clone().unwrap_or_else(|| auth.config().base().to_owned()),
        client_id: client.client_id.clone(),
        scope: token.scopes.clone(),
        jti: token.id,
        iat: token.issued_at.as_seconds(),
        exp: token.expires_at.as_seconds(),
        org: client.organisation,
        cid: client.id,
        gid: token.grant,
        kid: token.key,
        cnf: details.confirmation.clone(),
        auth_time: details.authenticated_at_s,
        acr: details.acr.clone(),
        act: details.actor.clone(),
        roles: token.grants.clone(),
        status: token.status.map(|place| StatusClaim::of(place, auth.issuer())),
        ctx: details.context.clone(),
    };
    Ok(auth.keys().sign(ACCESS_TOKEN_TYP, &claims)?)
}
