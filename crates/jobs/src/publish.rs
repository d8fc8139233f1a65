//! Telling that something has happened.

use kernel::{Event, EventRow, Id, World};
use store::{DbError, Writer};

use crate::{feed::PUBLISHED, queries};

/// Write an event in the caller's transaction: it is told if, and only if, it happened.
///
/// # Errors
/// [`DbError`].
pub async fn publish(tx: &mut Writer, world: &World, event: &Event) -> Result<(), DbError> {
    publish_as(tx, world, world.new_id(), event).await
}

/// As [`publish`], under an id that the caller has drawn.
///
/// # Errors
/// [`DbError`].
pub async fn publish_as(
    tx: &mut Writer,
    world: &World,
    id: Id<EventRow>,
    event: &Event,
) -> Result<(), DbError> {
    queries::publish(tx, id, event, world.now()).await?;
    tx.publish_here(PUBLISHED, "")
}
