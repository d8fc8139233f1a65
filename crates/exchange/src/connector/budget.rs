//! What an integration may ask of its source: so many calls a second, so many at once, and none while the source wants to be left alone. All nodes
//! share it.

mod shared;

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, ready};

use super::PullFault;

pub use shared::{CALLS_AT_ONCE_MAX, PAUSE_MAX, PLACE_LEASE, SharedBudget};

/// The longest that a call waits for its turn; for a longer wait the run is put off.
pub const TURN_WAIT_MAX: Duration = Duration::from_secs(2);

/// Who says whether a call may be made.
pub trait Budget: Send + Sync {
    /// A turn for one call. [`PullFault::Later`] where there is none for a while.
    fn enter(&self) -> BoxFuture<'_, Result<Turn, PullFault>>;

    /// The call is over.
    fn leave(&self, turn: Turn) -> BoxFuture<'_, ()>;

    /// The source asks all of us to wait for so many seconds.
    fn pause(&self, seconds: u64) -> BoxFuture<'_, ()>;
}

/// The right to make one call.
pub struct Turn {
    /// One of those that may be under way at once, and who holds it; none where that is not counted.
    place: Option<(u32, [u8; 16])>,
}

impl Turn {
    /// One that nobody counts.
    pub const fn uncounted() -> Self {
        Self { place: None }
    }
}

/// As many calls as there are.
pub struct Unbounded;

impl Budget for Unbounded {
    fn enter(&self) -> BoxFuture<'_, Result<Turn, PullFault>> {
        Box::pin(ready(Ok(Turn::uncounted())))
    }
    fn leave(&self, _: Turn) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
    fn pause(&self, _: u64) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

/// The one that counts nothing.
pub fn unbounded() -> Arc<dyn Budget> {
    Arc::new(Unbounded)
}
