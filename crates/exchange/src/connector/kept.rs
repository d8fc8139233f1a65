//! What one process keeps in memory for a source between two steps of a run: connectors are made anew for each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::{Id, Integration};

/// Sources for which one process keeps something at a time; beyond that all is let go of.
pub const SOURCES_KEPT_MAX: usize = 10_000;

/// The place for one source. Whoever uses what is in it has it alone.
pub type KeptPlace<T> = Arc<tokio::sync::Mutex<Option<T>>>;

/// A source as it is configured now: another version is another one.
type Key = (Id<Integration>, i64);

/// Places by source, and by how often it has changed: what was changed begins with nothing.
pub struct PerSource<T>(Arc<Mutex<HashMap<Key, KeptPlace<T>>>>);

impl<T> Default for PerSource<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> PerSource<T> {
    /// The place for this source as it is now.
    pub fn place(&self, integration: Id<Integration>, version: i64) -> KeptPlace<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(&(integration, version)) {
            all.retain(|(other, _), _| *other != integration);
            if all.len() >= SOURCES_KEPT_MAX {
                all.clear();
            }
        }
        Arc::clone(all.entry((integration, version)).or_default())
    }
}
