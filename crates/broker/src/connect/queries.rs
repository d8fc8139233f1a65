//! Journeys that have begun.

use kernel::{Digest, Timestamp};
use store::{DbError, FromRow, Row, Writer, binds};

use super::{ConnectSession, ReturnUri};

impl FromRow for ConnectSession {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            state: row.get("state_digest")?,
            browser: row.get("browser")?,
            person: row.get("person_id")?,
            integration: row.get("integration_id")?,
            verifier: row.get("verifier_sealed")?,
            nonce: row.get("nonce_sealed")?,
            scopes: row.get("scopes")?,
            client: row.get("client_id")?,
            return_uri: ReturnUri::kept(row.get("return_uri")?),
            expires_at: row.get("expires_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Writer, session: &ConnectSession) -> Result<(), DbError> {
    let sql = "INSERT INTO connect_session (state_digest, browser, person_id, integration_id, verifier_sealed, \
               nonce_sealed, scopes, client_id, return_uri, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = binds![
        session.state,
        session.browser,
        session.person,
        session.integration,
        &session.verifier,
        &session.nonce,
        &session.scopes,
        session.client,
        session.return_uri.success(),
        session.expires_at,
    ];
    tx.execute(sql, values).await.map(|_| ())
}

/// Take the journey of this state, if it is this browser's and not too late. Whoever comes second finds nothing.
pub(crate) async fn consume(
    tx: &mut Writer,
    state: Digest,
    browser: Digest,
    now: Timestamp,
) -> Result<Option<ConnectSession>, DbError> {
    let sql = "DELETE FROM connect_session WHERE state_digest = $1 AND browser = $2 AND expires_at > $3 \
               RETURNING state_digest, browser, person_id, integration_id, verifier_sealed, nonce_sealed, scopes, \
               client_id, return_uri, expires_at";
    tx.optional(sql, binds![state, browser, now]).await
}

/// Forget journeys that nobody finished in time.
pub(crate) async fn delete_expired(tx: &mut Writer, now: Timestamp) -> Result<u64, DbError> {
    tx.execute("DELETE FROM connect_session WHERE expires_at <= $1", binds![now]).await
}
