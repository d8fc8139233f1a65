//! The SQL of runs.

use kernel::{Digest, Id, Integration, Job, Organisation, Timestamp};
use store::{Db, DbError, FromRow, Reader, Row, Writer, binds};
use vault::Sealed;

use super::{Counts, Extent, Phase, Run, State, SyncRun};
use crate::connector::Name;

impl FromRow for Run {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let text = |column: &str| row.get::<String>(column);
        Ok(Self {
            id: row.get("id")?,
            integration: row.get("integration_id")?,
            organisation: row.get("organisation_id")?,
            job: row.get("job_id")?,
            extent: read(&text("kind")?, &[Extent::Full, Extent::Incremental], |one| one.as_str())?,
            state: read(
                &text("state")?,
                &[State::Queued, State::Running, State::Done, State::Failed, State::Cancelled],
                |one| one.as_str(),
            )?,
            counts: Counts {
                received: row.get("received")?,
                stored: row.get("stored")?,
                unchanged: row.get("unchanged")?,
                quarantined: row.get("quarantined")?,
                deleted: row.get("deleted")?,
            },
            why: row.get("why")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            finished_at: row.get("finished_at")?,
            phase: read(&text("phase")?, &[Phase::Pull, Phase::Recheck], |one| one.as_str())?,
            step: row.get("step")?,
        })
    }
}

fn read<T: Copy>(text: &str, all: &[T], word: impl Fn(&T) -> &'static str) -> Result<T, DbError> {
    let found = all.iter().find(|one| word(one) == text).copied();
    found.ok_or_else(|| DbError::Corrupt { why: "a run with an unknown word".into() })
}

/// A run of this organisation.
///
/// # Errors
/// [`DbError`].
pub async fn find(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<SyncRun>,
) -> Result<Option<Run>, DbError> {
    let sql = "SELECT * FROM sync_run WHERE id = $1 AND organisation_id = $2";
    reader.optional(sql, binds![id, organisation]).await
}

/// A run, whosever it is: whether the caller may know of it is for whoever asks.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn anybodys(reader: &mut Reader, id: Id<SyncRun>) -> Result<Option<Run>, DbError> {
    by_id(reader, id).await
}

/// The newest run of an integration.
///
/// # Errors
/// [`DbError`].
pub async fn latest(reader: &mut Reader, integration: Id<Integration>) -> Result<Option<Run>, DbError> {
    let sql = "SELECT * FROM sync_run WHERE integration_id = $1 ORDER BY id DESC LIMIT 1";
    reader.optional(sql, binds![integration]).await
}

/// Runs of an integration, the newest first: those before this one.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn of_integration(
    reader: &mut Reader,
    integration: Id<Integration>,
    before: Option<Id<SyncRun>>,
    rows_max: i64,
) -> Result<Vec<Run>, DbError> {
    let sql = "SELECT * FROM sync_run WHERE integration_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let before = before.unwrap_or_else(|| Id::from_bytes([0xff; 16]));
    reader.all(sql, binds![integration, before, rows_max]).await
}

/// How long the last run of this extent took that came to its end, in seconds.
///
/// # Errors
/// [`DbError`].
pub async fn last_took_s(
    reader: &mut Reader,
    integration: Id<Integration>,
    extent: Extent,
) -> Result<Option<u64>, DbError> {
    let sql = "SELECT started_at, finished_at FROM sync_run WHERE integration_id = $1 AND kind = $2 \
               AND state = 'done' AND started_at IS NOT NULL ORDER BY id DESC LIMIT 1";
    let row: Option<(Timestamp, Timestamp)> =
        reader.optional(sql, binds![integration, extent.as_str()]).await?;
    Ok(row.map(|(began, ended)| ended.since(began).as_secs()))
}

pub(super) async fn by_id(reader: &mut Reader, id: Id<SyncRun>) -> Result<Option<Run>, DbError> {
    reader.optional("SELECT * FROM sync_run WHERE id = $1", binds![id]).await
}

/// Runs that have not ended.
pub(super) async fn unfinished(db: &Db, rows_max: i64) -> Result<Vec<Run>, DbError> {
    let sql = "SELECT * FROM sync_run WHERE finished_at IS NULL ORDER BY created_at LIMIT $1";
    db.read().await?.all(sql, binds![rows_max]).await
}

pub(super) async fn insert(
    tx: &mut Writer,
    (id, integration, organisation): (Id<SyncRun>, Id<Integration>, Id<Organisation>),
    (job, extent): (Id<Job>, Extent),
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO sync_run (id, integration_id, organisation_id, job_id, kind, state, phase, step, received, \
               stored, unchanged, quarantined, deleted, created_at) \
               VALUES ($1, $2, $3, $4, $5, 'queued', 'pull', 0, 0, 0, 0, 0, 0, $6)";
    tx.execute(sql, binds![id, integration, organisation, job, extent.as_str(), now]).await.map(|_| ())
}

/// It goes on as this row of the queue.
pub(super) async fn hand_over(
    tx: &mut Writer,
    id: Id<SyncRun>,
    (from, to): (Id<Job>, Id<Job>),
) -> Result<bool, DbError> {
    let sql = "UPDATE sync_run SET job_id = $3 WHERE id = $1 AND job_id = $2 AND finished_at IS NULL";
    Ok(tx.execute(sql, binds![id, from, to]).await? == 1)
}

