//! SQL of signing keys.

use crypto::jose::Algorithm;
use kernel::Timestamp;
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::KeyRow;

pub(super) async fn all(tx: &mut Reader, algorithm: Algorithm) -> Result<Vec<KeyRow>, DbError> {
    tx.all(
        "SELECT id, state, private_key FROM signing_key \
         WHERE algorithm = $1 AND retired_at IS NULL ORDER BY id DESC LIMIT 32",
        binds![algorithm.as_str()],
    )
    .await
}

pub(super) async fn insert_unless_active(
    tx: &mut Writer,
    key: &KeyRow,
    algorithm: Algorithm,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO signing_key (id, algorithm, state, private_key, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
        binds![key.id, algorithm.as_str(), key.state, key.private_key, now],
    )
    .await
}

impl FromRow for KeyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { id: row.get("id")?, state: row.get("state")?, private_key: row.get("private_key")? })
    }
}
