//! How many endpoints are served at the same time, and how many calls one has under way.
//!
//! Endpoints that answer and endpoints that do not are served in places of their own. One whose call is not answered soon leaves its
//! place among those that answer and waits elsewhere; so however many do not answer, those that do are served as if there were no others.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lanes that one node serves at the same time, of all sorts.
pub const LANES_MAX: usize = 2_048;
/// Of these, those whose endpoints answer.
pub const PROMPT_PLACES: usize = 256;
/// And those whose endpoints failed so often that they are called one call at a time.
pub const SUSPECT_PLACES: usize = 512;
/// Calls of one endpoint that are under way at the same time, once it has taken some.
pub const ENDPOINT_SLOTS: usize = 16;
/// How long an endpoint may take to answer before it leaves its place to another.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The places of one node.
pub(crate) struct Places {
    prompt: Arc<Semaphore>,
    suspect: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

/// Where an endpoint is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Prompt,
    Suspect,
}

/// A place that is taken.
pub(super) struct Taken {
    place: Option<OwnedSemaphorePermit>,
    _lane: OwnedSemaphorePermit,
}

impl Taken {
    /// Leave the place to another; the lane goes on.
    pub fn step_aside(&mut self) {
        self.place = None;
    }
}

impl Places {
    pub fn new() -> Self {
        Self {
            prompt: Arc::new(Semaphore::new(PROMPT_PLACES)),
            suspect: Arc::new(Semaphore::new(SUSPECT_PLACES)),
            all: Arc::new(Semaphore::new(LANES_MAX)),
        }
    }

    fn of(&self, sort: Sort) -> &Arc<Semaphore> {
        match sort {
            Sort::Prompt => &self.prompt,
            Sort::Suspect => &self.suspect,
        }
    }

    /// How many of this sort are free.
    pub(super) fn free(&self, sort: Sort) -> usize {
        self.of(sort).available_permits().min(self.all.available_permits())
    }

    /// A place of this sort; none where all are taken.
    pub(super) fn take(&self, sort: Sort) -> Option<Taken> {
        let place = Arc::clone(self.of(sort)).try_acquire_owned().ok()?;
        let lane = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Taken { place: Some(place), _lane: lane })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_steps_aside_leaves_its_place_to_another() {
        let places = Places::new();
        let mut taken: Vec<Taken> = (0..PROMPT_PLACES).filter_map(|_| places.take(Sort::Prompt)).collect();
        assert!(places.take(Sort::Prompt).is_none());
        assert!(places.take(Sort::Suspect).is_some());
        taken[0].step_aside();
        assert_eq!(places.free(Sort::Prompt), 1);
        let another = places.take(Sort::Prompt);
        assert!(another.is_some() && places.take(Sort::Prompt).is_none());
        drop((taken, another));
        assert_eq!((places.free(Sort::Prompt), places.free(Sort::Suspect)), (PROMPT_PLACES, SUSPECT_PLACES));
    }
}
