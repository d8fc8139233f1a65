//! Tokens, the journal of renewals, the lease, revocations.

use kernel::{Connection, Id, Integration, Organisation, Person, Timestamp};
use store::{DbError, FromRow, Reader, Row, Value, Writer, binds};
use vault::Sealed;

use super::tokens::{Revocation, TokenCall};
use crate::connection::{ConnectionRow, Reason, Status};

/// The most journal rows of one connection and version that are looked at.
const CALLS_MAX: i64 = 100;

/// The tokens of a connection, sealed.
pub(crate) struct CredentialRow {
    pub version: i64,
    pub access: Sealed,
    pub refresh: Option<Sealed>,
    pub expires_at: Option<Timestamp>,
    pub obtained_at: Timestamp,
}

impl FromRow for CredentialRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            version: row.get("version")?,
            access: row.get("access_sealed")?,
            refresh: row.get("refresh_sealed")?,
            expires_at: row.get("expires_at")?,
            obtained_at: row.get("obtained_at")?,
        })
    }
}

/// A connection with the tokens it has now.
pub(super) struct LiveRow {
    pub connection: ConnectionRow,
    pub credential: CredentialRow,
}

impl FromRow for LiveRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { connection: ConnectionRow::from_row(row)?, credential: CredentialRow::from_row(row)? })
    }
}

/// The person's connection at this integration with its tokens, unless it was ended. One statement: a renewal moves the
/// version on and destroys the tokens before it in one unit, which two statements outside a unit could straddle.
pub(super) async fn live_of_person(
    tx: &mut Reader,
    person: Id<Person>,
    integration: Id<Integration>,
) -> Result<Option<LiveRow>, DbError> {
    let sql = "SELECT c.id, person_id, integration_id, organisation_id, status, reason, scopes_asked, scopes_granted, \
               linked_at, consent_expires_at, credential_version, lease_until, fence, failures, retry_at, \
               version, access_sealed, refresh_sealed, expires_at, obtained_at \
               FROM connection c JOIN credential k ON k.connection_id = c.id AND k.version = c.credential_version \
               WHERE person_id = $1 AND integration_id = $2 AND status IN ('active', 'degraded', 'needs_reconnect')";
    tx.optional(sql, binds![person, integration]).await
}

/// The tokens of this connection in this version.
pub(crate) async fn credential(
    tx: &mut Reader,
    connection: Id<Connection>,
    version: i64,
) -> Result<Option<CredentialRow>, DbError> {
    let sql = "SELECT version, access_sealed, refresh_sealed, expires_at, obtained_at FROM credential \
               WHERE connection_id = $1 AND version = $2";
    tx.optional(sql, binds![connection, version]).await
}

pub(crate) async fn insert_credential(
    tx: &mut Writer,
    connection: Id<Connection>,
    row: &CredentialRow,
) -> Result<(), DbError> {
    let sql = "INSERT INTO credential (connection_id, version, access_sealed, refresh_sealed, expires_at, obtained_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = binds![connection, row.version, &row.access, &row.refresh, row.expires_at, row.obtained_at];
    tx.execute(sql, values).await.map(|_| ())
}

/// Destroy the tokens of this connection of all versions before this one.
pub(crate) async fn delete_credentials_before(
    tx: &mut Writer,
    connection: Id<Connection>,
    version: i64,
) -> Result<(), DbError> {
    let sql = "DELETE FROM credential WHERE connection_id = $1 AND version < $2";
    tx.execute(sql, binds![connection, version]).await.map(|_| ())
}

/// Take the lease of this connection, if nobody else took one since `fence` was read and the last one has run out (or
/// its holder is known to have left its answer behind). The new fence.
pub(super) async fn take_lease(
    tx: &mut Writer,
    connection: Id<Connection>,
    fence: i64,
    owner: &[u8],
    until: Timestamp,
) -> Result<Option<i64>, DbError> {
    let sql = "UPDATE connection SET lease_owner = $3, lease_until = $4, fence = fence + 1 \
               WHERE id = $1 AND fence = $2 RETURNING fence";
    let row: Option<(i64,)> = tx.optional(sql, binds![connection, fence, owner, until]).await?;
    Ok(row.map(|(fence,)| fence))
}

/// Prolong the lease, if it is still ours.
pub(super) async fn prolong_lease(
    tx: &mut Writer,
    connection: Id<Connection>,
    fence: i64,
    until: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE connection SET lease_until = $3 WHERE id = $1 AND fence = $2";
    Ok(tx.execute(sql, binds![connection, fence, until]).await? == 1)
}

/// Give the lease back, if it is still ours.
pub(super) async fn release_lease(
    tx: &mut Writer,
    connection: Id<Connection>,
    fence: i64,
) -> Result<(), DbError> {
    let sql = "UPDATE connection SET lease_until = 0 WHERE id = $1 AND fence = $2";
    tx.execute(sql, binds![connection, fence]).await.map(|_| ())
}

