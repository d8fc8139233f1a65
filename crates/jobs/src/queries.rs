//! The SQL of the queue.

use kernel::{Event, EventRow, Id, Job, Organisation, Timestamp};
use store::{Db, DbError, FromRow, Reader, Row, Sql, Writer, binds, dialect};

use crate::{enqueue::NewJob, feed::Placed};

/// A claimed job: ours until the lease runs out or the fence has moved on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) job: Id<Job>,
    pub(crate) fence: i64,
}

/// What a worker needs of a claimed row.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) lease: Lease,
    pub(crate) payload: String,
    pub(crate) attempt: u32,
    /// Whether it is to end.
    pub(crate) is_cancelled: bool,
}

impl FromRow for Claimed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            lease: Lease { job: row.get("id")?, fence: row.get("fence")? },
            payload: row.get("payload")?,
            attempt: u32::try_from(row.get::<i64>("attempts")?).unwrap_or(u32::MAX),
            is_cancelled: row.get::<Option<Timestamp>>("cancel_at")?.is_some(),
        })
    }
}

/// The row's id, or that of the unfinished job with the same name and key.
pub(crate) async fn insert(
    tx: &mut Writer,
    id: Id<Job>,
    new: &NewJob,
    now: Timestamp,
) -> Result<Id<Job>, DbError> {
    let values =
        binds![id, new.name, new.payload.clone(), new.run_at, new.dedupe_key.clone(), now, new.owner];
    let (id,) = tx
        .one::<(Id<Job>,)>(
            "INSERT INTO job (id, name, payload, state, run_at, fence, attempts, dedupe_key, created_at, owner) \
             VALUES ($1, $2, $3, 'ready', $4, 0, 0, $5, $6, $7) \
             ON CONFLICT (name, dedupe_key) WHERE finished_at IS NULL AND dedupe_key IS NOT NULL \
             DO UPDATE SET dedupe_key = excluded.dedupe_key RETURNING id",
            values,
        )
        .await?;
    Ok(id)
}

/// What is open of one name.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) name: String,
    /// When the next job is to start; in the past if it should have.
    ready_at: Option<Timestamp>,
    /// When the first lease of a worker ends; in the past if that worker has left its job behind.
    leased_until: Option<Timestamp>,
}

impl Open {
    /// When there is something to be claimed.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.ready_at.into_iter().chain(self.leased_until).min()
    }
}

impl FromRow for Open {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            name: row.get("name")?,
            ready_at: row.get("ready_at")?,
            leased_until: row.get("leased_until")?,
        })
    }
}

/// What is open of each name that has anything open: one statement that steps from name to name, however many rows each has.
pub(crate) async fn open(reader: &mut Reader) -> Result<Vec<Open>, DbError> {
    // Not by `MIN`: PostgreSQL reads all rows for it while it believes that there are few.
    let sql = "WITH RECURSIVE kind (name) AS (\
               SELECT (SELECT name FROM job WHERE finished_at IS NULL ORDER BY name LIMIT 1) UNION ALL \
               SELECT (SELECT job.name FROM job WHERE job.finished_at IS NULL AND job.name > kind.name \
               ORDER BY job.name LIMIT 1) FROM kind WHERE kind.name IS NOT NULL) \
               SELECT kind.name AS name, \
               (SELECT run_at FROM job WHERE finished_at IS NULL AND job.name = kind.name AND state = 'ready' \
               ORDER BY run_at LIMIT 1) AS ready_at, \
               (SELECT lease_until FROM job WHERE lease_until IS NOT NULL AND job.name = kind.name \
               ORDER BY lease_until LIMIT 1) AS leased_until \
               FROM kind WHERE kind.name IS NOT NULL";
    reader.all(sql, binds![]).await
}

/// Let go of all leases: whoever held them is no more.
pub(crate) async fn take_over(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    let sql = "UPDATE job SET lease_until = $1 WHERE lease_until > $1";
    db.execute(sql, binds![now]).await
}

/// Who claims how much, until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) owner: [u8; 16],
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) rows_max: i64,
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "WITH due AS MATERIALIZED (SELECT id FROM job WHERE finished_at IS NULL AND name = $1 AND run_at <= $2 ",
            "AND (state = 'ready' OR lease_until <= $2) ORDER BY run_at, id LIMIT $3",
            $lock,
            ") UPDATE job SET state = 'running', lease_owner = $4, lease_until = $5, fence = fence + 1, ",
            "attempts = attempts + 1 WHERE id IN (SELECT id FROM due) RETURNING id, payload, fence, attempts, cancel_at"
        )
    };
}

