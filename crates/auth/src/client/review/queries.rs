//! SQL of reviews.

use kernel::{Id, Organisation, Person, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{Act, LookedAt, STEPS_SHOWN_MAX, Step};

/// A step, and what was looked at.
pub(super) struct NewStep<'a> {
    pub client: Id<kernel::Client>,
    pub act: Act,
    pub note: Option<&'a str>,
    pub looked_at: Option<&'a LookedAt>,
    pub by: Option<Id<Person>>,
    pub at: Timestamp,
}

/// The next step. Of two at once one fails at the primary key, and leaves nothing behind.
pub(super) async fn add(tx: &mut Writer, step: &NewStep<'_>) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO client_review (client_id, nth, act, note, registration, person_id, at) \
         SELECT $1, coalesce(max(nth), 0) + 1, $2, $3, $4, $5, $6 FROM client_review WHERE client_id = $1",
        binds![step.client, step.act, step.note, step.looked_at.map(Json), step.by, step.at],
    )
    .await?;
    Ok(())
}

/// The steps of a client, the newest first.
pub(super) async fn steps(tx: &mut Reader, client: Id<kernel::Client>) -> Result<Vec<Step>, DbError> {
    tx.all(
        "SELECT act, note, person_id, at FROM client_review WHERE client_id = $1 ORDER BY nth DESC LIMIT $2",
        binds![client, STEPS_SHOWN_MAX],
    )
    .await
}

/// What an administrator looked at when the client was last verified.
pub(super) async fn last_looked_at(
    tx: &mut Reader,
    client: Id<kernel::Client>,
) -> Result<Option<LookedAt>, DbError> {
    let row: Option<(Json<LookedAt>,)> = tx
        .optional(
            "SELECT registration FROM client_review WHERE client_id = $1 AND registration IS NOT NULL \
             ORDER BY nth DESC LIMIT 1",
            binds![client],
        )
        .await?;
    Ok(row.map(|(Json(looked_at),)| looked_at))
}

/// The newest step of each client of an organisation that is not verified.
pub(super) async fn latest(
    tx: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<Vec<(Id<kernel::Client>, Act)>, DbError> {
    tx.all(
        "SELECT client_review.client_id, client_review.act FROM client_review \
         JOIN client ON client.id = client_review.client_id \
         WHERE client.organisation_id = $1 AND client.verified_at IS NULL AND NOT EXISTS \
         (SELECT 1 FROM client_review later \
          WHERE later.client_id = client_review.client_id AND later.nth > client_review.nth)",
        binds![organisation],
    )
    .await
}

impl FromRow for Step {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            act: row.get("act")?,
            note: row.get("note")?,
            by: row.get("person_id")?,
            at: row.get("at")?,
        })
    }
}
