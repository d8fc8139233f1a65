//! Reading organisations.

use kernel::Id;

use super::{LIST_ROWS_MAX, Organisation, OrganisationFault, Slug, queries};
use crate::Auth;

/// The organisations of this deployment, the oldest first.
///
/// # Errors
/// The database.
pub async fn list(auth: &Auth) -> Result<Vec<Organisation>, OrganisationFault> {
    auth.db().scan(async |tx| Ok(queries::organisations(tx, LIST_ROWS_MAX).await?)).await
}

/// One organisation.
///
/// # Errors
/// The database.
pub async fn get(
    auth: &Auth,
    id: Id<kernel::Organisation>,
) -> Result<Option<Organisation>, OrganisationFault> {
    Ok(queries::organisation(&mut auth.db().read().await?, id).await?)
}

/// The organisation with this short name.
///
/// # Errors
/// The database.
pub async fn by_slug(auth: &Auth, slug: &Slug) -> Result<Option<Organisation>, OrganisationFault> {
    Ok(queries::by_slug(&mut auth.db().read().await?, slug).await?)
}
