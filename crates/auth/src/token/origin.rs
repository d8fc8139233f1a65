//! What a token came of: kept by whoever goes on after the call, to ask whether it still stands.

use kernel::{ApiKey, Client, Id, Person, Token};
use serde::{Deserialize, Serialize};

use super::Verified;
use crate::{Auth, client, grant::Grant};
use web::AuthFault;

/// Everything that a revocation can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub(super) token: Id<Token>,
    pub(super) client: Id<Client>,
    pub(super) person: Option<Id<Person>>,
    pub(super) grant: Option<Id<Grant>>,
    pub(super) key: Option<Id<ApiKey>>,
    pub(super) issued_at_s: i64,
}

impl Verified {
    /// What it came of.
    pub const fn origin(&self) -> Origin {
        Origin {
            token: self.caller.token,
            client: self.caller.client,
            person: self.caller.person,
            grant: self.grant,
            key: self.key,
            issued_at_s: self.issued_at_s,
        }
    }
}

impl Auth {
    /// Whether what a token came of still stands, be the token itself out of date: nothing of it was revoked, and its client is
    /// switched on.
    ///
    /// # Errors
    /// [`AuthFault::Unavailable`] when this node cannot know.
    pub async fn stands(&self, origin: &Origin) -> Result<bool, AuthFault> {
        if self.is_revoked(origin).await? {
            return Ok(false);
        }
        let client = client::live_by_id(self, origin.client).await;
        Ok(client.map_err(|fault| AuthFault::Unavailable(Box::new(fault)))?.is_some())
    }
}
