//! Tokens: access tokens are signed, self-contained and checked in memory (RFC 9068); refresh tokens name a generation of a grant
//! (RFC 6749 §6).

pub(crate) mod asker;
pub(crate) mod by_get;
pub(crate) mod check;
mod client_credentials;
mod confirmation;
pub(crate) mod exchange;
mod id_token;
pub(crate) mod introspect;
pub(crate) mod issue;
mod keep_current;
mod origin;
mod queries;
pub(crate) mod redeem;
mod refresh;
mod refresh_token;
pub(crate) mod revocation;
pub(crate) mod revoke;
mod token_exchange;

use std::sync::OnceLock;

use axum::body::Bytes;
use kernel::{ApiKey, Caller, Client, Grants, Id, Organisation, Scopes, Token};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use confirmation::Confirmation;
pub(crate) use keep_current::POLL;
pub use origin::Origin;

use crate::{
    client::ClientIdText,
    grant::Grant,
    status::{Place, StatusClaim},
};

/// The type of an access token's header.  RFC 9068 §2.1
pub(crate) const ACCESS_TOKEN_TYP: &str = "at+jwt";

/// What an access token says.  RFC 9068 §2.2; `org`, `cid`, `gid`, `kid` and `ctx` are ours: the client's organisation and its id, so that
/// a caller is known without asking the database; the grant or API key that it ends with; the launch context.
/// `roles` (RFC 9068 §2.2.3.1) are what the holder is in that organisation, in short; only where a scope has a use for them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub client_id: ClientIdText,
    pub scope: Scopes,
    pub jti: Id<Token>,
    pub iat: i64,
    pub exp: i64,
    pub org: Id<Organisation>,
    pub cid: Id<Client>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gid: Option<Id<Grant>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kid: Option<Id<ApiKey>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub act: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<StatusClaim>,
    #[serde(skip_serializing_if = "Grants::is_empty", default)]
    pub roles: Grants,
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub ctx: Map<String, Value>,
}

/// A token that was found good: who calls, and what the token says besides.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who calls.
    pub caller: Caller,
    /// The client's id in protocols.
    pub client_id: ClientIdText,
    /// Whom it is about: a person's id, or the client's.
    pub subject: String,
    /// Which API it is for.
    pub audience: String,
    /// When it was issued, in seconds since the epoch.
    pub issued_at_s: i64,
    /// When it ends, in seconds since the epoch.
    pub expires_at_s: i64,
    /// The grant that it came of.
    pub grant: Option<Id<Grant>>,
    /// The API key that it came of.
    pub key: Option<Id<ApiKey>>,
    /// The key that whoever presents it has to prove.
    pub confirmation: Option<Confirmation>,
    /// When the person had signed in, in seconds since the epoch.
    pub authenticated_at_s: Option<i64>,
    /// How surely.
    pub acr: Option<String>,
    /// Who acts for the subject.
    pub actor: Option<Value>,
    /// The launch context.
    pub context: Map<String, Value>,
    /// Its place in a status list.
    pub(crate) status: Option<Place>,
    /// What introspection says of it.
    pub(crate) told: OnceLock<Bytes>,
}
