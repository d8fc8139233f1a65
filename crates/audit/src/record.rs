//! Adding an entry: with the change it tells of, by itself, or with the next group.

use kernel::World;
use store::{Db, DbError, Value, Writer};

use crate::{
    Entry,
    entry::{Unwritable, bytes},
    queries,
};

/// Add an entry in the transaction of the change it tells of: both are there afterwards, or neither.
///
/// # Errors
/// [`DbError`]; also when the details hold a number with a fraction or the entry is over 4 KB, and then the change
/// must not happen either.
pub async fn record(tx: &mut Writer, world: &World, entry: &Entry) -> Result<(), DbError> {
    let binds = binds(world, entry).map_err(refused)?;
    queries::insert(tx, binds).await
}

/// Add an entry in a transaction of its own; it is durable when this returns. For what changes nothing else and must
/// be on record before the answer leaves: sign-ins and refusals.
///
/// # Errors
/// As [`record`]; the caller then answers that the service is unavailable.
pub async fn record_now(db: &Db, world: &World, entry: &Entry) -> Result<(), DbError> {
    let binds = binds(world, entry).map_err(refused)?;
    db.execute(queries::INSERT, binds).await.map(|_| ())
}

/// Add an entry with the next group of writes, without waiting: for views and proxied calls, of which a crash may
/// take the last few.
pub fn note(db: &Db, world: &World, entry: &Entry) {
    match binds(world, entry) {
        Ok(binds) => db.write_lazy(queries::INSERT, binds),
        Err(why) => tracing::error!(act = entry.act, %why, "an audit entry was not written"),
    }
}

fn binds(world: &World, entry: &Entry) -> Result<Vec<Value>, Unwritable> {
    let (id, at) = (world.new_id(), world.now());
    let canonical = bytes(entry, id, at)?;
    Ok(queries::binds(entry, id, at, canonical))
}

fn refused(why: Unwritable) -> DbError {
    DbError::Check { constraint: "audit_event.canonical".into(), sql: why.to_string().into() }
}
