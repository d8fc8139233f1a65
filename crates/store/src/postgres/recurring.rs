//! Which statements that were put together come again: connections keep these prepared, and the server their plans. Any others are read
//! and planned for their values, and forgotten.

use std::{
    collections::hash_map::RandomState,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use deadpool_postgres::Pool;
use quick_cache::{Lifecycle, UnitWeighter, sync::Cache};
use tokio_postgres::types::Type;

/// Statements of this kind that connections keep at the most; the server has memory for the plan of each, on each connection.
const KEPT_MAX: usize = 128;
/// The longest text that is kept, in bytes.
const TEXT_MAX: usize = 16_384;
/// How often a statement has been asked for when it is kept.
const ASKED_MIN: u32 = 3;

/// What statements have been asked for lately, by all connections of a pool.
pub(super) struct Recurring {
    asked: Cache<String, Arc<Shape>, UnitWeighter, RandomState, Gone>,
}

/// What is known of a statement besides its text.
struct Shape {
    types: Vec<Type>,
    times: AtomicU32,
}

/// What is forgotten here no connection keeps.
#[derive(Clone)]
struct Gone(Pool);

impl Lifecycle<String, Arc<Shape>> for Gone {
    type RequestState = ();

    fn on_evict(&self, _state: &mut (), text: String, shape: Arc<Shape>) {
        self.0.manager().statement_caches.remove(&text, &shape.types);
    }
}

impl Recurring {
    pub(super) fn new(pool: Pool) -> Self {
        let asked = Cache::with(KEPT_MAX, KEPT_MAX as u64, UnitWeighter, RandomState::default(), Gone(pool));
        Self { asked }
    }

    /// Whether a statement with values of these types has been asked for so often that it is worth keeping.
    pub(super) fn is(&self, text: &str, types: &[Type]) -> bool {
        // What is null tells no type.
        if text.len() > TEXT_MAX || types.contains(&Type::UNKNOWN) {
            return false;
        }
        let first = || {
            Ok::<_, std::convert::Infallible>(Arc::new(Shape {
                types: types.to_vec(),
                times: AtomicU32::new(0),
            }))
        };
        let Ok(shape) = self.asked.get_or_insert_with(text, first);
        shape.types == types && shape.times.fetch_add(1, Relaxed).saturating_add(1) >= ASKED_MIN
    }

    /// Whether it is still known: it may be forgotten while a connection prepares it.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.asked.contains_key(text)
    }
}
