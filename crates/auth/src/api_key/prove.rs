//! A key that is presented itself, in place of a token that was got with it.  Contract 4, RBAC
//!
//! It is judged as at the token endpoint: the same digests, the same waiting for whoever guesses, the same record of refusals. Its
//! roles are read each time, so that one that was taken is gone with the next request.

use kernel::{Caller, Secret};
use web::{AuthFault, PresentedKey};

use super::queries;
use crate::{Auth, OAuthFault, client::authenticate, role, scope};

impl Auth {
    /// The caller that a key proves.
    pub(crate) async fn check_key(&self, presented: PresentedKey<'_>) -> Result<Caller, AuthFault> {
        let key_id = presented.key_id.parse().map_err(|_| AuthFault::Invalid)?;
        let text = Secret::new(presented.key.to_owned());
        let proven = authenticate::by_secret(self, key_id, text, presented.source).await;
        let client = proven.map_err(|fault| match fault {
            OAuthFault::Throttled(wait_s) => AuthFault::Throttled(wait_s),
            OAuthFault::Unavailable(cause) => AuthFault::Unavailable(cause),
            _ => AuthFault::Invalid,
        })?;
        let unavailable = |fault: store::DbError| AuthFault::Unavailable(Box::new(fault));
        let mut tx = self.db().read().await.map_err(unavailable)?;
        // Secrets of other clients are for the token endpoint alone, and a key whose tokens are bound to another key proves that one there.
        let is_key =
            queries::by_id(&mut tx, client.organisation, client.id.cast()).await.map_err(unavailable)?;
        let key = is_key.filter(|_| !client.requires_sender_constraint()).ok_or(AuthFault::Invalid)?;
        let grants =
            role::queries::within(&mut tx, client.id, client.organisation).await.map_err(unavailable)?;
        Ok(Caller {
            organisation: client.organisation,
            client: client.id,
            person: None,
            scopes: scope::without_person(&client.scopes),
            grants,
            token: key.id.cast(),
        })
    }
}
