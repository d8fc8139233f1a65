//! Connections and who makes use of them.

use kernel::{Client, Connection, Id, Integration, Person, Scopes, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};
use vault::Sealed;

use super::{CHANNEL, ConnectionRow, Status};

impl FromRow for ConnectionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let (status, reason): (String, Option<String>) = (row.get("status")?, row.get("reason")?);
        let unknown =
            || DbError::Column { column: "status".into(), why: "an unknown status or reason".into() };
        Ok(Self {
            id: row.get("id")?,
            person: row.get("person_id")?,
            integration: row.get("integration_id")?,
            organisation: row.get("organisation_id")?,
            status: Status::of_columns(&status, reason.as_deref()).ok_or_else(unknown)?,
            scopes_asked: row.get("scopes_asked")?,
            scopes_granted: row.get("scopes_granted")?,
            linked_at: row.get("linked_at")?,
            consent_expires_at: row.get("consent_expires_at")?,
            credential_version: row.get("credential_version")?,
            lease_until: row.get("lease_until")?,
            fence: row.get("fence")?,
            failures: row.get("failures")?,
            retry_at: row.get("retry_at")?,
        })
    }
}

/// The connection.
pub(crate) async fn by_id(tx: &mut Reader, id: Id<Connection>) -> Result<Option<ConnectionRow>, DbError> {
    let sql = "SELECT id, person_id, integration_id, organisation_id, status, reason, scopes_asked, scopes_granted, \
               linked_at, consent_expires_at, credential_version, lease_until, fence, failures, retry_at \
               FROM connection WHERE id = $1";
    tx.optional(sql, binds![id]).await
}

/// The person's connection at this integration, unless it was ended.
pub(crate) async fn live_of_person(
    tx: &mut Reader,
    person: Id<Person>,
    integration: Id<Integration>,
) -> Result<Option<ConnectionRow>, DbError> {
    let sql = "SELECT id, person_id, integration_id, organisation_id, status, reason, scopes_asked, scopes_granted, \
               linked_at, consent_expires_at, credential_version, lease_until, fence, failures, retry_at \
               FROM connection WHERE person_id = $1 AND integration_id = $2 \
               AND status IN ('active', 'degraded', 'needs_reconnect')";
    tx.optional(sql, binds![person, integration]).await
}

/// How many connections there are in each live state, integration by integration.
pub(crate) async fn counts(tx: &mut Reader) -> Result<Vec<(Id<Integration>, String, i64)>, DbError> {
    let sql = "SELECT integration_id, status, COUNT(*) FROM connection \
               WHERE status IN ('active', 'degraded', 'needs_reconnect') GROUP BY integration_id, status";
    tx.all(sql, binds![]).await
}

/// All connections of the person that were not ended for good.
pub(crate) async fn all_of_person(
    tx: &mut Reader,
    person: Id<Person>,
) -> Result<Vec<ConnectionRow>, DbError> {
    let sql = "SELECT id, person_id, integration_id, organisation_id, status, reason, scopes_asked, scopes_granted, \
               linked_at, consent_expires_at, credential_version, lease_until, fence, failures, retry_at \
               FROM connection WHERE person_id = $1 AND status <> 'revoked' ORDER BY id";
    tx.all(sql, binds![person]).await
}

/// The third party's id of the account.
pub(crate) async fn account(tx: &mut Reader, id: Id<Connection>) -> Result<Option<Sealed>, DbError> {
    let row: Option<(Option<Sealed>,)> =
        tx.optional("SELECT account_sealed FROM connection WHERE id = $1", binds![id]).await?;
    Ok(row.and_then(|(account,)| account))
}

/// What linking wrote down.
pub(crate) struct Linked {
    pub id: Id<Connection>,
    pub status: Status,
    pub scopes_asked: Scopes,
    pub scopes_granted: Scopes,
    pub account: Option<Sealed>,
    pub facts: Option<Sealed>,
    pub consent_expires_at: Option<Timestamp>,
    pub now: Timestamp,
}

