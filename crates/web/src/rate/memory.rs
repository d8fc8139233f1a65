//! Counts in this process, for a bounded number of keys.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use kernel::World;
use quick_cache::sync::Cache;

use super::{CellKey, Decision, Quota, decide};

#[derive(Clone)]
pub(super) struct Memory {
    world: World,
    cells: Arc<Cache<CellKey, Arc<AtomicI64>>>,
}

impl Memory {
    pub(super) fn new(world: &World, keys_max: usize) -> Self {
        Self { world: world.clone(), cells: Arc::new(Cache::new(keys_max)) }
    }

    pub(super) fn world(&self) -> World {
        self.world.clone()
    }

    pub(super) fn check(&self, key: &CellKey, quota: Quota) -> Decision {
        let now_us = self.world.now().as_micros();
        let cell = self.cell(key);
        let mut seen = cell.load(Ordering::Acquire);
        loop {
            let (decision, full_at_us) = decide(Some(seen), now_us, quota);
            if !decision.is_allowed {
                return decision;
            }
            // Somebody else was faster: their count is the new start. Every round lets one request through.
            match cell.compare_exchange_weak(seen, full_at_us, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return decision,
                Err(other) => seen = other,
            }
        }
    }

    fn cell(&self, key: &CellKey) -> Arc<AtomicI64> {
        if let Some(cell) = self.cells.get(key) {
            return cell;
        }
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(i64::MIN)));
        match self.cells.get_or_insert_with::<CellKey, _>(key, fresh) {
            Ok(cell) => cell,
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::world;

    #[test]
    fn keys_are_counted_apart_and_time_brings_requests_back() {
        let (world, clock) = world();
        let memory = Memory::new(&world, 10);
        let quota = Quota::per_minute(2);
        let allowed = |key| memory.check(&CellKey::text(key), quota).is_allowed;
        assert!(allowed("a") && allowed("a") && !allowed("a"));
        assert!(allowed("b"));
        clock.advance_s(30);
        assert!(allowed("a") && !allowed("a"));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let (world, _) = world();
        let memory = Memory::new(&world, 100);
        for nth in 0..10_000 {
            memory.check(&CellKey::text(&format!("key {nth}")), Quota::per_minute(1));
        }
        assert!(memory.cells.len() <= 100);
    }

    #[test]
    fn threads_share_one_quota() {
        let (world, _) = world();
        let memory = Memory::new(&world, 10);
        let quota = Quota::per_hour(500);
        let allowed: usize = std::thread::scope(|scope| {
            let count = || (0..400).filter(|_| memory.check(&CellKey::text("k"), quota).is_allowed).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(allowed, 500);
    }
}
