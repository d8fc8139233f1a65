//! What a client was given, each time that it was: by a person, or by nobody but the deployment. Access and refresh tokens come from
//! it and end with it.  RFC 6749 §1.3

pub(crate) mod end;
mod list;
pub(crate) mod queries;
mod revoke;

use std::time::Duration;

use kernel::{Client, ClientConnection, Id, IdKind, Organisation, Person, Scopes, Session, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use list::{Connected, GRANTS_SHOWN_MAX, list_of_person};
pub use revoke::{revoke, revoke_all_of};

use crate::{
    Auth, client,
    token::{Confirmation, redeem::gives_refresh_token},
};

/// How long a grant lives that no refresh token was used of, and how long in any case.
pub const IDLE: Duration = Duration::from_hours(24 * 30);
/// How long a grant lives at the most before the person is asked again.
pub const ABSOLUTE: Duration = Duration::from_hours(24 * 365);
/// How long after its use a refresh token is good for a retry, whose answer may have been lost.
pub const RETRY_WINDOW: Duration = Duration::from_secs(60);

/// A grant.
#[derive(Debug, Clone, Copy)]
pub enum Grant {}
impl IdKind for Grant {
    const NAME: &'static str = "authorization_grant";
}

/// What a grant carries besides its scopes: from the authorization request through the code and the refresh tokens into every access
/// token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The API that its tokens are for, where it is not this deployment (RFC 8707).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The key that its tokens are bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// Through which connection the client came, where it did (contract 5): only that one's secret goes on with the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<Id<ClientConnection>>,
    /// When the person had shown who they are, in seconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticated_at_s: Option<i64>,
    /// How surely: the `acr` of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By what: the `amr` of the session.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The launch context (SMART App Launch 2.2 §2.0.11): told in the token answer and by introspection, member by member.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// Who acts for the subject (RFC 8693 §4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Value>,
}

/// A grant as its row holds it.
#[derive(Debug, Clone)]
pub(crate) struct GrantRow {
    pub id: Id<Grant>,
    pub organisation: Id<Organisation>,
    pub client: Id<Client>,
    pub person: Option<Id<Person>>,
    pub session: Option<Id<Session>>,
    pub scopes: Scopes,
    pub details: Details,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    pub generation: u32,
    pub rotated_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl GrantRow {
    /// A grant that begins now. Without a refresh token it is over with its one access token.
    pub(crate) fn open(
        auth: &Auth,
        client: &client::Client,
        person: Option<Id<Person>>,
        session: Option<Id<Session>>,
        scopes: Scopes,
    ) -> Self {
        let now = auth.world().now();
        let life = if gives_refresh_token(client, &scopes) { IDLE } else { client.token_lifetime() };
        Self {
            id: auth.world().new_id(),
            organisation: client.organisation,
            client: client.id,
            person,
            session,
            scopes,
            details: Details::default(),
            created_at: now,
            used_at: now,
            generation: 0,
            rotated_at: now,
            expires_at: now + life,
            revoked_at: None,
        }
    }
}

/// Whether a client keeps its access when the person has signed out.  OpenID Connect Core §11, SMART App Launch 2.2 §2.0.10
pub(crate) fn is_offline(scopes: &Scopes) -> bool {
    scopes.has("offline_access")
}
