//! Steering work that was asked for: what becomes of it, how far it is, ending it, letting it run again.

use kernel::{Id, Job as JobKind, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

/// Rows of one page of dead letters, at the most.
pub const DEAD_LETTERS_MAX: i64 = 100;

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for its time or for a worker.
    Ready,
    /// A worker is at it.
    Running,
    /// It waits for somebody to let it go on.
    Paused,
    /// It was done.
    Done,
    /// It has failed for good.
    Dead,
    /// Somebody has ended it.
    Cancelled,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    fn read(text: &str) -> Result<Self, DbError> {
        [Self::Ready, Self::Running, Self::Paused, Self::Done, Self::Dead, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| DbError::Corrupt { why: "a job in an unknown state".into() })
    }
}

/// How far the work is, in its own units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// So much is done.
    pub done: i64,
    /// Of so much, where that is known.
    pub of: Option<i64>,
}

/// A job, as those see it who steer it. The payload stays inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Its id.
    pub id: Id<JobKind>,
    /// Its kind.
    pub name: String,
    /// Whose it is; none for our own.
    pub owner: Option<Id<Organisation>>,
    /// What it is doing.
    pub state: State,
    /// Since when it is to end.
    pub cancel_at: Option<Timestamp>,
    /// When it is to run, or was.
    pub run_at: Timestamp,
    /// How often it was tried since it was asked for, or let run again.
    pub attempts: i64,
    /// How often it was let run again by hand.
    pub replays: i64,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl FromRow for Work {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let (done, of): (Option<i64>, Option<i64>) = (row.get("progress_done")?, row.get("progress_of")?);
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            owner: row.get("owner")?,
            state: State::read(&row.get::<String>("state")?)?,
            cancel_at: row.get("cancel_at")?,
            run_at: row.get("run_at")?,
            attempts: row.get("attempts")?,
            replays: row.get("replays")?,
            progress: done.map(|done| Progress { done, of }),
            last_error: row.get("last_error")?,
            created_at: row.get("created_at")?,
            finished_at: row.get("finished_at")?,
        })
    }
}

/// What came of asking a job to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It has ended: nobody was at it.
    Now,
    /// It ends between two steps of the attempt that is running.
    Soon,
    /// There is none, or it has ended already.
    NotOpen,
}

/// A job.
///
/// # Errors
/// [`DbError`].
pub async fn find(reader: &mut Reader, id: Id<JobKind>) -> Result<Option<Work>, DbError> {
    let sql = "SELECT id, name, owner, state, cancel_at, run_at, attempts, replays, progress_done, progress_of, \
               last_error, created_at, finished_at FROM job WHERE id = $1";
    reader.optional(sql, binds![id]).await
}

/// How many jobs of this owner wait although they are due; so many are counted at the most.
///
/// # Errors
/// [`DbError`].
pub async fn waiting(
    reader: &mut Reader,
    owner: Id<Organisation>,
    now: Timestamp,
    counted_max: i64,
) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM (SELECT id FROM job WHERE owner = $1 AND state = 'ready' AND run_at <= $2 LIMIT $3) AS due";
    let (waiting,) = reader.one::<(i64,)>(sql, binds![owner, now, counted_max]).await?;
    Ok(waiting)
}

/// Jobs of this owner that have failed for good, the newest first; `before` is the last one of the page before.
///
/// # Errors
/// [`DbError`].
pub async fn dead_letters(
    reader: &mut Reader,
    owner: Id<Organisation>,
    before: Option<Id<JobKind>>,
    rows_max: i64,
) -> Result<Vec<Work>, DbError> {
    let sql = "SELECT id, name, owner, state, cancel_at, run_at, attempts, replays, progress_done, progress_of, \
               last_error, created_at, finished_at FROM job WHERE owner = $1 AND state = 'dead' AND id < $2 \
               ORDER BY id DESC LIMIT $3";
    let before = before.unwrap_or_else(|| Id::from_bytes([0xff; 16]));
    reader.all(sql, binds![owner, before, rows_max.clamp(1, DEAD_LETTERS_MAX)]).await
}

/// Let a job end. One that is running hears of it through its [`Attempt`](crate::Attempt); one whose worker has died ends when its lease
/// does.
///
/// # Errors
/// [`DbError`].
pub async fn cancel(tx: &mut Writer, id: Id<JobKind>, now: Timestamp) -> Result<Cancelled, DbError> {
    let sql = "UPDATE job SET state = 'cancelled', cancel_at = $2, finished_at = $2 \
               WHERE id = $1 AND state IN ('ready', 'paused')";
    if tx.execute(sql, binds![id, now]).await? == 1 {
        return Ok(Cancelled::Now);
    }
    let sql = "UPDATE job SET cancel_at = COALESCE(cancel_at, $2) WHERE id = $1 AND state = 'running'";
    let is_running = tx.execute(sql, binds![id, now]).await? == 1;
    Ok(if is_running { Cancelled::Soon } else { Cancelled::NotOpen })
}

/// Hold a job back that nobody is at yet. Whether that was so.
///
/// # Errors
/// [`DbError`].
pub async fn hold(tx: &mut Writer, id: Id<JobKind>) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'paused' WHERE id = $1 AND state = 'ready'";
    Ok(tx.execute(sql, binds![id]).await? == 1)
}

/// Let a job go on that was held back. Whether it was.
///
/// # Errors
/// [`DbError`].
pub async fn release(tx: &mut Writer, id: Id<JobKind>) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'ready' WHERE id = $1 AND state = 'paused' RETURNING name";
    told(tx, sql, binds![id]).await
}

/// Let a job run again that has failed for good or was ended: the same work under the same id, so that what it does once is done once. All
/// its attempts are before it again. Whether there was such a job.
///
/// # Errors
/// [`DbError`]; `DbError::Unique` if another one for the same key is under way.
pub async fn replay(tx: &mut Writer, id: Id<JobKind>, now: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE job SET state = 'ready', run_at = $2, attempts = 0, replays = replays + 1, cancel_at = NULL, \
               finished_at = NULL WHERE id = $1 AND state IN ('dead', 'cancelled') RETURNING name";
    told(tx, sql, binds![id, now]).await
}

async fn told(tx: &mut Writer, sql: &'static str, values: Vec<store::Value>) -> Result<bool, DbError> {
    let row: Option<(String,)> = tx.optional(sql, values).await?;
    if let Some((name,)) = &row {
        tx.publish(crate::enqueue::CHANNEL, name).await?;
    }
    Ok(row.is_some())
}
