//! SQL of sessions.

use kernel::{Digest, Id, Person, Session, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use vault::Sealed;

use super::{
    Acr, Ending,
    begin::NewSession,
    current::{SessionRow, SessionSpan},
    list::ListedRow,
};

pub(super) async fn insert(tx: &mut Writer, new: &NewSession) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO session (id, digest, person_id, authenticated_at, seen_at, ends_at, acr, amr, browser, claims) \
         VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)",
        binds![
            new.id,
            new.digest,
            new.person,
            new.authenticated_at,
            new.ends_at,
            new.acr,
            new.amr,
            new.browser,
            new.claims
        ],
    )
    .await
}

pub(super) async fn by_digest(tx: &mut Reader, digest: &Digest) -> Result<Option<SessionRow>, DbError> {
    tx.optional(
        "SELECT session.id, session.person_id, person.organisation_id, session.authenticated_at, session.seen_at, \
         session.ends_at, session.acr, session.amr, session.ended_at, person.disabled_at \
         FROM session JOIN person ON person.id = session.person_id WHERE session.digest = $1",
        binds![digest],
    )
    .await
}

pub(super) async fn by_id(tx: &mut Reader, id: Id<Session>) -> Result<Option<SessionRow>, DbError> {
    tx.optional(
        "SELECT session.id, session.person_id, person.organisation_id, session.authenticated_at, session.seen_at, \
         session.ends_at, session.acr, session.amr, session.ended_at, person.disabled_at \
         FROM session JOIN person ON person.id = session.person_id WHERE session.id = $1",
        binds![id],
    )
    .await
}

/// Written with the next group of writes. Losing one shortens a session by a minute.
pub(super) const TOUCH: &str = "UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2";

/// End these sessions; gives how many there were.
pub(super) async fn end(tx: &mut Writer, ending: Ending, now: Timestamp) -> Result<u64, DbError> {
    match ending {
        Ending::One(person, session) => {
            tx.execute(
                "UPDATE session SET ended_at = $3 WHERE id = $1 AND person_id = $2 AND ended_at IS NULL",
                binds![session, person, now],
            )
            .await
        }
        Ending::AllOf(person) => {
            tx.execute(
                "UPDATE session SET ended_at = $2 WHERE person_id = $1 AND ended_at IS NULL",
                binds![person, now],
            )
            .await
        }
        Ending::AllBut(person, this) => {
            tx.execute(
                "UPDATE session SET ended_at = $3 WHERE person_id = $2 AND id <> $1 AND ended_at IS NULL",
                binds![this, person, now],
            )
            .await
        }
    }
}

/// The session goes on behind another cookie, if it is still the one behind this.
pub(super) async fn renew(tx: &mut Writer, new: &NewSession, digest: &Digest) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE session SET digest = $3, authenticated_at = $4, seen_at = $4, ends_at = $5, acr = $6, amr = $7, \
         browser = $8, claims = $9 WHERE id = $1 AND digest = $2 AND ended_at IS NULL",
        binds![
            new.id,
            digest,
            new.digest,
            new.authenticated_at,
            new.ends_at,
            new.acr,
            new.amr,
            new.browser,
            new.claims
        ],
    )
    .await
}

/// What a provider said of the person, sealed.
pub(super) async fn claims(tx: &mut Reader, session: Id<Session>) -> Result<Option<Sealed>, DbError> {
    let row: Option<(Option<Sealed>,)> =
        tx.optional("SELECT claims FROM session WHERE id = $1", binds![session]).await?;
    Ok(row.and_then(|(claims,)| claims))
}

pub(crate) async fn strengthen(
    tx: &mut Writer,
    session: Id<Session>,
    acr: Acr,
    amr: &str,
) -> Result<u64, DbError> {
    tx.execute("UPDATE session SET acr = $2, amr = $3 WHERE id = $1", binds![session, acr, amr]).await
}

/// The sessions of a person that are neither ended nor over nor idle, the last used first.
pub(super) async fn live_of(
    tx: &mut Reader,
    person: Id<Person>,
    now: Timestamp,
    seen_after: Timestamp,
    rows_max: i64,
) -> Result<Vec<ListedRow>, DbError> {
    tx.all(
        "SELECT id, browser, acr, authenticated_at, seen_at FROM session WHERE person_id = $1 \
         AND ended_at IS NULL AND ends_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id DESC LIMIT $4",
        binds![person, now, seen_after, rows_max],
    )
    .await
}

impl FromRow for ListedRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            browser: row.get("browser")?,
            acr: row.get("acr")?,
            began_at: row.get("authenticated_at")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            person: row.get("person_id")?,
            organisation: row.get("organisation_id")?,
            authenticated_at: row.get("authenticated_at")?,
            acr: row.get("acr")?,
            amr: row.get("amr")?,
            span: SessionSpan {
                seen_at: row.get("seen_at")?,
                ends_at: row.get("ends_at")?,
                ended_at: row.get("ended_at")?,
            },
            disabled_at: row.get("disabled_at")?,
        })
    }
}
