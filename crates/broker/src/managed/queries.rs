//! SQL of integrations as staff see them.

use std::collections::BTreeMap;

use kernel::{Id, Integration, Study, Timestamp};
use serde_json::{Map, Value};
use store::{Composed, DbError, FromRow, Json, Reader, Row, Writer, binds};
use vault::Sealed;

use watch::TestStatus;

use super::{Kind, Managed, Status};

const COLUMNS: &str = "SELECT i.id, i.slug, i.organisation_id, i.name, i.kind, i.provider_id, i.status, i.config, i.settings, i.credentials, \
     i.sync_frequency, i.last_sync, i.next_sync, i.created_by, i.created_at, i.updated_by, i.updated_at, i.version, i.tested_at, \
     i.test_status, i.archived_at, i.links FROM integration i ";

impl FromRow for Managed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let links: bool = row.get("links")?;
        let config = if links {
            let settings: BTreeMap<String, String> = row.get::<Json<_>>("settings")?.0;
            settings.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
        } else {
            row.get::<Json<Map<String, Value>>>("config")?.0
        };
        let tested_at: Option<Timestamp> = row.get("tested_at")?;
        let test_status: Option<String> = row.get("test_status")?;
        Ok(Self {
            id: row.get("id")?,
            slug: row.get("slug")?,
            organisation: row.get("organisation_id")?,
            name: row.get("name")?,
            // A word that a newer node has written is shown as the nearest that is known here.
            kind: Kind::parse(&row.get::<String>("kind")?).unwrap_or(Kind::Api),
            provider: row.get("provider_id")?,
            status: Status::parse(&row.get::<String>("status")?).unwrap_or(Status::Error),
            config,
            credentials: row.get::<Json<_>>("credentials")?.0,
            sync_frequency: row.get("sync_frequency")?,
            last_sync: row.get("last_sync")?,
            next_sync: row.get("next_sync")?,
            studies: Vec::new(),
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            updated_by: row.get("updated_by")?,
            updated_at: row.get("updated_at")?,
            version: row.get("version")?,
            tested: tested_at.zip(test_status.as_deref().and_then(TestStatus::parse)),
            archived_at: row.get("archived_at")?,
            links,
        })
    }
}

/// All rows; what goes on leaves some of them.
pub fn rows() -> Composed {
    Composed::new(COLUMNS)
}

/// How many rows; what goes on leaves some of them.
pub fn counted() -> Composed {
    Composed::new("SELECT COUNT(*) FROM integration i ")
}

/// These rows, with their studies.
pub async fn select(tx: &mut Reader, statement: &Composed) -> Result<Vec<Managed>, DbError> {
    let mut found: Vec<Managed> = tx.all_composed(statement).await?;
    for one in &mut found {
        one.studies = studies(tx, one.id).await?;
    }
    Ok(found)
}

pub async fn by_id(tx: &mut Reader, id: Id<Integration>) -> Result<Option<Managed>, DbError> {
    let mut statement = rows();
    statement.text("WHERE i.id = ").bind(&id);
    Ok(select(tx, &statement).await?.pop())
}

pub async fn count(tx: &mut Reader, statement: &Composed) -> Result<i64, DbError> {
    let rows: Vec<(i64,)> = tx.all_composed(statement).await?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

async fn studies(tx: &mut Reader, id: Id<Integration>) -> Result<Vec<Id<Study>>, DbError> {
    let rows: Vec<(Id<Study>,)> = tx
        .all("SELECT study_id FROM integration_study WHERE integration_id = $1 ORDER BY study_id", binds![id])
        .await?;
    Ok(rows.into_iter().map(|(study,)| study).collect())
}

/// A new row. Its slug is its id: people are not sent to it.
pub async fn insert(tx: &mut Writer, new: &Managed) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO integration (id, organisation_id, slug, provider_id, name, client_id, settings, scopes, enabled, version, \
         created_at, updated_at, kind, status, links, name_key, config, credentials, sync_frequency, created_by, updated_by) \
         VALUES ($1, $2, $3, $4, $5, '', '{}', '', 0, $6, $7, $7, $8, $9, 0, $10, $11, $12, $13, $14, $14)",
        binds![
            new.id,
            new.organisation,
            &new.slug,
            &new.provider,
            &new.name,
            new.version,
            new.created_at,
            new.kind.as_str(),
            new.status.as_str(),
            new.name.to_lowercase(),
            Json(&new.config),
            Json(&new.credentials),
            &new.sync_frequency,
            &new.created_by,
        ],
    )
    .await?;
    put_studies(tx, new).await
}