/// How a call to a token endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallState {
    Sent,
    Received,
    Applied,
    Unused,
    Failed,
    Refused,
    Unreadable,
    Unsent,
    Lost,
}

impl CallState {
    const ALL: [Self; 9] = [
        Self::Sent,
        Self::Received,
        Self::Applied,
        Self::Unused,
        Self::Failed,
        Self::Refused,
        Self::Unreadable,
        Self::Unsent,
        Self::Lost,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Unused => "unused",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Unsent => "unsent",
            Self::Lost => "lost",
        }
    }
}

impl store::ToValue for CallState {
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}
impl store::FromValue for CallState {
    fn from_value(value: store::ValueRef<'_>) -> Result<Self, store::Mismatch> {
        let text = value.text()?;
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| value.is_not("the state of a token call"))
    }
}

/// One call, as the journal has it.
pub(super) struct CallRow {
    pub id: Id<TokenCall>,
    pub state: CallState,
    pub received_at: Option<Timestamp>,
    pub answer: Option<Sealed>,
}

impl FromRow for CallRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            state: row.get("state")?,
            received_at: row.get("received_at")?,
            answer: row.get("answer_sealed")?,
        })
    }
}

/// The calls that were made with this connection's refresh token of this version, the newest first.
pub(super) async fn calls(
    tx: &mut Reader,
    connection: Id<Connection>,
    from_version: i64,
) -> Result<Vec<CallRow>, DbError> {
    let sql = "SELECT id, state, received_at, answer_sealed FROM token_journal \
               WHERE connection_id = $1 AND from_version = $2 ORDER BY id DESC LIMIT $3";
    tx.all(sql, binds![connection, from_version, CALLS_MAX]).await
}

pub(super) async fn insert_call(
    tx: &mut Writer,
    id: Id<TokenCall>,
    connection: Id<Connection>,
    from_version: i64,
    fence: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO token_journal (id, connection_id, from_version, fence, state, sent_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, binds![id, connection, from_version, fence, CallState::Sent, now]).await.map(|_| ())
}

/// Keep the answer of a call. Also one that nobody expected any more is kept: it may hold the only good token.
pub(super) async fn note_received(
    tx: &mut Writer,
    id: Id<TokenCall>,
    answer: &Sealed,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE token_journal SET state = $2, answer_sealed = $3, received_at = $4 \
               WHERE id = $1 AND state IN ('sent', 'lost')";
    Ok(tx.execute(sql, binds![id, CallState::Received, answer, now]).await? == 1)
}

/// Say how a call ended, and destroy its answer.
pub(super) async fn end_call(tx: &mut Writer, id: Id<TokenCall>, state: CallState) -> Result<(), DbError> {
    let sql = "UPDATE token_journal SET state = $2, answer_sealed = NULL WHERE id = $1";
    tx.execute(sql, binds![id, state]).await.map(|_| ())
}

/// Nobody waits any more for the answers of calls that this connection's earlier lease holders sent.
pub(super) async fn give_up_sent(
    tx: &mut Writer,
    connection: Id<Connection>,
    from_version: i64,
) -> Result<u64, DbError> {
    let sql = "UPDATE token_journal SET state = 'lost' WHERE connection_id = $1 AND from_version = $2 AND state = 'sent'";
    tx.execute(sql, binds![connection, from_version]).await
}

/// New tokens took the place of the old ones.
pub(super) struct Renewal {
    pub connection: Id<Connection>,
    pub from_version: i64,
    pub fence: i64,
    pub scopes_granted: Option<kernel::Scopes>,
    pub consent_expires_at: Option<Timestamp>,
    pub status: Status,
    pub now: Timestamp,
}

