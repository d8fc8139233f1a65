//! The SQL of links and of the browsers in which they are open.

use kernel::{Digest, Id, Organisation, ReceiverLink, Timestamp};
use store::{DbError, Reader, Writer, binds};

use super::{LinkRow, SESSIONS_MAX};
use crate::endpoint::Endpoint;

pub(super) async fn insert(tx: &mut Writer, row: &LinkRow, token: Digest) -> Result<(), DbError> {
    let sql = "INSERT INTO webhook_receiver_link (id, endpoint_id, organisation_id, name, token, created_by, created_at, \
               expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = binds![
        row.id,
        row.endpoint,
        row.organisation,
        row.name,
        token,
        row.created_by,
        row.created_at,
        row.expires_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// How many links open an endpoint now.
pub(super) async fn live(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    now: Timestamp,
) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM webhook_receiver_link WHERE endpoint_id = $1 AND expires_at > $2 AND revoked_at IS NULL";
    let (count,) = reader.one::<(i64,)>(sql, binds![endpoint, now]).await?;
    Ok(count)
}

/// The links of an endpoint, newest first.
pub(super) async fn of_endpoint(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    (limit, offset): (i64, i64),
) -> Result<Vec<LinkRow>, DbError> {
    let sql = "SELECT id, endpoint_id, organisation_id, name, created_by, created_at, expires_at, opened_at, revoked_at \
               FROM webhook_receiver_link WHERE endpoint_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3";
    reader.all(sql, binds![endpoint, limit, offset]).await
}

pub(super) async fn count(reader: &mut Reader, endpoint: Id<Endpoint>) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM webhook_receiver_link WHERE endpoint_id = $1";
    let (count,) = reader.one::<(i64,)>(sql, binds![endpoint]).await?;
    Ok(count)
}

/// One of an endpoint's links.
pub(super) async fn find(
    reader: &mut Reader,
    endpoint: Id<Endpoint>,
    id: Id<ReceiverLink>,
) -> Result<Option<LinkRow>, DbError> {
    let sql = "SELECT id, endpoint_id, organisation_id, name, created_by, created_at, expires_at, opened_at, revoked_at \
               FROM webhook_receiver_link WHERE id = $2 AND endpoint_id = $1";
    reader.optional(sql, binds![endpoint, id]).await
}

/// The link that this token opens now.
pub(super) async fn by_token(
    reader: &mut Reader,
    token: Digest,
    now: Timestamp,
) -> Result<Option<LinkRow>, DbError> {
    let sql = "SELECT id, endpoint_id, organisation_id, name, created_by, created_at, expires_at, opened_at, revoked_at \
               FROM webhook_receiver_link WHERE token = $1 AND expires_at > $2 AND revoked_at IS NULL";
    reader.optional(sql, binds![token, now]).await
}

/// It opens nothing any more; false if that was so already.
pub(super) async fn revoke(tx: &mut Writer, id: Id<ReceiverLink>, now: Timestamp) -> Result<bool, DbError> {
    tx.execute("DELETE FROM webhook_receiver_session WHERE link_id = $1", binds![id]).await?;
    let sql = "UPDATE webhook_receiver_link SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, binds![id, now]).await? == 1)
}

/// It is open in one more browser; the oldest give way.
pub(super) async fn begin(
    tx: &mut Writer,
    link: Id<ReceiverLink>,
    value: Digest,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<(), DbError> {
    let sql = "INSERT INTO webhook_receiver_session (value, link_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, binds![value, link, now, expires_at]).await?;
    let sql = "DELETE FROM webhook_receiver_session WHERE link_id = $1 AND value NOT IN \
               (SELECT value FROM webhook_receiver_session WHERE link_id = $1 ORDER BY created_at DESC LIMIT $2)";
    tx.execute(sql, binds![link, SESSIONS_MAX]).await?;
    let sql = "UPDATE webhook_receiver_link SET opened_at = $2 WHERE id = $1";
    tx.execute(sql, binds![link, now]).await.map(|_| ())
}

/// The link of a browser's session, and when that ends, while both last.
pub(super) async fn visit(
    reader: &mut Reader,
    value: Digest,
    (endpoint, now): (Id<Endpoint>, Timestamp),
) -> Result<Option<(Id<ReceiverLink>, Id<Organisation>, Timestamp)>, DbError> {
    let sql = "SELECT l.id, l.organisation_id, s.expires_at FROM webhook_receiver_session AS s \
               JOIN webhook_receiver_link AS l ON l.id = s.link_id \
               WHERE s.value = $1 AND s.expires_at > $3 AND l.endpoint_id = $2 AND l.expires_at > $3 \
               AND l.revoked_at IS NULL";
    reader.optional(sql, binds![value, endpoint, now]).await
}

/// The session is over; the link that it was of, unless there was none.
pub(super) async fn end(
    tx: &mut Writer,
    value: Digest,
) -> Result<Option<(Id<ReceiverLink>, Id<Organisation>, Id<Endpoint>)>, DbError> {
    let sql = "SELECT l.id, l.organisation_id, l.endpoint_id FROM webhook_receiver_session AS s \
               JOIN webhook_receiver_link AS l ON l.id = s.link_id WHERE s.value = $1";
    let of = tx.optional(sql, binds![value]).await?;
    let ended = tx.execute("DELETE FROM webhook_receiver_session WHERE value = $1", binds![value]).await?;
    Ok(of.filter(|_| ended == 1))
}

/// With the endpoint go its links.
pub(crate) async fn forget(tx: &mut Writer, endpoint: Id<Endpoint>) -> Result<(), DbError> {
    let sql = "DELETE FROM webhook_receiver_session WHERE link_id IN \
               (SELECT id FROM webhook_receiver_link WHERE endpoint_id = $1)";
    tx.execute(sql, binds![endpoint]).await?;
    tx.execute("DELETE FROM webhook_receiver_link WHERE endpoint_id = $1", binds![endpoint]).await.map(|_| ())
}

/// Delete sessions that have ended, and links that ended before then; how many went.
pub(crate) async fn sweep(
    tx: &mut Writer,
    (now, before): (Timestamp, Timestamp),
    rows_max: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM webhook_receiver_session WHERE value IN \
               (SELECT value FROM webhook_receiver_session WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    let sessions = tx.execute(sql, binds![now, rows_max]).await?;
    let sql = "DELETE FROM webhook_receiver_link WHERE id IN \
               (SELECT id FROM webhook_receiver_link WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    Ok(sessions + tx.execute(sql, binds![before, rows_max]).await?)
}
