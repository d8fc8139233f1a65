//! The keys of an organisation.

use kernel::Id;

use super::{ApiKey, ApiKeyFault, KEYS_MAX, queries};
use crate::{Acting, Auth, role};

/// The keys of the acting person's organisation that were not deleted, the newest first.
///
/// # Errors
/// The database.
pub async fn list_of(auth: &Auth, acting: &Acting) -> Result<Vec<ApiKey>, ApiKeyFault> {
    let organisation = acting.organisation;
    auth.db()
        .scan(async move |tx| {
            let mut keys = queries::of_organisation(tx, organisation, KEYS_MAX).await?;
            for key in &mut keys {
                key.grants = role::queries::within(tx, key.id, organisation).await?;
            }
            Ok(keys)
        })
        .await
}

/// One key of the acting person's organisation.
///
/// # Errors
/// [`ApiKeyFault::NotFound`].
pub async fn get(auth: &Auth, acting: &Acting, id: Id<kernel::ApiKey>) -> Result<ApiKey, ApiKeyFault> {
    let mut tx = auth.db().read().await?;
    let found = queries::by_id(&mut tx, acting.organisation, id).await?.ok_or(ApiKeyFault::NotFound)?;
    let grants = role::queries::within(&mut tx, id, acting.organisation).await?;
    Ok(ApiKey { grants, ..found })
}

/// The clients of the organisation that are keys, deleted ones too: they are no applications.
///
/// # Errors
/// The database.
pub async fn ids_of(auth: &Auth, acting: &Acting) -> Result<Vec<Id<kernel::Client>>, ApiKeyFault> {
    let organisation = acting.organisation;
    auth.db().scan(async move |tx| Ok(queries::ids(tx, organisation).await?)).await
}
