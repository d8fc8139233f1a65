//! The keys of an organisation.

use kernel::Id;

use super::{ApiKey, ApiKeyFault, KEYS_MAX, queries};
use crate::{Acting, Auth};

/// The keys of the acting person's organisation that were not deleted, the newest first.
///
/// # Errors
/// The database.
pub async fn list_of(auth: &Auth, acting: &Acting) -> Result<Vec<ApiKey>, ApiKeyFault> {
    let organisation = acting.organisation;
    auth.db().scan(async move |tx| Ok(queries::of_organisation(tx, organisation, KEYS_MAX).await?)).await
}

/// One key of the acting person's organisation.
///
/// # Errors
/// [`ApiKeyFault::NotFound`].
pub async fn get(auth: &Auth, acting: &Acting, id: Id<kernel::ApiKey>) -> Result<ApiKey, ApiKeyFault> {
    let found = queries::by_id(&mut auth.db().read().await?, acting.organisation, id).await?;
    found.ok_or(ApiKeyFault::NotFound)
}

/// The clients of the organisation that are keys, deleted ones too: they are no applications.
///
/// # Errors
/// The database.
pub async fn ids_of(auth: &Auth, acting: &Acting) -> Result<Vec<Id<kernel::Client>>, ApiKeyFault> {
    let organisation = acting.organisation;
    auth.db().scan(async move |tx| Ok(queries::ids(tx, organisation).await?)).await
}
