//! SQL of initial access tokens.

use kernel::{Digest, Id, InitialAccessToken, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::InitialToken;

pub(super) async fn insert(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    token: &InitialToken,
    digest: &Digest,
) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO initial_access_token \
         (id, organisation_id, name, digest, made_by, created_at, expires_at, uses_left) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            token.id,
            organisation,
            token.name,
            digest,
            token.made_by,
            token.created_at,
            token.expires_at,
            token.uses_left
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn count_live(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    now: Timestamp,
) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT count(*) FROM initial_access_token \
             WHERE organisation_id = $1 AND revoked_at IS NULL AND uses_left > 0 AND expires_at > $2",
            binds![organisation, now],
        )
        .await?;
    Ok(count)
}

pub(super) async fn of_organisation(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    rows_max: i64,
) -> Result<Vec<InitialToken>, DbError> {
    tx.all(
        "SELECT * FROM initial_access_token WHERE organisation_id = $1 ORDER BY id DESC LIMIT $2",
        binds![organisation, rows_max],
    )
    .await
}

pub(super) async fn by_id(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<InitialAccessToken>,
) -> Result<Option<InitialToken>, DbError> {
    tx.optional(
        "SELECT * FROM initial_access_token WHERE id = $1 AND organisation_id = $2",
        binds![id, organisation],
    )
    .await
}

pub(super) async fn by_digest(
    tx: &mut Reader,
    digest: &Digest,
) -> Result<Option<(Id<InitialAccessToken>, Id<Organisation>)>, DbError> {
    tx.optional("SELECT id, organisation_id FROM initial_access_token WHERE digest = $1", binds![digest])
        .await
}

pub(super) async fn spend(
    tx: &mut Writer,
    id: Id<InitialAccessToken>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE initial_access_token SET uses_left = uses_left - 1, used_at = $2 \
         WHERE id = $1 AND revoked_at IS NULL AND uses_left > 0 AND expires_at > $2",
        binds![id, now],
    )
    .await
}

pub(super) async fn revoke(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    id: Id<InitialAccessToken>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE initial_access_token SET revoked_at = $3 \
         WHERE id = $1 AND organisation_id = $2 AND revoked_at IS NULL",
        binds![id, organisation, now],
    )
    .await
}

impl FromRow for InitialToken {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            made_by: row.get("made_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            uses_left: row.get("uses_left")?,
            used_at: row.get("used_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}
