//! A token ends before its time.

use kernel::Id;

use super::{InitialToken, InitialTokenFault, queries};
use crate::{Acting, Auth};

/// One token of the acting person's organisation.
///
/// # Errors
/// [`InitialTokenFault::NotFound`].
pub async fn get(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::InitialAccessToken>,
) -> Result<InitialToken, InitialTokenFault> {
    let found = queries::by_id(&mut auth.db().read().await?, acting.organisation, id).await?;
    found.ok_or(InitialTokenFault::NotFound)
}

/// Let a token register no client any more. What it registered stays.
///
/// # Errors
/// [`InitialTokenFault::NotFound`] where it was revoked before, too.
pub async fn revoke(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::InitialAccessToken>,
) -> Result<(), InitialTokenFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), InitialTokenFault> {
            if queries::revoke(tx, acting.organisation, id, world.now()).await? == 0 {
                return Err(InitialTokenFault::NotFound);
            }
            let entry = acting.entry("initial_access_token.revoked", id, serde_json::Value::Null);
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await
}
