//! Work that happens later: a row written in the caller's transaction, run by whichever worker claims it first.
//!
//! A claim is a lease with a fencing counter. A worker that dies leaves its lease behind, and another one takes the job
//! over; a worker that only seemed dead finds its writes refused. A job therefore runs **at least** once, and
//! [`Job::run`] must bear being run again.

mod attempt;
mod control;
mod enqueue;
pub mod feed;
mod job;
mod publish;
mod queries;
mod retire;
mod retry;
mod schedule;
mod worker;

pub use attempt::{Attempt, Stop};
pub use control::{
    Cancelled, DEAD_LETTERS_MAX, Progress, State, Work, cancel, dead_letters, find, hold, release, replay,
    waiting,
};
pub use enqueue::{PAYLOAD_BYTES_MAX, enqueue, enqueue_of};
pub use job::{Job, JobFault, Retry};
pub use publish::{publish, publish_as};
pub use schedule::{
    SCHEDULE_BYTES_MAX, Schedule, ScheduleFault, Scheduled, pause, resume, schedule, scheduled, unschedule,
};
pub use worker::Worker;

/// The tables of this crate.
pub const MIGRATIONS: store::MigrationSet = store::MigrationSet {
    crate_name: "jobs",
    files: &[
        store::Migration { name: "0001_job", sql: include_str!("migrations/0001_job.sql") },
        store::Migration { name: "0002_control", sql: include_str!("migrations/0002_control.sql") },
        store::Migration { name: "0010_event_place", sql: include_str!("migrations/0010_event_place.sql") },
        store::Migration { name: "0011_leased", sql: include_str!("migrations/0011_leased.sql") },
    ],
};
