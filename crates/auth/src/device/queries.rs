//! SQL of device codes.

use kernel::{Digest, Id, Scopes, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{DeviceCode, DeviceRow, Standing};
use crate::SignedIn;

pub(super) async fn insert(
    tx: &mut Writer,
    row: &DeviceRow,
    digest: &Digest,
    user_code_digest: &Digest,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO device_code (id, digest, user_code_digest, client_id, scopes, details, interval_s, expires_at, \
         standing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        binds![
            row.id,
            digest,
            user_code_digest,
            row.client,
            row.scopes,
            Json(&row.details),
            row.interval_s,
            row.expires_at,
            row.standing
        ],
    )
    .await
}

pub(super) async fn by_digest(tx: &mut Reader, digest: &Digest) -> Result<Option<DeviceRow>, DbError> {
    tx.optional("SELECT * FROM device_code WHERE digest = $1", binds![digest]).await
}

pub(super) async fn by_user_code(tx: &mut Reader, digest: &Digest) -> Result<Option<DeviceRow>, DbError> {
    tx.optional("SELECT * FROM device_code WHERE user_code_digest = $1", binds![digest]).await
}

pub(super) async fn by_id(tx: &mut Reader, id: Id<DeviceCode>) -> Result<Option<DeviceRow>, DbError> {
    tx.optional("SELECT * FROM device_code WHERE id = $1", binds![id]).await
}

pub(super) async fn polled(
    tx: &mut Writer,
    id: Id<DeviceCode>,
    interval_s: u32,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE device_code SET polled_at = $3, interval_s = $2 WHERE id = $1",
        binds![id, interval_s, now],
    )
    .await
}

/// One answer, once.
pub(super) async fn answer(
    tx: &mut Writer,
    id: Id<DeviceCode>,
    signed_in: &SignedIn,
    standing: Standing,
    scopes: &Scopes,
    row: &DeviceRow,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE device_code SET standing = $2, person_id = $3, session_id = $4, scopes = $5, details = $6 \
         WHERE id = $1 AND standing = 'pending'",
        binds![id, standing, signed_in.person, signed_in.session, scopes, Json(&row.details)],
    )
    .await
}

pub(super) async fn redeem(tx: &mut Writer, id: Id<DeviceCode>) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE device_code SET standing = 'redeemed' WHERE id = $1 AND standing = 'allowed'",
        binds![id],
    )
    .await
}

impl FromRow for DeviceRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            client: row.get("client_id")?,
            scopes: row.get("scopes")?,
            details: row.get::<Json<_>>("details")?.0,
            interval_s: row.get("interval_s")?,
            polled_at: row.get("polled_at")?,
            expires_at: row.get("expires_at")?,
            standing: row.get("standing")?,
            person: row.get("person_id")?,
            session: row.get("session_id")?,
        })
    }
}
