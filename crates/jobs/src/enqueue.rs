//! Asking for work in the transaction that makes it necessary.

use kernel::{Id, Organisation, Timestamp, World};
use store::{DbError, Writer};

use crate::{Job, queries};

/// The largest payload of a job, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// The channel on which workers hear that there is something to do.
pub(crate) const CHANNEL: &str = "job";

/// Write a job's row in the caller's transaction; it runs at `run_at` or soon after.
///
/// With a `dedupe_key`, a job of the same kind and key that is not finished yet stands for this one: its id comes
/// back and no second row is written.
///
/// # Errors
/// [`DbError`]; also for a payload over [`PAYLOAD_BYTES_MAX`].
pub async fn enqueue<J: Job>(
    tx: &mut Writer,
    world: &World,
    job: &J,
    run_at: Timestamp,
    dedupe_key: Option<&str>,
) -> Result<Id<kernel::Job>, DbError> {
    let new = NewJob {
        name: J::NAME,
        payload: payload(job)?,
        run_at,
        dedupe_key: dedupe_key.map(str::to_owned),
        owner: None,
    };
    insert(tx, world, new).await
}

/// The same for an organisation, whose staff see it among its jobs and dead letters.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_of<J: Job>(
    tx: &mut Writer,
    world: &World,
    owner: Id<Organisation>,
    job: &J,
    run_at: Timestamp,
) -> Result<Id<kernel::Job>, DbError> {
    let new = NewJob { name: J::NAME, payload: payload(job)?, run_at, dedupe_key: None, owner: Some(owner) };
    insert(tx, world, new).await
}

/// A job's row before it is written.
pub(crate) struct NewJob {
    pub(crate) name: &'static str,
    pub(crate) payload: String,
    pub(crate) run_at: Timestamp,
    pub(crate) dedupe_key: Option<String>,
    pub(crate) owner: Option<Id<Organisation>>,
}

pub(crate) async fn insert(tx: &mut Writer, world: &World, new: NewJob) -> Result<Id<kernel::Job>, DbError> {
    let id = queries::insert(tx, world.new_id(), &new, world.now()).await?;
    tx.publish(CHANNEL, new.name).await?;
    Ok(id)
}

/// The text that the row keeps of a job.
pub(crate) fn payload<J: Job>(job: &J) -> Result<String, DbError> {
    match serde_json::to_string(job) {
        Ok(text) if text.len() <= PAYLOAD_BYTES_MAX => Ok(text),
        Ok(_) => Err(refused(format!("{}: over {PAYLOAD_BYTES_MAX} bytes", J::NAME))),
        Err(_) => Err(refused(format!("{}: no JSON form", J::NAME))),
    }
}

fn refused(why: String) -> DbError {
    DbError::Check { constraint: "job.payload".into(), sql: why.into() }
}
