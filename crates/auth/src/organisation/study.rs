//! Studies of an organisation, and where they run.

use std::collections::BTreeSet;

use kernel::{Id, Issue};
use store::DbError;

use super::{LIST_ROWS_MAX, Named, OrganisationFault, Study, queries, read};
use crate::{Acting, Auth, role};

/// How many sites a study may have.
pub const STUDY_SITES_MAX: usize = 500;

/// Add a study to the acting person's organisation, at sites of the same organisation. One whose given id is there
/// already is answered as it is.
///
/// # Errors
/// [`OrganisationFault`].
pub async fn add_study(
    auth: &Auth,
    acting: &Acting,
    named: &Named<kernel::Study>,
    sites: &[Id<kernel::Site>],
) -> Result<Study, OrganisationFault> {
    let read = read(named)?;
    let id = named.id.unwrap_or_else(|| auth.world().new_id());
    if sites.len() > STUDY_SITES_MAX {
        return Err(OrganisationFault::Refused(vec![Issue::at("sites", "must be at most 500")]));
    }
    let sites = sites.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let study = Study { id, organisation: acting.organisation, slug: read.slug, name: read.name, sites };
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<Study, OrganisationFault> {
            if let Some(there) = queries::study(tx, study.organisation, id).await? {
                return Ok(there);
            }
            queries::insert_study(tx, &study, now).await?;
            let details = serde_json::json!({ "sites": study.sites.len() });
            audit::record(tx, &world, &acting.entry("study.added", id, details)).await?;
            Ok(study.clone())
        })
        .await
}

/// The studies of the acting person's organisation, by name.
///
/// # Errors
/// The database.
pub async fn studies(auth: &Auth, acting: &Acting) -> Result<Vec<Study>, OrganisationFault> {
    let organisation = acting.organisation;
    auth.db().scan(async move |tx| Ok(queries::studies(tx, organisation, LIST_ROWS_MAX).await?)).await
}

/// Whether all of these are studies of the organisation.
///
/// # Errors
/// The database.
pub async fn has_studies(
    auth: &Auth,
    organisation: Id<kernel::Organisation>,
    studies: &[Id<kernel::Study>],
) -> Result<bool, DbError> {
    let mut tx = auth.db().read().await?;
    for study in studies {
        if !role::queries::has_study(&mut tx, organisation, *study).await? {
            return Ok(false);
        }
    }
    Ok(true)
}
