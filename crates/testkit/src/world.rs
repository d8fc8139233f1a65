//! Time and chance for tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel::{Entropy, Timestamp, World};

use crate::MockClock;

/// Where the clock of [`world`] stands at first: 2026-01-05T08:00:00Z, a Monday.
const BEGINNING: Timestamp = Timestamp::from_seconds(1_767_600_000);

/// Chance that repeats for the same seed (SplitMix64). For tests only: it can be foretold.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut mixed = self.0.fetch_add(Self::STEP, Relaxed).wrapping_add(Self::STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}

/// A world whose clock the test moves and whose chance repeats.
pub fn world() -> (World, MockClock) {
    world_seeded(0)
}

/// The same with a sequence of its own, where two worlds must not make equal ids.
pub fn world_seeded(seed: u64) -> (World, MockClock) {
    let clock = MockClock::at(BEGINNING);
    (World::new(clock.clone(), SeededEntropy::new(seed)), clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_ids_and_time_stands_still() {
        let ((one, clock), (same, _), (other, _)) = (world(), world(), world_seeded(1));
        let id = one.new_id::<kernel::Person>();
        assert_eq!(id, same.new_id());
        assert_ne!(id, other.new_id());
        assert_ne!(id, one.new_id());
        assert_eq!(one.now().to_string(), "2026-01-05T08:00:00.000000Z");
        clock.advance(std::time::Duration::from_secs(1));
        assert_eq!(one.now().since(same.now()).as_secs(), 1);
    }
}
