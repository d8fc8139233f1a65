//! Telling that something has happened.

use kernel::{Event, World};
use store::{DbError, Writer};

use crate::queries;

/// Write an event in the caller's transaction: it is told if, and only if, it happened.
///
/// # Errors
/// [`DbError`].
pub async fn publish(tx: &mut Writer, world: &World, event: &Event) -> Result<(), DbError> {
    queries::publish(tx, world.new_id(), event, world.now()).await
}
