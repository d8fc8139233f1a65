//! Events in an order that everybody can follow.
//!
//! Neither ids nor times tell in which order events were committed: on PostgreSQL one that was written first may be seen last. So an
//! event is given its place in the feed after it was committed, by one unit at a time, and whoever follows does its own work in that
//! very unit.

use kernel::{EventRow, Id, Organisation, Timestamp};
use store::{Db, DbError, FromRow, Reader, Row, Writer, binds};

use crate::queries;

/// The channel on which this process hears that an event was committed here.
pub const PUBLISHED: &str = "event";

/// The turn of units that give out places: one at a time, on all nodes.
pub const PLACING: i64 = i64::MIN + 1;

/// An event in its place.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Its place.
    pub place: i64,
    /// Its id.
    pub id: Id<EventRow>,
    /// In which organisation it happened.
    pub organisation: Id<Organisation>,
    /// What happened: `connection.linked`.
    pub name: String,
    /// To which thing.
    pub subject: String,
    /// What a subscriber may know besides, as JSON.
    pub data: String,
    /// When.
    pub at: Timestamp,
}

impl FromRow for Placed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            place: row.get("place")?,
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            name: row.get("name")?,
            subject: row.get("subject")?,
            data: row.get("data")?,
            at: row.get("at")?,
        })
    }
}

/// Whether there are events without a place.
///
/// # Errors
/// [`DbError`].
pub async fn is_behind(db: &Db) -> Result<bool, DbError> {
    let sql = "SELECT turn FROM event WHERE place IS NULL LIMIT 1";
    Ok(db.read().await?.optional::<(i64,)>(sql, binds![]).await?.is_some())
}

/// Give the next events their places, in the order in which they were written. To be called in a unit whose turn is [`PLACING`].
///
/// # Errors
/// [`DbError`].
pub async fn place(tx: &mut Writer, rows_max: i64) -> Result<Vec<Placed>, DbError> {
    let before = newest(tx).await?;
    let mut placed = queries::place(tx, before, rows_max).await?;
    placed.sort_by_key(|event| event.place);
    if let Some(last) = placed.last() {
        queries::move_feed(tx, last.place).await?;
    }
    Ok(placed)
}

/// The newest place that was given out.
///
/// # Errors
/// [`DbError`].
pub async fn newest(reader: &mut Reader) -> Result<i64, DbError> {
    queries::newest_place(reader).await
}

/// What happened in an organisation behind a place, in order.
///
/// # Errors
/// [`DbError`].
pub async fn behind(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    (after, rows_max): (i64, i64),
) -> Result<Vec<Placed>, DbError> {
    queries::behind(reader, organisation, (after, rows_max)).await
}
