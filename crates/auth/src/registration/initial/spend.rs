//! A token is shown, and lets one client register itself.

use kernel::{Digest, Id, Organisation};
use serde_json::json;
use store::{DbError, Writer};

use super::{PREFIX, PURPOSE, queries};
use crate::{Acting, Auth};

/// Whom a token that was shown belongs to.
#[derive(Clone, Copy)]
pub(in crate::registration) struct Holder {
    pub id: Id<kernel::InitialAccessToken>,
    pub organisation: Id<Organisation>,
}

/// Whether this text is meant to be an initial access token of ours, and no access token.
pub(in crate::registration) fn is_one(text: &str) -> bool {
    text.starts_with(PREFIX)
}

pub(super) fn digest(auth: &Auth, text: &str) -> Digest {
    auth.vault().digest(PURPOSE, text.as_bytes())
}

/// Whose token this is. Whether it is still good is decided when it is spent.
pub(in crate::registration) async fn holder(auth: &Auth, text: &str) -> Result<Option<Holder>, DbError> {
    let found = queries::by_digest(&mut auth.db().read().await?, &digest(auth, text)).await?;
    Ok(found.map(|(id, organisation)| Holder { id, organisation }))
}

/// Spend one use for this client, in the transaction that registers it. Nothing is spent where the token is not good any more.
pub(in crate::registration) async fn spend(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    holder: Holder,
    client: Id<kernel::Client>,
) -> Result<bool, DbError> {
    let world = auth.world();
    if queries::spend(tx, holder.id, world.now()).await? == 0 {
        return Ok(false);
    }
    let details = json!({ "client": client });
    audit::record(tx, world, &acting.entry("initial_access_token.used", holder.id, details)).await?;
    Ok(true)
}
