//! Sites of an organisation.

use kernel::Id;
use store::DbError;

use super::{LIST_ROWS_MAX, Named, OrganisationFault, Site, queries, read};
use crate::{Acting, Auth};

/// Add a site to the acting person's organisation. One whose given id is there already is answered as it is.
///
/// # Errors
/// [`OrganisationFault`].
pub async fn add_site(
    auth: &Auth,
    acting: &Acting,
    named: &Named<kernel::Site>,
) -> Result<Site, OrganisationFault> {
    let read = read(named)?;
    let id = named.id.unwrap_or_else(|| auth.world().new_id());
    let site = Site { id, organisation: acting.organisation, slug: read.slug, name: read.name };
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<Site, OrganisationFault> {
            if let Some(there) = queries::site(tx, site.organisation, id).await? {
                return Ok(there);
            }
            queries::insert_site(tx, &site, now).await?;
            audit::record(tx, &world, &acting.entry("site.added", id, serde_json::Value::Null)).await?;
            Ok(site.clone())
        })
        .await
}

/// The sites of the acting person's organisation, by name.
///
/// # Errors
/// The database.
pub async fn sites(auth: &Auth, acting: &Acting) -> Result<Vec<Site>, OrganisationFault> {
    let organisation = acting.organisation;
    auth.db().scan(async move |tx| Ok(queries::sites(tx, organisation, LIST_ROWS_MAX).await?)).await
}

/// Whether this is a site of the organisation.
///
/// # Errors
/// The database.
pub async fn has_site(
    auth: &Auth,
    organisation: Id<kernel::Organisation>,
    site: Id<kernel::Site>,
) -> Result<bool, DbError> {
    Ok(queries::site(&mut auth.db().read().await?, organisation, site).await?.is_some())
}
