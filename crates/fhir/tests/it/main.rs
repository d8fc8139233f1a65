//! Records as their callers see them, on each engine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this is tests, also what stands outside their functions"
)]

mod conditional;
mod dense;
mod invented;
mod kill;
mod oracle;
mod record;
mod rows;
mod stage;
mod transaction;
