//! Schedules as rows: what is done again and again for one thing of somebody's.

use kernel::{Id, IdKind, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::Schedule;
use crate::{Job, enqueue::payload};

/// When something is done for its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// When, in words.
    pub schedule: Schedule,
    /// The next time; none where nothing happens by the clock.
    pub next_at: Option<Timestamp>,
    /// Since when nothing is begun.
    pub paused_at: Option<Timestamp>,
}

impl FromRow for Scheduled {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let text: String = row.get("schedule")?;
        Ok(Self {
            schedule: text.parse().map_err(|_| corrupt())?,
            next_at: row.get("next_at")?,
            paused_at: row.get("paused_at")?,
        })
    }
}

pub(super) fn corrupt() -> DbError {
    DbError::Corrupt { why: "a schedule that cannot be read".into() }
}

/// From now on do this for the subject whenever the schedule says; it takes the place of the schedule before. The next time.
///
/// # Errors
/// [`DbError`]; also for a payload that is too large.
pub async fn schedule<J: Job, S: IdKind>(
    tx: &mut Writer,
    (owner, subject): (Id<Organisation>, Id<S>),
    (job, schedule): (&J, &Schedule),
    now: Timestamp,
) -> Result<Option<Timestamp>, DbError> {
    let next = schedule.next_after(now);
    let values = binds![J::NAME, subject, owner, schedule.as_str(), payload(job)?, next];
    // Who had paused it has paused the new one.
    let sql = "INSERT INTO job_schedule (name, subject, owner, schedule, payload, next_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (name, subject) DO UPDATE SET owner = excluded.owner, schedule = excluded.schedule, \
               payload = excluded.payload, next_at = excluded.next_at";
    tx.execute(sql, values).await?;
    tx.publish(crate::enqueue::CHANNEL, J::NAME).await?;
    Ok(next)
}

/// Do it no more. Whether there was such a schedule.
///
/// # Errors
/// [`DbError`].
pub async fn unschedule<J: Job, S: IdKind>(tx: &mut Writer, subject: Id<S>) -> Result<bool, DbError> {
    let sql = "DELETE FROM job_schedule WHERE name = $1 AND subject = $2";
    Ok(tx.execute(sql, binds![J::NAME, subject]).await? == 1)
}

/// When it is done for this subject.
///
/// # Errors
/// [`DbError`].
pub async fn scheduled<J: Job, S: IdKind>(
    reader: &mut Reader,
    subject: Id<S>,
) -> Result<Option<Scheduled>, DbError> {
    let sql = "SELECT schedule, next_at, paused_at FROM job_schedule WHERE name = $1 AND subject = $2";
    reader.optional(sql, binds![J::NAME, subject]).await
}

/// Begin nothing of it until it is resumed. Whether it was going on.
///
/// # Errors
/// [`DbError`].
pub async fn pause<J: Job, S: IdKind>(
    tx: &mut Writer,
    subject: Id<S>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE job_schedule SET paused_at = $3 WHERE name = $1 AND subject = $2 AND paused_at IS NULL";
    Ok(tx.execute(sql, binds![J::NAME, subject, now]).await? == 1)
}

/// Go on: from the next time after now, whatever has been left out. Whether it was paused.
///
/// # Errors
/// [`DbError`].
pub async fn resume<J: Job, S: IdKind>(
    tx: &mut Writer,
    subject: Id<S>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let Some(kept) = scheduled::<J, S>(tx, subject).await?.filter(|kept| kept.paused_at.is_some()) else {
        return Ok(false);
    };
    let sql = "UPDATE job_schedule SET paused_at = NULL, next_at = $3 WHERE name = $1 AND subject = $2";
    tx.execute(sql, binds![J::NAME, subject, kept.schedule.next_after(now)]).await?;
    tx.publish(crate::enqueue::CHANNEL, J::NAME).await?;
    Ok(true)
}