/// Take jobs of this name that are due, or that a worker has left behind.
pub(crate) async fn claim(db: &Db, name: &str, claim: Claim) -> Result<Vec<Claimed>, DbError> {
    const CLAIM: Sql = dialect! { sqlite: claim!(""), postgres: claim!(" FOR UPDATE SKIP LOCKED") };
    let Claim { owner, now, until, rows_max } = claim;
    db.execute_returning(CLAIM, binds![name, now, rows_max, owner, until]).await
}

/// Hold on to a job: none if it is no longer ours, else since when it is to end, if it is.
pub(crate) async fn extend(
    db: &Db,
    lease: Lease,
    until: Timestamp,
) -> Result<Option<Option<Timestamp>>, DbError> {
    let sql = "UPDATE job SET lease_until = $3 WHERE id = $1 AND state = 'running' AND fence = $2 \
               RETURNING cancel_at";
    let rows: Vec<(Option<Timestamp>,)> =
        db.execute_returning(sql, binds![lease.job, lease.fence, until]).await?;
    Ok(rows.into_iter().next().map(|(cancel_at,)| cancel_at))
}

/// It was ended while the attempt ran, or before it could begin; false if the job is no longer ours, or is not to end.
pub(crate) async fn end(db: &Db, lease: Lease, now: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'cancelled', lease_owner = NULL, lease_until = NULL, finished_at = $3 \
               WHERE id = $1 AND state = 'running' AND fence = $2 AND cancel_at IS NOT NULL";
    moved(db.execute(sql, binds![lease.job, lease.fence, now]).await)
}

/// The work is done; false if the job is no longer ours.
pub(crate) async fn finish(db: &Db, lease: Lease, now: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'done', lease_owner = NULL, lease_until = NULL, last_error = NULL, \
               finished_at = $3 WHERE id = $1 AND state = 'running' AND fence = $2";
    moved(db.execute(sql, binds![lease.job, lease.fence, now]).await)
}

/// The attempt failed and another one follows; false if the job is no longer ours.
pub(crate) async fn postpone(db: &Db, lease: Lease, run_at: Timestamp, why: &str) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'ready', lease_owner = NULL, lease_until = NULL, run_at = $3, \
               last_error = $4 WHERE id = $1 AND state = 'running' AND fence = $2";
    moved(db.execute(sql, binds![lease.job, lease.fence, run_at, why]).await)
}

/// The job has failed for good; false if it is no longer ours.
pub(crate) async fn bury(db: &Db, lease: Lease, now: Timestamp, why: &str) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'dead', lease_owner = NULL, lease_until = NULL, finished_at = $3, \
               last_error = $4 WHERE id = $1 AND state = 'running' AND fence = $2";
    moved(db.execute(sql, binds![lease.job, lease.fence, now, why]).await)
}

/// Let somebody else run it: the attempt was cut short by us and does not count.
pub(crate) async fn give_back(db: &Db, lease: Lease) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'ready', lease_owner = NULL, lease_until = NULL, attempts = attempts - 1 \
               WHERE id = $1 AND state = 'running' AND fence = $2";
    moved(db.execute(sql, binds![lease.job, lease.fence]).await)
}

fn moved(rows: Result<u64, DbError>) -> Result<bool, DbError> {
    rows.map(|rows| rows == 1)
}

/// Whether this node is the first to ask for this period of this job.
pub(crate) async fn begin_period(tx: &mut Writer, name: &str, period_at: Timestamp) -> Result<bool, DbError> {
    let sql = "INSERT INTO job_period (name, period_at) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET period_at = excluded.period_at \
               WHERE job_period.period_at < excluded.period_at";
    moved(tx.execute(sql, binds![name, period_at]).await)
}

