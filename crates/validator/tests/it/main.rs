//! Packages, archives that mean harm, snapshots, and what is found in the real packages beside the repository.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails here has failed"
)]

mod archive;
mod bad_input;
mod cases;
mod check;
mod compiled;
mod data;
mod examples;
mod hostile;
mod library;
mod peer;
mod profile;
mod r4;
mod recorded;
mod resolve;
mod snapshot;
mod terminology;