/// The row as it is from now on, if it still is the version before.
pub async fn update(tx: &mut Writer, new: &Managed) -> Result<u64, DbError> {
    let (tested_at, test_status) = (new.tested.map(|(at, _)| at), new.tested.map(|(_, how)| how.as_str()));
    let enabled = new.links && new.status == Status::Active;
    let name_key = (!new.links).then(|| new.name.to_lowercase());
    let changed = tx
        .execute(
            "UPDATE integration SET name = $2, status = $3, name_key = $4, config = $5, credentials = $6, sync_frequency = $7, \
             updated_by = $8, updated_at = $9, version = $10, tested_at = $11, test_status = $12, archived_at = $13, \
             enabled = $14, next_sync = $15 WHERE id = $1 AND version = $10 - 1",
            binds![
                new.id,
                &new.name,
                new.status.as_str(),
                name_key,
                Json(&new.config),
                Json(&new.credentials),
                &new.sync_frequency,
                &new.updated_by,
                new.updated_at,
                new.version,
                tested_at,
                test_status,
                new.archived_at,
                enabled,
                new.next_sync,
            ],
        )
        .await?;
    put_studies(tx, new).await?;
    Ok(changed)
}

async fn put_studies(tx: &mut Writer, of: &Managed) -> Result<(), DbError> {
    tx.execute("DELETE FROM integration_study WHERE integration_id = $1", binds![of.id]).await?;
    for study in &of.studies {
        let sql = "INSERT INTO integration_study (integration_id, study_id) VALUES ($1, $2)";
        tx.execute(sql, binds![of.id, study]).await?;
    }
    Ok(())
}

pub async fn put_credential(
    tx: &mut Writer,
    id: Id<Integration>,
    name: &str,
    sealed: &Sealed,
) -> Result<(), DbError> {
    let sql = "INSERT INTO integration_secret (integration_id, name, sealed) VALUES ($1, $2, $3) \
               ON CONFLICT (integration_id, name) DO UPDATE SET sealed = excluded.sealed";
    tx.execute(sql, binds![id, name, sealed]).await.map(|_| ())
}

pub async fn drop_credential(tx: &mut Writer, id: Id<Integration>, name: &str) -> Result<(), DbError> {
    let sql = "DELETE FROM integration_secret WHERE integration_id = $1 AND name = $2";
    tx.execute(sql, binds![id, name]).await.map(|_| ())
}

pub async fn credentials(tx: &mut Reader, id: Id<Integration>) -> Result<Vec<(String, Sealed)>, DbError> {
    tx.all(
        "SELECT name, sealed FROM integration_secret WHERE integration_id = $1 AND name LIKE 'credential.%'",
        binds![id],
    )
    .await
}

/// How many people's connections, clients' leaves and journeys hang on it.
pub async fn dependents(tx: &mut Reader, id: Id<Integration>) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT (SELECT COUNT(*) FROM connection WHERE integration_id = $1) \
             + (SELECT COUNT(*) FROM client_trust WHERE integration_id = $1) \
             + (SELECT COUNT(*) FROM connect_session WHERE integration_id = $1) \
             + (SELECT COUNT(*) FROM revocation WHERE integration_id = $1)",
            binds![id],
        )
        .await?;
    Ok(count)
}

/// Remove it with all that is its own; what was done stays in the audit trail.
pub async fn purge(tx: &mut Writer, id: Id<Integration>) -> Result<(), DbError> {
    for sql in [
        "DELETE FROM integration_secret WHERE integration_id = $1",
        "DELETE FROM integration_study WHERE integration_id = $1",
        "DELETE FROM integration_change WHERE integration_id = $1",
        "DELETE FROM integration_request WHERE integration_id = $1",
        "DELETE FROM integration WHERE id = $1",
    ] {
        tx.execute(sql, binds![id]).await?;
    }
    Ok(())
}
