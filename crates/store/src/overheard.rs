//! What a database is asked, for tests that say how many statements something costs: texts alone, never values.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Texts that are kept until they are taken; of what comes beyond nothing is known.
pub const OVERHEARD_MAX: usize = 100_000;

/// Where the sessions of a database say what they are asked. While nobody listens that costs a look at a flag.
#[derive(Default)]
pub(crate) struct Ear {
    is_open: AtomicBool,
    heard: Mutex<Vec<Box<str>>>,
}

impl Ear {
    pub(crate) fn hear(&self, sql: &str) {
        if self.is_open.load(Relaxed) {
            let mut heard = self.heard();
            if heard.len() < OVERHEARD_MAX {
                heard.push(Box::from(sql));
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, Vec<Box<str>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody listens, until this is dropped.
pub struct Overheard(Arc<Ear>);

impl Overheard {
    pub(crate) fn of(ear: Arc<Ear>) -> Self {
        ear.is_open.store(true, Relaxed);
        Self(ear)
    }

    /// The statements since it was asked last, `BEGIN`, `COMMIT` and savepoints among them, in the order in which they were sent.
    pub fn take(&self) -> Vec<Box<str>> {
        std::mem::take(&mut *self.0.heard())
    }
}

impl Drop for Overheard {
    fn drop(&mut self) {
        self.0.is_open.store(false, Relaxed);
        self.0.heard().clear();
    }
}
