//! SQL of signing keys.

use crypto::jose::Algorithm;
use kernel::{Id, Key, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::KeyRow;

/// All but those that are retired.
pub(super) async fn living(tx: &mut Reader) -> Result<Vec<KeyRow>, DbError> {
    tx.all(
        "SELECT id, kid, algorithm, state, changed_at, private_key FROM signing_key \
         WHERE retired_at IS NULL ORDER BY id DESC LIMIT 64",
        binds![],
    )
    .await
}

pub(super) async fn all(tx: &mut Reader) -> Result<Vec<KeyRow>, DbError> {
    tx.all(
        "SELECT id, kid, algorithm, state, changed_at, private_key FROM signing_key ORDER BY id DESC LIMIT 256",
        binds![],
    )
    .await
}

/// One key of an algorithm is active and one is next: a unique index sees to each.
pub(super) async fn insert_unless_there(tx: &mut Writer, key: &KeyRow) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO signing_key (id, kid, algorithm, state, private_key, created_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
        binds![key.id, key.kid, key.algorithm, key.state, key.private_key, key.since],
    )
    .await
}

/// The active key makes room for the next, if that is still there.
pub(super) async fn step_down(
    tx: &mut Writer,
    algorithm: Algorithm,
    next: Id<Key>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE signing_key SET state = 'retiring', changed_at = $1 WHERE algorithm = $2 AND state = 'active' \
         AND EXISTS (SELECT 1 FROM signing_key AS successor WHERE successor.id = $3 AND successor.state = 'next')",
        binds![now, algorithm.as_str(), next],
    )
    .await
}

pub(super) async fn activate(tx: &mut Writer, key: Id<Key>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE signing_key SET state = 'active', changed_at = $1 WHERE id = $2 AND state = 'next'",
        binds![now, key],
    )
    .await
}

pub(super) async fn retire(tx: &mut Writer, key: Id<Key>, now: Timestamp) -> Result<u64, DbError> {
    let nothing: Vec<u8> = Vec::new();
    tx.execute(
        "UPDATE signing_key SET state = 'retired', changed_at = $1, retired_at = $1, private_key = $2 \
         WHERE id = $3 AND state = 'retiring'",
        binds![now, nothing, key],
    )
    .await
}

impl FromRow for KeyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            kid: row.get("kid")?,
            algorithm: row.get("algorithm")?,
            state: row.get("state")?,
            since: row.get("changed_at")?,
            private_key: row.get("private_key")?,
        })
    }
}
