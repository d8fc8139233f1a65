//! For tests: a fresh database on each engine, a clock that stands still, chance that repeats, a network in trouble.

mod clock;
pub mod engine;
mod proxy;
mod world;

pub use clock::MockClock;
pub use proxy::{FaultProxy, Trouble};
pub use world::{SeededEntropy, world, world_seeded};
