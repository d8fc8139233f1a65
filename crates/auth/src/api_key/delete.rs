//! A key is deleted: it is dead at once, and so is every token that was got with it.

use kernel::Id;
use serde_json::Value;

use super::{ApiKeyFault, queries};
use crate::{
    Acting, Auth, client,
    client::Client,
    token::revocation::{self, Revoked},
};

/// Delete a key of the acting person's organisation. Its id is not given again.
///
/// # Errors
/// [`ApiKeyFault::NotFound`].
pub async fn delete(auth: &Auth, acting: &Acting, id: Id<kernel::ApiKey>) -> Result<(), ApiKeyFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let revoked = Revoked::client(id.cast(), now);
    let row = revoked.clone();
    let key_id = auth
        .db()
        .write(async move |tx| -> Result<_, ApiKeyFault> {
            if queries::delete(tx, acting.organisation, id, now).await? == 0 {
                return Err(ApiKeyFault::NotFound);
            }
            let client = client::queries::by_id(tx, acting.organisation, id.cast()).await?;
            let client = client.ok_or(ApiKeyFault::NotFound)?;
            let after = Client { disabled_at: Some(now), updated_at: now, ..client };
            client::queries::update(tx, &after).await?;
            revocation::record(tx, &world, &row).await?;
            audit::record(tx, &world, &acting.entry("api_key.deleted", id, Value::Null)).await?;
            Ok(after.client_id)
        })
        .await?;
    auth.directory().forget(key_id.as_str());
    auth.heed(&revoked);
    Ok(())
}
