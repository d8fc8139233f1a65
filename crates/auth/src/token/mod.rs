//! Access tokens: signed, self-contained, checked in memory.  RFC 9068

pub(crate) mod check;
pub(crate) mod exchange;
mod id_token;
pub(crate) mod introspect;
mod issue;
mod keep_current;
mod queries;
mod redeem;
pub(crate) mod revocation;
pub(crate) mod revoke;

use kernel::{Caller, Id, Organisation, Scopes, Token};
use serde::{Deserialize, Serialize};

use crate::client::ClientIdText;

/// The type of an access token's header.  RFC 9068 §2.1
pub(crate) const ACCESS_TOKEN_TYP: &str = "at+jwt";

/// What an access token says.  RFC 9068 §2.2; `org` and `cid` are ours: the client's organisation and its id, so that a
/// caller is known without asking the database.
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
    pub cid: Id<kernel::Client>,
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
    /// When it was issued, in seconds since the epoch.
    pub issued_at_s: i64,
    /// When it ends, in seconds since the epoch.
    pub expires_at_s: i64,
}
