//! SQL of clients that registered by UDAP.

use crypto::sha256;
use kernel::{Client, Digest, Id, Timestamp};
use store::{DbError, Reader, Writer, binds};

/// Whether a statement is used now or was before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spent {
    Now,
    Before,
}

/// Use up the statement of this issuer with this id.
pub(super) async fn spend(
    tx: &mut Writer,
    issuer: &str,
    id: &str,
    until: Timestamp,
) -> Result<Spent, DbError> {
    // Twice the hash of one, so that no issuer and id read like another's.
    let digest = Digest::from_bytes(sha256(&[sha256(issuer.as_bytes()), sha256(id.as_bytes())].concat()));
    let sql =
        "INSERT INTO udap_statement (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    let rows = tx.execute(sql, binds![digest, until + kept()]).await?;
    Ok(if rows == 0 { Spent::Before } else { Spent::Now })
}

/// As long as a clock that goes behind could still take it.
const fn kept() -> std::time::Duration {
    std::time::Duration::from_secs(crypto::jose::LEEWAY_S as u64)
}

/// Which client registered through this community under this URI.
pub(super) async fn registered(
    tx: &mut Reader,
    community: &str,
    issuer: &str,
) -> Result<Option<Id<Client>>, DbError> {
    let sql = "SELECT client_id FROM udap_client WHERE community = $1 AND issuer = $2";
    let row: Option<(Id<Client>,)> = tx.optional(sql, binds![community, issuer]).await?;
    Ok(row.map(|(id,)| id))
}

/// Through which community, and under which URI, this client registered.
pub(super) async fn origin(tx: &mut Reader, client: Id<Client>) -> Result<Option<(String, String)>, DbError> {
    tx.optional("SELECT community, issuer FROM udap_client WHERE client_id = $1", binds![client]).await
}

pub(super) async fn link(
    tx: &mut Writer,
    community: &str,
    issuer: &str,
    client: Id<Client>,
) -> Result<u64, DbError> {
    let sql =
        "INSERT INTO udap_client (community, issuer, client_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, binds![community, issuer, client]).await
}

pub(super) async fn unlink(tx: &mut Writer, community: &str, issuer: &str) -> Result<u64, DbError> {
    let sql = "DELETE FROM udap_client WHERE community = $1 AND issuer = $2";
    tx.execute(sql, binds![community, issuer]).await
}
