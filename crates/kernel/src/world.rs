//! Time and chance as one argument.

use std::sync::Arc;

use crate::{Clock, Id, IdKind, Secret, Timestamp};

/// Where chance comes from.
pub trait Entropy: Send + Sync + 'static {
    /// Fill the buffer with bytes that nobody can foretell.
    fn fill(&self, buffer: &mut [u8]);
}

/// Time and chance, passed to whoever needs them; tests bring their own.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl World {
    /// A world with this clock and this source of chance.
    pub fn new(clock: impl Clock, entropy: impl Entropy) -> Self {
        Self { clock: Arc::new(clock), entropy: Arc::new(entropy) }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `N` unforeseeable bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// `N` unforeseeable bytes that must not be shown.
    pub fn secret<const N: usize>(&self) -> Secret<[u8; N]> {
        Secret::new(self.random())
    }

    /// A new id.
    pub fn new_id<K: IdKind>(&self) -> Id<K> {
        Id::at(self.now(), self.random())
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}
