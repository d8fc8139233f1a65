//! SQL of organisations, sites and studies.

use kernel::{Id, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::{Organisation, Site, Slug, Study, study::STUDY_SITES_MAX};

pub(super) async fn organisation(
    tx: &mut Reader,
    id: Id<kernel::Organisation>,
) -> Result<Option<Organisation>, DbError> {
    tx.optional("SELECT id, slug, name, created_at FROM organisation WHERE id = $1", binds![id]).await
}

pub(super) async fn by_slug(tx: &mut Reader, slug: &Slug) -> Result<Option<Organisation>, DbError> {
    tx.optional("SELECT id, slug, name, created_at FROM organisation WHERE slug = $1", binds![slug]).await
}

pub(super) async fn organisations(tx: &mut Reader, rows_max: i64) -> Result<Vec<Organisation>, DbError> {
    tx.all("SELECT id, slug, name, created_at FROM organisation ORDER BY id LIMIT $1", binds![rows_max]).await
}

pub(super) async fn insert_organisation(tx: &mut Writer, new: &Organisation) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO organisation (id, slug, name, created_at) VALUES ($1, $2, $3, $4)",
        binds![new.id, new.slug, new.name, new.created_at],
    )
    .await
}

pub(super) async fn site(
    tx: &mut Reader,
    organisation: Id<kernel::Organisation>,
    id: Id<kernel::Site>,
) -> Result<Option<Site>, DbError> {
    tx.optional(
        "SELECT id, organisation_id, slug, name FROM site WHERE id = $1 AND organisation_id = $2",
        binds![id, organisation],
    )
    .await
}

pub(super) async fn sites(
    tx: &mut Reader,
    organisation: Id<kernel::Organisation>,
    rows_max: i64,
) -> Result<Vec<Site>, DbError> {
    tx.all(
        "SELECT id, organisation_id, slug, name FROM site WHERE organisation_id = $1 ORDER BY name, id LIMIT $2",
        binds![organisation, rows_max],
    )
    .await
}

pub(super) async fn insert_site(tx: &mut Writer, new: &Site, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO site (id, organisation_id, slug, name, created_at) VALUES ($1, $2, $3, $4, $5)",
        binds![new.id, new.organisation, new.slug, new.name, now],
    )
    .await
}

pub(super) async fn study(
    tx: &mut Reader,
    organisation: Id<kernel::Organisation>,
    id: Id<kernel::Study>,
) -> Result<Option<Study>, DbError> {
    let study: Option<Study> = tx
        .optional(
            "SELECT id, organisation_id, slug, name FROM study WHERE id = $1 AND organisation_id = $2",
            binds![id, organisation],
        )
        .await?;
    match study {
        Some(study) => with_sites(tx, study).await.map(Some),
        None => Ok(None),
    }
}

/// The study of the organisation that has this id or this short name.
pub(crate) async fn study_named(
    tx: &mut Reader,
    organisation: Id<kernel::Organisation>,
    id: Option<Id<kernel::Study>>,
    slug: &str,
) -> Result<Option<Id<kernel::Study>>, DbError> {
    let found: Option<(Id<kernel::Study>,)> = tx
        .optional(
            "SELECT id FROM study WHERE organisation_id = $1 AND (id = $2 OR slug = $3)",
            binds![organisation, id, slug],
        )
        .await?;
    Ok(found.map(|(id,)| id))
}

pub(super) async fn studies(
    tx: &mut Reader,
    organisation: Id<kernel::Organisation>,
    rows_max: i64,
) -> Result<Vec<Study>, DbError> {
    let studies: Vec<Study> = tx
        .all(
            "SELECT id, organisation_id, slug, name FROM study WHERE organisation_id = $1 ORDER BY name, id LIMIT $2",
            binds![organisation, rows_max],
        )
        .await?;
    let mut placed = Vec::with_capacity(studies.len());
    for study in studies {
        placed.push(with_sites(tx, study).await?);
    }
    Ok(placed)
}

async fn with_sites(tx: &mut Reader, study: Study) -> Result<Study, DbError> {
    let rows_max = i64::try_from(STUDY_SITES_MAX).unwrap_or(i64::MAX);
    let sites: Vec<(Id<kernel::Site>,)> = tx
        .all(
            "SELECT site_id FROM study_site WHERE study_id = $1 AND organisation_id = $2 ORDER BY site_id LIMIT $3",
            binds![study.id, study.organisation, rows_max],
        )
        .await?;
    Ok(Study { sites: sites.into_iter().map(|(site,)| site).collect(), ..study })
}

pub(super) async fn insert_study(tx: &mut Writer, new: &Study, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO study (id, organisation_id, slug, name, created_at) VALUES ($1, $2, $3, $4, $5)",
        binds![new.id, new.organisation, new.slug, new.name, now],
    )
    .await?;
    for site in &new.sites {
        tx.execute(
            "INSERT INTO study_site (organisation_id, study_id, site_id) VALUES ($1, $2, $3)",
            binds![new.organisation, new.id, site],
        )
        .await?;
    }
    Ok(())
}

impl FromRow for Organisation {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl FromRow for Site {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            slug: row.get("slug")?,
            name: row.get("name")?,
        })
    }
}

impl FromRow for Study {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            slug: row.get("slug")?,
            name: row.get("name")?,
            sites: Vec::new(),
        })
    }
}
