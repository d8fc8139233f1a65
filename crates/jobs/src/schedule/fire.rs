//! Schedules whose time has come: one node of all makes a job of each, in the unit that says when the next one is.

use kernel::{Id, Organisation, Timestamp, World};
use store::{Db, DbError, FromRow, Reader, Row, Writer, binds};

use super::{Schedule, keep::corrupt};
use crate::enqueue::{NewJob, insert};

/// Schedules that one look of a worker begins; more of them wait for the next look.
pub const FIRED_AT_ONCE_MAX: i64 = 100;

/// A schedule whose time has come.
struct Due {
    subject: Vec<u8>,
    owner: Id<Organisation>,
    schedule: String,
    payload: String,
    next_at: Timestamp,
}

impl FromRow for Due {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            subject: row.get("subject")?,
            owner: row.get("owner")?,
            schedule: row.get("schedule")?,
            payload: row.get("payload")?,
            next_at: row.get("next_at")?,
        })
    }
}

/// Make jobs of this kind of all schedules that are due; times that were slept through are one.
pub(crate) async fn fire(db: &Db, world: &World, name: &'static str) -> Result<(), DbError> {
    let due: Vec<Due> = {
        let sql = "SELECT subject, owner, schedule, payload, next_at FROM job_schedule \
                   WHERE name = $1 AND next_at IS NOT NULL AND paused_at IS NULL AND next_at <= $2 \
                   ORDER BY next_at LIMIT $3";
        db.read().await?.all(sql, binds![name, world.now(), FIRED_AT_ONCE_MAX]).await?
    };
    for due in due {
        begin(db, world, (name, due)).await?;
    }
    Ok(())
}

async fn begin(db: &Db, world: &World, (name, due): (&'static str, Due)) -> Result<(), DbError> {
    let world = world.clone();
    let schedule: Schedule = due.schedule.parse().map_err(|_| corrupt())?;
    db.write(async move |tx: &mut Writer| {
        let next = schedule.next_after(world.now());
        let sql = "UPDATE job_schedule SET next_at = $4 WHERE name = $1 AND subject = $2 AND next_at = $3 \
                   AND paused_at IS NULL";
        let values = binds![name, due.subject.clone(), due.next_at, next];
        if tx.execute(sql, values).await? == 0 {
            return Ok(());
        }
        let hex: String = due.subject.iter().map(|byte| format!("{byte:02x}")).collect();
        let (payload, owner) = (due.payload.clone(), Some(due.owner));
        // While the one before is unfinished there is none beside it.
        let dedupe_key = Some(format!("schedule:{hex}"));
        insert(tx, &world, NewJob { name, payload, run_at: world.now(), dedupe_key, owner }).await.map(|_| ())
    })
    .await
}

/// The next time that any schedule of this kind says.
pub(crate) async fn next_start(reader: &mut Reader, name: &str) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT next_at FROM job_schedule WHERE name = $1 AND next_at IS NOT NULL AND paused_at IS NULL \
               ORDER BY next_at LIMIT 1";
    let row: Option<(Timestamp,)> = reader.optional(sql, binds![name]).await?;
    Ok(row.map(|(at,)| at))
}
