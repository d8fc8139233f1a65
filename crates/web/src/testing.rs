//! What the tests of this crate share: a world that stands still, and a fault.

use std::borrow::Cow;

use kernel::{Clock, Entropy, Fault, Issue, Kind, Timestamp, World};

/// 2023-11-14T22:13:20Z
pub const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// A clock that stands still until it is set.
#[derive(Clone)]
pub struct StoppedClock(pub std::sync::Arc<std::sync::atomic::AtomicI64>);

impl StoppedClock {
    pub fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, std::sync::atomic::Ordering::SeqCst);
    }
}
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

struct Sevens;
impl Entropy for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

pub fn world() -> (World, StoppedClock) {
    let clock = StoppedClock(std::sync::Arc::new(NOW.as_micros().into()));
    (World::new(clock.clone(), Sevens), clock)
}

#[derive(Debug, thiserror::Error)]
#[error("root cause")]
pub struct Root;

#[derive(Debug, thiserror::Error)]
#[error("operator words")]
pub struct Fell {
    pub kind: Kind,
    pub source: Option<Root>,
}
impl Fault for Fell {
    fn kind(&self) -> Kind {
        self.kind
    }
    fn public(&self) -> Cow<'static, str> {
        "public words".into()
    }
    fn issues(&self) -> Vec<Issue> {
        vec![Issue::at("redirect_uri", "must be https"), Issue::at("name", "must not be empty")]
    }
}
