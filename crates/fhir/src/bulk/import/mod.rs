//! `$import`: NDJSON that is sent is kept, and written as records by a job, a piece at a time.

pub(crate) mod begin;
mod line;
mod queries;
pub(super) mod run;
mod step;

pub(super) use queries::{Counts, counts};
