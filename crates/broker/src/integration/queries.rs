//! Integrations and their secrets.

use std::collections::BTreeMap;

use kernel::{Id, Integration as IntegrationKind, Organisation, Scopes, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};
use vault::Sealed;

/// An integration as the database has it.
pub(crate) struct IntegrationRow {
    pub id: Id<IntegrationKind>,
    pub organisation: Id<Organisation>,
    pub slug: String,
    pub provider: String,
    pub name: String,
    pub client_id: String,
    pub settings: BTreeMap<String, String>,
    pub scopes: Scopes,
    pub enabled: bool,
    pub version: i64,
}

impl FromRow for IntegrationRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            slug: row.get("slug")?,
            provider: row.get("provider_id")?,
            name: row.get("name")?,
            client_id: row.get("client_id")?,
            settings: row.get::<Json<_>>("settings")?.0,
            scopes: row.get("scopes")?,
            enabled: row.get("enabled")?,
            version: row.get("version")?,
        })
    }
}

pub(crate) async fn by_slug(tx: &mut Reader, slug: &str) -> Result<Option<IntegrationRow>, DbError> {
    let sql = "SELECT id, organisation_id, slug, provider_id, name, client_id, settings, scopes, enabled, version \
               FROM integration WHERE slug = $1 AND links = 1";
    tx.optional(sql, binds![slug]).await
}

pub(crate) async fn by_id(
    tx: &mut Reader,
    id: Id<IntegrationKind>,
) -> Result<Option<IntegrationRow>, DbError> {
    let sql = "SELECT id, organisation_id, slug, provider_id, name, client_id, settings, scopes, enabled, version \
               FROM integration WHERE id = $1";
    tx.optional(sql, binds![id]).await
}

/// The slugs of all integrations, in order.
pub(crate) async fn slugs(tx: &mut Reader) -> Result<Vec<(String,)>, DbError> {
    tx.all("SELECT slug FROM integration WHERE links = 1 ORDER BY slug", binds![]).await
}

pub(crate) async fn insert(tx: &mut Writer, row: &IntegrationRow, now: Timestamp) -> Result<(), DbError> {
    let sql = "INSERT INTO integration (id, organisation_id, slug, provider_id, name, client_id, settings, scopes, \
               enabled, version, created_at, updated_at, status) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $10, $11)";
    let values = binds![
        row.id,
        row.organisation,
        &row.slug,
        &row.provider,
        &row.name,
        &row.client_id,
        Json(&row.settings),
        &row.scopes,
        row.enabled,
        now,
        status(row),
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// The state that staff see: on and off are said by administrators on their pages.
const fn status(row: &IntegrationRow) -> &'static str {
    if row.enabled { "active" } else { "inactive" }
}

pub(crate) async fn update(tx: &mut Writer, row: &IntegrationRow, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE integration SET provider_id = $2, name = $3, client_id = $4, settings = $5, scopes = $6, \
               enabled = $7, version = version + 1, updated_at = $8, status = $9, archived_at = NULL WHERE id = $1";
    let values = binds![
        row.id,
        &row.provider,
        &row.name,
        &row.client_id,
        Json(&row.settings),
        &row.scopes,
        row.enabled,
        now,
        status(row),
    ];
    tx.execute(sql, values).await.map(|_| ())
}

pub(crate) async fn put_secret(
    tx: &mut Writer,
    id: Id<IntegrationKind>,
    name: &'static str,
    sealed: &Sealed,
) -> Result<(), DbError> {
    let sql = "INSERT INTO integration_secret (integration_id, name, sealed) VALUES ($1, $2, $3) \
               ON CONFLICT (integration_id, name) DO UPDATE SET sealed = excluded.sealed";
    tx.execute(sql, binds![id, name, sealed]).await.map(|_| ())
}

/// One of the integration's secrets.
pub(crate) async fn secret(
    tx: &mut Reader,
    id: Id<IntegrationKind>,
    name: &'static str,
) -> Result<Option<Sealed>, DbError> {
    let sql = "SELECT sealed FROM integration_secret WHERE integration_id = $1 AND name = $2";
    let row: Option<(Sealed,)> = tx.optional(sql, binds![id, name]).await?;
    Ok(row.map(|(sealed,)| sealed))
}
