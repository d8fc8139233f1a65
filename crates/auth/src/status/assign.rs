//! A place for the next token.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use kernel::{Id, Timestamp, World};
use store::{Db, DbError};

use super::{FILLED, LIST_TOKENS_MAX, Place, StatusList, queries};

/// When a list is that full, the next one is begun.
const FULL: u32 = LIST_TOKENS_MAX / 2;

/// The list that this process fills.
pub(crate) struct Lists(RwLock<Open>);

struct Open {
    list: Id<StatusList>,
    begun_at: Timestamp,
    next: AtomicU32,
}

impl Lists {
    /// Begin a list.
    pub(crate) async fn begin(db: &Db, world: &World) -> Result<Self, DbError> {
        Ok(Self(RwLock::new(open(db, world).await?)))
    }

    /// The next place; none in the moment in which a list is full and the next has not begun. A token without a place can be asked
    /// about by introspection.
    pub(crate) fn next(&self) -> Option<Place> {
        let open = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let position = open.next.fetch_add(1, Relaxed);
        // The counter stops far from its end: tokens without a place stay few, and it never comes round.
        if position >= LIST_TOKENS_MAX {
            open.next.store(LIST_TOKENS_MAX, Relaxed);
            return None;
        }
        Some(Place { list: open.list, position })
    }

    /// Begin the next list in time.
    pub(crate) async fn look(&self, db: &Db, world: &World) -> Result<(), DbError> {
        let is_over = {
            let open = self.0.read().unwrap_or_else(PoisonError::into_inner);
            open.next.load(Relaxed) >= FULL || world.now().since(open.begun_at) >= FILLED
        };
        if is_over {
            let next = open(db, world).await?;
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
        Ok(())
    }
}

async fn open(db: &Db, world: &World) -> Result<Open, DbError> {
    let (list, now) = (world.new_id(), world.now());
    queries::begin(db, list, now).await?;
    Ok(Open { list, begun_at: now, next: AtomicU32::new(0) })
}