pub(crate) async fn publish(
    tx: &mut Writer,
    id: Id<EventRow>,
    event: &Event,
    now: Timestamp,
) -> Result<(), DbError> {
    const INSERT: Sql = dialect! {
        sqlite: "INSERT INTO event (id, organisation_id, name, subject, data, at, turn) VALUES ($1, $2, $3, $4, $5, $6, \
                 (SELECT COALESCE(MAX(turn), 0) + 1 FROM event WHERE place IS NULL))",
        postgres: "INSERT INTO event (id, organisation_id, name, subject, data, at, turn) \
                   VALUES ($1, $2, $3, $4, $5, $6, nextval('event_turn'))",
    };
    let values =
        binds![id, event.organisation, event.name, event.subject.clone(), event.data.to_string(), now];
    tx.execute(INSERT, values).await.map(|_| ())
}

pub(crate) async fn newest_place(reader: &mut Reader) -> Result<i64, DbError> {
    let row = reader.optional::<(i64,)>("SELECT place FROM event_feed WHERE id = 1", binds![]).await?;
    Ok(row.map_or(0, |(place,)| place))
}

pub(crate) async fn place(tx: &mut Writer, before: i64, rows_max: i64) -> Result<Vec<Placed>, DbError> {
    let sql = "UPDATE event SET place = $1 + numbered.nth FROM \
               (SELECT id AS of, ROW_NUMBER() OVER (ORDER BY turn, id) AS nth FROM event WHERE place IS NULL \
               ORDER BY turn, id LIMIT $2) AS numbered \
               WHERE event.id = numbered.of RETURNING id, organisation_id, name, subject, data, at, place";
    tx.all(sql, binds![before, rows_max]).await
}

pub(crate) async fn move_feed(tx: &mut Writer, place: i64) -> Result<(), DbError> {
    let sql = "INSERT INTO event_feed (id, place) VALUES (1, $1) \
               ON CONFLICT (id) DO UPDATE SET place = excluded.place";
    tx.execute(sql, binds![place]).await.map(|_| ())
}

pub(crate) async fn behind(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    (after, rows_max): (i64, i64),
) -> Result<Vec<Placed>, DbError> {
    let sql = "SELECT id, organisation_id, name, subject, data, at, place FROM event \
               WHERE organisation_id = $1 AND place > $2 ORDER BY place LIMIT $3";
    reader.all(sql, binds![organisation, after, rows_max]).await
}

/// Delete rows of jobs that finished in this state before then; how many went.
pub(crate) async fn delete_finished(
    db: &Db,
    state: &'static str,
    before: Timestamp,
    rows_max: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state = $1 AND finished_at IS NOT NULL \
               AND finished_at < $2 ORDER BY finished_at LIMIT $3)";
    db.execute(sql, binds![state, before, rows_max]).await
}

/// Delete events from before then; how many went.
pub(crate) async fn delete_events(db: &Db, before: Timestamp, rows_max: i64) -> Result<u64, DbError> {
    let sql = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < $1 ORDER BY at LIMIT $2)";
    db.execute(sql, binds![before, rows_max]).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::World;
    use tokio::task::JoinSet;

    use super::*;
    use crate::MIGRATIONS;

    const ROWS: usize = 200;
    const NAME: &str = "test.claim";

    async fn fill(db: &Db, world: &World) {
        let world = world.clone();
        let filled = db.write(async move |tx: &mut Writer| {
            for _ in 0..ROWS {
                let (payload, now) = ("{}".to_owned(), world.now());
                insert(
                    tx,
                    world.new_id(),
                    &NewJob { name: NAME, payload, run_at: now, dedupe_key: None, owner: None },
                    now,
                )
                .await?;
            }
            Ok::<(), DbError>(())
        });
        filled.await.unwrap();
    }

    async fn claim_all(db: Db, claim_of: Claim) -> Vec<Id<Job>> {
        let mut claimed = Vec::new();
        loop {
            let rows = claim(&db, NAME, claim_of).await.unwrap();
            if rows.is_empty() {
                return claimed;
            }
            claimed.extend(rows.iter().map(|row| row.lease.job));
        }
    }

    testkit::on_each_engine!(
        async fn claims_at_the_same_time_never_share_a_row(db: Db) {
            let (world, _) = testkit::world();
            fill(&db, &world).await;
            let now = world.now();
            let mut claims = JoinSet::new();
            for owner in 0..6 {
                let until = now + std::time::Duration::from_secs(30);
                claims.spawn(claim_all(db.clone(), Claim { owner: [owner; 16], now, until, rows_max: 3 }));
            }
            let claimed: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
            assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), ROWS);
            assert_eq!(claimed.len(), ROWS, "some rows were claimed twice");
        },
        migrations = [MIGRATIONS]
    );
}
