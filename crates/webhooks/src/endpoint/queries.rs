//! The SQL of endpoints.

use kernel::{Digest, Id, Organisation, Timestamp};
use store::{DbError, Json, Reader, Writer, binds};

use super::{Endpoint, EndpointRow, PausedBy, State};

pub(crate) async fn find(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<Endpoint>,
) -> Result<Option<EndpointRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, url, wanted, ordering, timeout_s, header_names, secrets, public_keys, \
               state, paused_by, reason, version, created_at, updated_at FROM webhook_endpoint \
               WHERE id = $2 AND organisation_id = $1";
    reader.optional(sql, binds![organisation, id]).await
}

/// Whoever it belongs to: for calls.
pub(crate) async fn by_id(reader: &mut Reader, id: Id<Endpoint>) -> Result<Option<EndpointRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, url, wanted, ordering, timeout_s, header_names, secrets, public_keys, \
               state, paused_by, reason, version, created_at, updated_at FROM webhook_endpoint WHERE id = $1";
    reader.optional(sql, binds![id]).await
}

pub(super) async fn count(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    filter: &Filter,
) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM webhook_endpoint WHERE organisation_id = $1 AND ($2 = '' OR state = $2) \
               AND (lower(name) LIKE $3 ESCAPE '\\' OR lower(url) LIKE $3 ESCAPE '\\')";
    let (count,) = reader.one::<(i64,)>(sql, binds![organisation, filter.state, filter.pattern]).await?;
    Ok(count)
}

/// Which endpoints are listed.
pub(super) struct Filter {
    /// All where it is empty.
    pub state: String,
    /// A pattern for `LIKE … ESCAPE '\'`.
    pub pattern: String,
}

pub(super) async fn page(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    filter: &Filter,
    (limit, offset): (i64, i64),
) -> Result<Vec<EndpointRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, url, wanted, ordering, timeout_s, header_names, secrets, public_keys, \
               state, paused_by, reason, version, created_at, updated_at FROM webhook_endpoint \
               WHERE organisation_id = $1 AND ($2 = '' OR state = $2) \
               AND (lower(name) LIKE $3 ESCAPE '\\' OR lower(url) LIKE $3 ESCAPE '\\') \
               ORDER BY created_at, id LIMIT $4 OFFSET $5";
    reader.all(sql, binds![organisation, filter.state, filter.pattern, limit, offset]).await
}

pub(super) async fn insert(tx: &mut Writer, row: &EndpointRow) -> Result<(), DbError> {
    let sql = "INSERT INTO webhook_endpoint (id, organisation_id, name, url, wanted, ordering, timeout_s, header_names, \
               secrets, public_keys, state, paused_by, reason, version, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let values = binds![
        row.id,
        row.organisation,
        row.name,
        row.url.as_str(),
        Json(&row.wanted),
        row.order.as_str(),
        row.timeout_s,
        Json(&row.header_names),
        row.secrets,
        Json(&row.public_keys),
        row.state.as_str(),
        row.paused_by.map(PausedBy::as_str),
        row.reason,
        row.version,
        row.created_at,
        row.updated_at
    ];
    tx.execute(sql, values).await?;
    let sql = "INSERT INTO webhook_lane (endpoint_id, is_open, due_at, fence, told, failures, is_suspect) \
               VALUES ($1, $2, NULL, 0, 0, 0, 0)";
    tx.execute(sql, binds![row.id, row.state == State::Enabled]).await?;
    listen(tx, row).await
}

/// What it is found by when something has happened.
async fn listen(tx: &mut Writer, row: &EndpointRow) -> Result<(), DbError> {
    for pattern in row.wanted.patterns() {
        let sql = "INSERT INTO webhook_endpoint_type (organisation_id, event_type, endpoint_id) VALUES ($1, $2, $3)";
        tx.execute(sql, binds![row.organisation, pattern, row.id]).await?;
    }
    Ok(())
}

async fn unlisten(tx: &mut Writer, id: Id<Endpoint>) -> Result<(), DbError> {
    tx.execute("DELETE FROM webhook_endpoint_type WHERE endpoint_id = $1", binds![id]).await.map(|_| ())
}

/// The row as it is now, under the next version.
pub(super) async fn update(tx: &mut Writer, row: &EndpointRow) -> Result<(), DbError> {
    let sql = "UPDATE webhook_endpoint SET name = $2, url = $3, wanted = $4, ordering = $5, timeout_s = $6, \
               header_names = $7, secrets = $8, public_keys = $9, state = $10, paused_by = $11, reason = $12, \
               version = $13, updated_at = $14 WHERE id = $1";
    let values = binds![
        row.id,
        row.name,
        row.url.as_str(),
        Json(&row.wanted),
        row.order.as_str(),
        row.timeout_s,
        Json(&row.header_names),
        row.secrets,
        Json(&row.public_keys),
        row.state.as_str(),
        row.paused_by.map(PausedBy::as_str),
        row.reason,
        row.version,
        row.updated_at
    ];
    tx.execute(sql, values).await?;
    unlisten(tx, row.id).await?;
    listen(tx, row).await
}

/// Its deliveries are swept later.
pub(super) async fn delete(tx: &mut Writer, id: Id<Endpoint>) -> Result<(), DbError> {
    tx.execute("DELETE FROM webhook_lane WHERE endpoint_id = $1", binds![id]).await?;
    crate::receiver::forget(tx, id).await?;
    unlisten(tx, id).await?;
    tx.execute("DELETE FROM webhook_endpoint WHERE id = $1", binds![id]).await.map(|_| ())
}

/// What a key was used for before.
pub(super) async fn asked(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    key: Digest,
) -> Result<Option<(Digest, Id<Endpoint>)>, DbError> {
    let sql = "SELECT request_digest, endpoint_id FROM webhook_request WHERE organisation_id = $1 AND key_digest = $2";
    reader.optional(sql, binds![organisation, key]).await
}

pub(super) async fn ask(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    (key, request): (Digest, Digest),
    (id, now): (Id<Endpoint>, Timestamp),
) -> Result<(), DbError> {
    let sql = "INSERT INTO webhook_request (organisation_id, key_digest, request_digest, endpoint_id, at) \
               VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, binds![organisation, key, request, id, now]).await.map(|_| ())
}

/// We do not call it any more; false if that was so already, or its owner has paused it.
pub(crate) async fn disable(
    tx: &mut Writer,
    id: Id<Endpoint>,
    why: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE webhook_endpoint SET state = 'disabled', reason = $2, version = version + 1, updated_at = $3 \
               WHERE id = $1 AND state = 'enabled'";
    Ok(tx.execute(sql, binds![id, why, now]).await? == 1)
}
