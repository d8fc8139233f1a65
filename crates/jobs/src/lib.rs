//! Work that happens later: a row written in the caller's transaction, run by whichever worker claims it first.
//!
//! A claim is a lease with a fencing counter. A worker that dies leaves its lease behind, and another one takes the job
//! over; a worker that only seemed dead finds its writes refused. A job therefore runs **at least** once, and
//! [`Job::run`] must bear being run again.

mod enqueue;
mod job;
mod publish;
mod queries;
mod retire;
mod retry;
mod worker;

pub use enqueue::{PAYLOAD_BYTES_MAX, enqueue};
pub use job::{Job, JobFault, Retry};
pub use publish::publish;
pub use worker::Worker;

/// The tables of this crate.
pub const MIGRATIONS: store::MigrationSet = store::MigrationSet {
    crate_name: "jobs",
    files: &[store::Migration { name: "0001_job", sql: include_str!("migrations/0001_job.sql") }],
};
