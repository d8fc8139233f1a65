//! For tests: a fresh database on each engine, a clock that stands still, chance that repeats.

mod clock;
pub mod engine;
mod world;

pub use clock::MockClock;
pub use world::{SeededEntropy, world, world_seeded};