/// Move the connection to its next version, if it is still where the answer belongs.
pub(super) async fn move_on(tx: &mut Writer, renewal: &Renewal) -> Result<bool, DbError> {
    let sql = "UPDATE connection SET credential_version = credential_version + 1, status = $7, reason = $8, \
               failures = 0, retry_at = 0, lease_until = 0, scopes_granted = COALESCE($4, scopes_granted), \
               consent_expires_at = COALESCE($5, consent_expires_at), updated_at = $6 \
               WHERE id = $1 AND credential_version = $2 AND fence = $3 \
               AND status IN ('active', 'degraded', 'needs_reconnect')";
    let values = binds![
        renewal.connection,
        renewal.from_version,
        renewal.fence,
        &renewal.scopes_granted,
        renewal.consent_expires_at,
        renewal.now,
        renewal.status.as_str(),
        renewal.status.reason(),
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// The renewal failed for the moment.
pub(super) async fn degrade(
    tx: &mut Writer,
    connection: Id<Connection>,
    from_version: i64,
    fence: i64,
    retry_at: Timestamp,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE connection SET status = 'degraded', failures = failures + 1, retry_at = $4, lease_until = 0, \
               updated_at = $5 WHERE id = $1 AND credential_version = $2 AND fence = $3 \
               AND status IN ('active', 'degraded')";
    Ok(tx.execute(sql, binds![connection, from_version, fence, retry_at, now]).await? == 1)
}

/// The person has to link again.
pub(super) async fn need_reconnect(
    tx: &mut Writer,
    connection: Id<Connection>,
    from_version: i64,
    fence: i64,
    reason: Reason,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE connection SET status = 'needs_reconnect', reason = $4, lease_until = 0, updated_at = $5 \
               WHERE id = $1 AND credential_version = $2 AND fence = $3 AND status IN ('active', 'degraded')";
    Ok(tx.execute(sql, binds![connection, from_version, fence, reason, now]).await? == 1)
}

/// Connections whose renewal somebody left unfinished: `(connection, version of the open call)`.
pub(super) async fn unfinished(
    tx: &mut Reader,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Id<Connection>, i64)>, DbError> {
    let sql = "SELECT DISTINCT c.id, j.from_version FROM token_journal j JOIN connection c ON c.id = j.connection_id \
               WHERE j.state IN ('sent', 'received') AND (c.lease_until <= $1 OR j.state = 'received') \
               AND (j.from_version = c.credential_version OR c.status IN ('revoking', 'revoked')) LIMIT $2";
    tx.all(sql, binds![now, limit]).await
}

/// Close calls that no longer matter because the connection has moved on, and destroy their answers.
pub(super) async fn close_overtaken(tx: &mut Writer) -> Result<u64, DbError> {
    let sql = "UPDATE token_journal SET state = 'unused', answer_sealed = NULL WHERE state IN ('sent', 'received') \
               AND EXISTS (SELECT 1 FROM connection c WHERE c.id = token_journal.connection_id \
               AND c.credential_version > token_journal.from_version AND c.status NOT IN ('revoking', 'revoked'))";
    tx.execute(sql, binds![]).await
}

/// Forget calls that ended long ago.
pub(super) async fn delete_old_calls(tx: &mut Writer, before: Timestamp) -> Result<u64, DbError> {
    let sql = "DELETE FROM token_journal WHERE sent_at < $1 AND state NOT IN ('sent', 'received')";
    tx.execute(sql, binds![before]).await
}

/// A revocation that waits to be carried out.
pub(super) struct RevocationRow {
    pub connection: Id<Connection>,
    pub integration: Id<Integration>,
    pub organisation: Id<Organisation>,
    pub tokens: Option<Sealed>,
}

impl FromRow for RevocationRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            connection: row.get("connection_id")?,
            integration: row.get("integration_id")?,
            organisation: row.get("organisation_id")?,
            tokens: row.get("tokens_sealed")?,
        })
    }
}

pub(super) async fn insert_revocation(
    tx: &mut Writer,
    id: Id<Revocation>,
    row: &RevocationRow,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO revocation (id, connection_id, integration_id, organisation_id, tokens_sealed, state, created_at) \
               VALUES ($1, $2, $3, $4, $5, 'waiting', $6)";
    let values = binds![id, row.connection, row.integration, row.organisation, &row.tokens, now];
    tx.execute(sql, values).await.map(|_| ())
}

/// The revocation, while it waits.
pub(super) async fn waiting_revocation(
    tx: &mut Reader,
    id: Id<Revocation>,
) -> Result<Option<RevocationRow>, DbError> {
    let sql = "SELECT connection_id, integration_id, organisation_id, tokens_sealed FROM revocation \
               WHERE id = $1 AND state = 'waiting'";
    tx.optional(sql, binds![id]).await
}

/// Put newer tokens in the place of those that wait to be revoked.
pub(super) async fn replace_tokens(
    tx: &mut Writer,
    id: Id<Revocation>,
    tokens: &Sealed,
) -> Result<(), DbError> {
    let sql = "UPDATE revocation SET tokens_sealed = $2 WHERE id = $1 AND state = 'waiting'";
    tx.execute(sql, binds![id, tokens]).await.map(|_| ())
}

/// Destroy the last copy of the tokens and note what is known.
pub(super) async fn end_revocation(
    tx: &mut Writer,
    id: Id<Revocation>,
    state: &'static str,
    evidence: &'static str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE revocation SET state = $2, evidence = $3, finished_at = $4, tokens_sealed = NULL \
               WHERE id = $1 AND state = 'waiting'";
    Ok(tx.execute(sql, binds![id, state, evidence, now]).await? == 1)
}

/// The connection is ended for good, unless another revocation of it still waits.
pub(super) async fn end_connection(
    tx: &mut Writer,
    connection: Id<Connection>,
    evidence: &'static str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE connection SET status = 'revoked', reason = $2, updated_at = $3 \
               WHERE id = $1 AND status = 'revoking' AND NOT EXISTS \
               (SELECT 1 FROM revocation r WHERE r.connection_id = $1 AND r.state = 'waiting')";
    Ok(tx.execute(sql, binds![connection, evidence, now]).await? == 1)
}

/// End every lease: whoever held one is gone.
pub(super) async fn void_leases(tx: &mut Writer, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE connection SET lease_until = 0, fence = fence + 1 WHERE lease_until > $1",
        binds![now],
    )
    .await?;
    Ok(())
}
