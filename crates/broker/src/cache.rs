//! What is asked on every call, kept in memory until somebody changes it.

use std::{
    future::Future,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kernel::Timestamp;
use quick_cache::sync::Cache;

/// How long an entry is believed without hearing anything: the bound on being wrong when a message got lost.
pub(crate) const BELIEVED_FOR: Duration = Duration::from_secs(30);

/// Entries by key; also that there is none is remembered. A load that overlaps with a change is not kept, so that the
/// old state never outlives the message that told of the new one.
pub(crate) struct Shelf<K, V> {
    entries: Cache<K, Entry<V>>,
    changes: AtomicU64,
    believed_for: Duration,
}

struct Entry<V> {
    value: Option<Arc<V>>,
    until: Timestamp,
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), until: self.until }
    }
}

impl<K: Hash + Eq + Clone, V> Shelf<K, V> {
    /// A shelf for at most so many entries, each of which is believed for so long.
    pub fn new(entries_max: usize, believed_for: Duration) -> Self {
        Self { entries: Cache::new(entries_max), changes: AtomicU64::new(0), believed_for }
    }

    /// What is on the shelf, else what `load` brings.
    pub async fn get<E>(
        &self,
        key: &K,
        now: Timestamp,
        load: impl Future<Output = Result<Option<V>, E>>,
    ) -> Result<Option<Arc<V>>, E> {
        if let Some(entry) = self.entries.get(key)
            && now < entry.until
        {
            return Ok(entry.value);
        }
        let changes_before = self.changes.load(Ordering::Acquire);
        let value = load.await?.map(Arc::new);
        let entry = Entry { value: value.clone(), until: now + self.believed_for };
        self.entries.insert(key.clone(), entry);
        if self.changes.load(Ordering::Acquire) != changes_before {
            self.entries.remove(key);
        }
        Ok(value)
    }

    /// The entry is no longer true.
    pub fn forget(&self, key: &K) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.entries.remove(key);
    }

    /// Nothing here can be relied on any more.
    pub fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn get(shelf: &Shelf<u8, u8>, now_s: i64, fresh: u8) -> u8 {
        let load = async { Ok::<_, Infallible>(Some(fresh)) };
        *shelf.get(&1, Timestamp::from_seconds(now_s), load).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn an_entry_is_believed_until_it_is_forgotten_or_old() {
        let shelf = Shelf::new(8, BELIEVED_FOR);
        assert_eq!(get(&shelf, 0, 1).await, 1);
        assert_eq!(get(&shelf, 29, 2).await, 1);
        assert_eq!(get(&shelf, 30, 3).await, 3);
        shelf.forget(&1);
        assert_eq!(get(&shelf, 31, 4).await, 4);
        shelf.forget_all();
        assert_eq!(get(&shelf, 31, 5).await, 5);
    }

    #[tokio::test]
    async fn a_load_that_a_change_overtook_is_not_kept() {
        let shelf = Shelf::new(8, BELIEVED_FOR);
        let load = async {
            shelf.forget(&1);
            Ok::<_, Infallible>(Some(1))
        };
        assert_eq!(*shelf.get(&1, Timestamp::from_seconds(0), load).await.unwrap().unwrap(), 1);
        assert_eq!(get(&shelf, 0, 2).await, 2);
    }
}
