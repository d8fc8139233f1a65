//! A new organisation.

use super::{Named, Organisation, OrganisationFault, queries, read};
use crate::{Acting, Auth};

/// Create an organisation. One whose given id is there already is answered as it is.
///
/// # Errors
/// [`OrganisationFault`].
pub async fn create(
    auth: &Auth,
    acting: &Acting,
    named: &Named<kernel::Organisation>,
) -> Result<Organisation, OrganisationFault> {
    let read = read(named)?;
    let id = named.id.unwrap_or_else(|| auth.world().new_id());
    let organisation = Organisation { id, slug: read.slug, name: read.name, created_at: auth.world().now() };
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<Organisation, OrganisationFault> {
            if let Some(there) = queries::organisation(tx, id).await? {
                return Ok(there);
            }
            queries::insert_organisation(tx, &organisation).await?;
            let entry = acting.entry("organisation.created", id, serde_json::Value::Null);
            audit::record(tx, &world, &audit::Entry { organisation: Some(id), ..entry }).await?;
            Ok(organisation.clone())
        })
        .await
}