pub(crate) async fn insert(
    tx: &mut Writer,
    person: Id<Person>,
    integration: &crate::integration::Integration,
    linked: &Linked,
) -> Result<(), DbError> {
    let sql = "INSERT INTO connection (id, person_id, integration_id, organisation_id, status, reason, scopes_asked, \
               scopes_granted, account_sealed, facts_sealed, linked_at, consent_expires_at, credential_version, \
               lease_until, fence, failures, retry_at, updated_at) \
               VALUES ($1, $2, $3, $4, $11, $12, $5, $6, $7, $8, $9, $10, 1, 0, 0, 0, 0, $9)";
    let values = binds![
        linked.id,
        person,
        integration.id,
        integration.organisation,
        &linked.scopes_asked,
        &linked.scopes_granted,
        &linked.account,
        &linked.facts,
        linked.now,
        linked.consent_expires_at,
        linked.status.as_str(),
        linked.status.reason(),
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// The person linked again: the same connection goes on with new tokens. Its new version; none if it was ended
/// meanwhile. The fence moves, so that a renewal under way with the old tokens changes nothing.
pub(crate) async fn relink(tx: &mut Writer, linked: &Linked) -> Result<Option<i64>, DbError> {
    let sql = "UPDATE connection SET status = $8, reason = $9, scopes_asked = $2, scopes_granted = $3, \
               account_sealed = $4, facts_sealed = $5, linked_at = $6, consent_expires_at = $7, \
               credential_version = credential_version + 1, fence = fence + 1, lease_until = 0, failures = 0, \
               retry_at = 0, updated_at = $6 WHERE id = $1 \
               AND status IN ('active', 'degraded', 'needs_reconnect') RETURNING credential_version";
    let values = binds![
        linked.id,
        &linked.scopes_asked,
        &linked.scopes_granted,
        &linked.account,
        &linked.facts,
        linked.now,
        linked.consent_expires_at,
        linked.status.as_str(),
        linked.status.reason(),
    ];
    let row: Option<(i64,)> = tx.optional(sql, values).await?;
    Ok(row.map(|(version,)| version))
}

/// End the connection here. The fence moves, so that a renewal under way changes nothing.
pub(crate) async fn begin_revoking(
    tx: &mut Writer,
    id: Id<Connection>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE connection SET status = 'revoking', reason = NULL, fence = fence + 1, lease_until = 0, \
               updated_at = $2 WHERE id = $1 AND status IN ('active', 'degraded', 'needs_reconnect')";
    Ok(tx.execute(sql, binds![id, now]).await? == 1)
}

/// Destroy all tokens of the connection.
pub(crate) async fn delete_credentials(tx: &mut Writer, id: Id<Connection>) -> Result<(), DbError> {
    tx.execute("DELETE FROM credential WHERE connection_id = $1", binds![id]).await.map(|_| ())
}

/// Tell every node that the connection has changed.
pub(crate) async fn tell(tx: &mut Writer, row: &ConnectionRow) -> Result<(), DbError> {
    tell_of(tx, row.person, row.integration).await
}

/// Tell every node that the person's connection at this integration has changed.
pub(crate) async fn tell_of(
    tx: &mut Writer,
    person: Id<Person>,
    integration: Id<Integration>,
) -> Result<(), DbError> {
    tx.publish(CHANNEL, &format!("{person} {integration}")).await
}

/// Note that a client made use of a connection (the statement of a lazy write).
pub(crate) const NOTE_USE: &str = "INSERT INTO connection_use (connection_id, client_id, last_at) VALUES ($1, $2, $3) \
     ON CONFLICT (connection_id, client_id) DO UPDATE SET last_at = excluded.last_at";

/// When which client last made use of the person's connections: `(connection, client, when)`.
pub(crate) async fn uses_of_person(
    tx: &mut Reader,
    person: Id<Person>,
) -> Result<Vec<(Id<Connection>, Id<Client>, Timestamp)>, DbError> {
    let sql = "SELECT u.connection_id, u.client_id, u.last_at FROM connection_use u \
               JOIN connection c ON c.id = u.connection_id WHERE c.person_id = $1 AND c.status <> 'revoked'";
    tx.all(sql, binds![person]).await
}

/// How many people's accounts are linked at this integration.
pub(crate) async fn count_live(tx: &mut Reader, integration: Id<Integration>) -> Result<i64, DbError> {
    let sql =
        "SELECT COUNT(*) FROM connection WHERE integration_id = $1 AND status IN ('active', 'degraded')";
    let (count,): (i64,) = tx.one(sql, binds![integration]).await?;
    Ok(count)
}
