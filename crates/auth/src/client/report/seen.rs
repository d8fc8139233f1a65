//! What the database tells of a client's behaviour.

use std::collections::BTreeMap;

use kernel::{Id, Scope, Scopes};
use store::{DbError, Reader, binds};

use super::{Seen, SeenSecret};
use crate::{
    Acting, Auth,
    client::{ClientFault, secrets_of},
    trace::failures_of,
};

/// How many of the newest grants are looked at.
const GRANTS_MAX: i64 = 1_000;

/// What was seen of a client of the acting person's organisation.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn seen_of(auth: &Auth, acting: &Acting, client: Id<kernel::Client>) -> Result<Seen, ClientFault> {
    let now = auth.world().now();
    let secrets = secrets_of(auth, acting, client).await?;
    let live = secrets.iter().filter(|secret| secret.is_live(now));
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for failure in failures_of(auth, acting, client).await? {
        *refused.entry(failure.why).or_default() += 1;
    }
    let granted: Vec<(Scopes,)> = auth
        .db()
        .scan(async move |tx: &mut Reader| -> Result<_, DbError> {
            tx.all(
                "SELECT scopes FROM authorization_grant WHERE client_id = $1 ORDER BY id DESC LIMIT $2",
                binds![client, GRANTS_MAX],
            )
            .await
        })
        .await?;
    Ok(Seen {
        secrets: live
            .map(|secret| SeenSecret {
                created_at: secret.created_at,
                last_used_at: secret.last_used_at,
                expires_at: secret.expires_at,
            })
            .collect(),
        scopes_granted: granted
            .iter()
            .flat_map(|(scopes,)| scopes.iter())
            .cloned()
            .collect::<Vec<Scope>>()
            .into_iter()
            .collect(),
        refused: refused.into_iter().collect(),
    })
}