/// Where a step leads.
pub(super) struct Step {
    pub phase: Phase,
    /// None for the beginning of a phase.
    pub place: Option<Sealed>,
    pub counts: Counts,
}

/// Go on by one step from this one; false if somebody else has.
pub(super) async fn advance(
    tx: &mut Writer,
    (id, from): (Id<SyncRun>, i64),
    step: &Step,
    now: Timestamp,
) -> Result<bool, DbError> {
    let Counts { received, stored, unchanged, quarantined, deleted } = step.counts;
    let sql = "UPDATE sync_run SET step = step + 1, state = 'running', phase = $3, position_sealed = $4, \
               received = received + $5, stored = stored + $6, unchanged = unchanged + $7, \
               quarantined = quarantined + $8, deleted = deleted + $9, started_at = COALESCE(started_at, $10) \
               WHERE id = $1 AND step = $2 AND finished_at IS NULL";
    let values = binds![
        id,
        from,
        step.phase.as_str(),
        step.place.clone(),
        received,
        stored,
        unchanged,
        quarantined,
        deleted,
        now
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// It has ended so; false if it had before.
pub(super) async fn settle(
    tx: &mut Writer,
    id: Id<SyncRun>,
    (state, why): (State, Option<&str>),
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql =
        "UPDATE sync_run SET state = $2, why = $3, finished_at = $4 WHERE id = $1 AND finished_at IS NULL";
    Ok(tx.execute(sql, binds![id, state.as_str(), why, now]).await? == 1)
}

/// It goes on where it ended; false if it has not failed.
pub(super) async fn reopen(tx: &mut Writer, id: Id<SyncRun>, job: Id<Job>) -> Result<bool, DbError> {
    let sql = "UPDATE sync_run SET state = 'queued', why = NULL, finished_at = NULL, job_id = $2 \
               WHERE id = $1 AND state IN ('failed', 'cancelled')";
    Ok(tx.execute(sql, binds![id, job]).await? == 1)
}

/// The run that has ended with this row of the queue.
pub(super) async fn ended_with(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    job: Id<Job>,
) -> Result<Option<Id<SyncRun>>, DbError> {
    let sql =
        "SELECT id FROM sync_run WHERE job_id = $1 AND organisation_id = $2 AND finished_at IS NOT NULL";
    let row = reader.optional(sql, binds![job, organisation]).await?;
    Ok(row.map(|(id,)| id))
}

pub(super) async fn place(reader: &mut Reader, id: Id<SyncRun>) -> Result<Option<Sealed>, DbError> {
    let row = reader.optional("SELECT position_sealed FROM sync_run WHERE id = $1", binds![id]).await?;
    Ok(row.and_then(|(place,)| place))
}

pub(super) async fn mark(reader: &mut Reader, of: Id<Integration>) -> Result<Option<Sealed>, DbError> {
    let row =
        reader.optional("SELECT mark_sealed FROM sync_mark WHERE integration_id = $1", binds![of]).await?;
    Ok(row.map(|(mark,)| mark))
}

pub(super) async fn put_mark(
    tx: &mut Writer,
    (integration, organisation): (Id<Integration>, Id<Organisation>),
    mark: &Sealed,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO sync_mark (integration_id, organisation_id, mark_sealed, updated_at) \
               VALUES ($1, $2, $3, $4) ON CONFLICT (integration_id) DO UPDATE \
               SET mark_sealed = excluded.mark_sealed, updated_at = excluded.updated_at";
    tx.execute(sql, binds![integration, organisation, mark, now]).await.map(|_| ())
}

/// What is known of a record: its content's digest, and its state.
pub(crate) async fn known(
    reader: &mut Reader,
    of: Id<Integration>,
    name: &Name,
) -> Result<Option<(Digest, String)>, DbError> {
    let sql = "SELECT digest, state FROM sync_record WHERE integration_id = $1 AND of = $2 AND id = $3";
    reader.optional(sql, binds![of, name.of.as_str(), name.id.as_str()]).await
}

pub(crate) async fn remember(
    tx: &mut Writer,
    (of, run): (Id<Integration>, Id<SyncRun>),
    name: &Name,
    (digest, state): (&Digest, &'static str),
) -> Result<(), DbError> {
    let sql = "INSERT INTO sync_record (integration_id, of, id, digest, state, run_id) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (integration_id, of, id) DO UPDATE \
               SET digest = excluded.digest, state = excluded.state, run_id = excluded.run_id";
    let values = binds![of, name.of.as_str(), name.id.as_str(), digest, state, run];
    tx.execute(sql, values).await.map(|_| ())
}

/// Stored records that were not seen in this run, after this one.
pub(super) async fn unseen(
    reader: &mut Reader,
    (of, run): (Id<Integration>, Id<SyncRun>),
    after: &Name,
    rows_max: i64,
) -> Result<Vec<Name>, DbError> {
    let sql = "SELECT of, id FROM sync_record WHERE integration_id = $1 AND state = 'stored' AND run_id <> $2 \
               AND (of > $3 OR (of = $3 AND id > $4)) ORDER BY of, id LIMIT $5";
    let values = binds![of, run, after.of.as_str(), after.id.as_str(), rows_max];
    let rows: Vec<(String, String)> = reader.all(sql, values).await?;
    Ok(rows.into_iter().map(|(of, id)| Name { of, id }).collect())
}
