//! SQL of grants.

use std::time::Duration;

use kernel::{Client, Id, Person, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{Grant, GrantRow, list::Connected};
use crate::session::SessionSpan;

pub(crate) async fn insert(tx: &mut Writer, grant: &GrantRow) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO authorization_grant (id, organisation_id, client_id, person_id, session_id, scopes, details, \
         created_at, used_at, generation, rotated_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        binds![
            grant.id,
            grant.organisation,
            grant.client,
            grant.person,
            grant.session,
            grant.scopes,
            Json(&grant.details),
            grant.created_at,
            grant.used_at,
            grant.generation,
            grant.rotated_at,
            grant.expires_at
        ],
    )
    .await
}

/// A grant, and whether the person or session that it hangs on is gone.
pub(crate) async fn with_ends(tx: &mut Reader, id: Id<Grant>) -> Result<Option<Found>, DbError> {
    tx.optional(
        "SELECT authorization_grant.*, person.disabled_at AS person_disabled_at, session.ended_at AS session_ended_at, \
         session.ends_at AS session_ends_at, session.seen_at AS session_seen_at FROM authorization_grant LEFT JOIN person ON person.id = authorization_grant.person_id \
         LEFT JOIN session ON session.id = authorization_grant.session_id WHERE authorization_grant.id = $1",
        binds![id],
    )
    .await
}

/// A grant with what may have ended it from outside.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub grant: GrantRow,
    pub person_disabled_at: Option<Timestamp>,
    /// The session in which it was given; none where there was none, or nothing is left of it.
    pub session: Option<SessionSpan>,
}

impl Found {
    /// Whether the session in which it was given is over, however that came about; never where it was given in none.
    pub(crate) fn is_session_over(&self, idle: Duration, now: Timestamp) -> bool {
        self.grant.session.is_some() && !self.session.is_some_and(|span| span.lasts(idle, now))
    }
}

/// The next generation, if nobody else has taken this step.
pub(crate) async fn rotate(tx: &mut Writer, grant: &GrantRow, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_grant SET generation = generation + 1, rotated_at = $3, used_at = $3, expires_at = $4 \
         WHERE id = $1 AND generation = $2 AND revoked_at IS NULL",
        binds![grant.id, grant.generation, now, grant.expires_at],
    )
    .await
}

/// A use that changes no generation.
pub(crate) async fn touch(tx: &mut Writer, grant: &GrantRow, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_grant SET used_at = $2, expires_at = $3 WHERE id = $1 AND revoked_at IS NULL",
        binds![grant.id, now, grant.expires_at],
    )
    .await
}

pub(crate) async fn revoke(tx: &mut Writer, id: Id<Grant>, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_grant SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        binds![id, now],
    )
    .await
}

pub(crate) async fn revoke_of_client(
    tx: &mut Writer,
    client: Id<Client>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_grant SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL",
        binds![client, now],
    )
    .await
}

pub(crate) async fn revoke_of_person(
    tx: &mut Writer,
    person: Id<Person>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_grant SET revoked_at = $2 WHERE person_id = $1 AND revoked_at IS NULL",
        binds![person, now],
    )
    .await
}

/// The live grants of one person to one client.
pub(super) async fn live_between(
    tx: &mut Reader,
    person: Id<Person>,
    client: Id<Client>,
    now: Timestamp,
) -> Result<Vec<GrantRow>, DbError> {
    tx.all(
        "SELECT * FROM authorization_grant WHERE person_id = $1 AND client_id = $2 AND revoked_at IS NULL \
         AND expires_at > $3 ORDER BY id LIMIT 10000",
        binds![person, client, now],
    )
    .await
}

/// The grants of a person's sessions that have ended.
pub(super) async fn of_ended_sessions(tx: &mut Reader, person: Id<Person>) -> Result<Vec<GrantRow>, DbError> {
    tx.all(
        "SELECT authorization_grant.* FROM authorization_grant \
         JOIN session ON session.id = authorization_grant.session_id \
         WHERE authorization_grant.person_id = $1 AND authorization_grant.revoked_at IS NULL \
         AND session.ended_at IS NOT NULL ORDER BY authorization_grant.id LIMIT 10000",
        binds![person],
    )
    .await
}

/// The newest live grants of a person, each with its client's name.
pub(super) async fn of_person(
    tx: &mut Reader,
    person: Id<Person>,
    now: Timestamp,
    rows_max: i64,
) -> Result<Vec<Connected>, DbError> {
    tx.all(
        "SELECT authorization_grant.*, client.name AS client_name, client.uri AS client_uri, \
         client.verified_at AS client_verified_at FROM authorization_grant \
         JOIN client ON client.id = authorization_grant.client_id \
         WHERE authorization_grant.person_id = $1 AND authorization_grant.revoked_at IS NULL \
         AND authorization_grant.expires_at > $2 ORDER BY authorization_grant.id DESC LIMIT $3",
        binds![person, now, rows_max],
    )
    .await
}

impl FromRow for GrantRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            client: row.get("client_id")?,
            person: row.get("person_id")?,
            session: row.get("session_id")?,
            scopes: row.get("scopes")?,
            details: row.get::<Json<_>>("details")?.0,
            created_at: row.get("created_at")?,
            used_at: row.get("used_at")?,
            generation: row.get("generation")?,
            rotated_at: row.get("rotated_at")?,
            expires_at: row.get("expires_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            grant: GrantRow::from_row(row)?,
            person_disabled_at: row.get("person_disabled_at")?,
            session: match (row.get("session_ends_at")?, row.get("session_seen_at")?) {
                (Some(ends_at), Some(seen_at)) => {
                    Some(SessionSpan { ends_at, seen_at, ended_at: row.get("session_ended_at")? })
                }
                _ => None,
            },
        })
    }
}
