//! SQL of API keys.

use kernel::{Grants, Id, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::ApiKey;
use crate::client::Suffix;

/// The prefix of an organisation's key ids: the one that there is, else this one from now on.
pub(super) async fn account(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    drawn: &str,
) -> Result<String, DbError> {
    tx.execute(
        "INSERT INTO api_account (organisation_id, prefix) VALUES ($1, $2) ON CONFLICT (organisation_id) DO NOTHING",
        binds![organisation, drawn],
    )
    .await?;
    let (prefix,): (String,) =
        tx.one("SELECT prefix FROM api_account WHERE organisation_id = $1", binds![organisation]).await?;
    Ok(prefix)
}

pub(super) async fn count(tx: &mut Reader, organisation: Id<Organisation>) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT count(*) FROM api_key WHERE organisation_id = $1 AND deleted_at IS NULL",
            binds![organisation],
        )
        .await?;
    Ok(count)
}

pub(super) async fn insert(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    new: &ApiKey,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO api_key (id, organisation_id, name, made_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![new.id, organisation, new.name, new.made_by, new.created_at, new.expires_at],
    )
    .await
}

pub(super) async fn delete(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    id: Id<kernel::ApiKey>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE api_key SET deleted_at = $3 WHERE id = $1 AND organisation_id = $2 AND deleted_at IS NULL",
        binds![id, organisation, now],
    )
    .await
}

pub(super) async fn ids(
    tx: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<Id<kernel::Client>>, DbError> {
    let rows: Vec<(Id<kernel::Client>,)> = tx
        .all(
            "SELECT id FROM api_key WHERE organisation_id = $1 ORDER BY id DESC LIMIT 10000",
            binds![organisation],
        )
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn of_organisation(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    rows_max: i64,
) -> Result<Vec<ApiKey>, DbError> {
    tx.all(
        "SELECT api_key.*, client.client_id AS key_id, client.scopes, \
         (SELECT max(client_secret.last_used_at) FROM client_secret WHERE client_secret.client_id = client.id) \
         AS last_used_at FROM api_key JOIN client ON client.id = api_key.id \
         WHERE api_key.organisation_id = $1 AND api_key.deleted_at IS NULL ORDER BY api_key.id DESC LIMIT $2",
        binds![organisation, rows_max],
    )
    .await
}

pub(super) async fn by_id(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<kernel::ApiKey>,
) -> Result<Option<ApiKey>, DbError> {
    tx.optional(
        "SELECT api_key.*, client.client_id AS key_id, client.scopes, \
         (SELECT max(client_secret.last_used_at) FROM client_secret WHERE client_secret.client_id = client.id) \
         AS last_used_at FROM api_key JOIN client ON client.id = api_key.id \
         WHERE api_key.id = $1 AND api_key.organisation_id = $2 AND api_key.deleted_at IS NULL",
        binds![id, organisation],
    )
    .await
}

/// The key of this name, if it was not deleted.
pub(super) async fn by_name(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    folded: &Suffix,
) -> Result<Option<ApiKey>, DbError> {
    tx.optional(
        "SELECT api_key.*, client.client_id AS key_id, client.scopes, \
         (SELECT max(client_secret.last_used_at) FROM client_secret WHERE client_secret.client_id = client.id) \
         AS last_used_at FROM api_key JOIN client ON client.id = api_key.id \
         WHERE client.organisation_id = $1 AND client.suffix = $2 AND api_key.deleted_at IS NULL",
        binds![organisation, folded.as_str()],
    )
    .await
}

impl FromRow for ApiKey {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            key_id: row.get("key_id")?,
            name: row.get("name")?,
            scopes: row.get("scopes")?,
            grants: Grants::none(),
            made_by: row.get("made_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}
