//! `$import`: NDJSON that is sent is kept, NDJSON that is named is fetched, and both are written as records by a job, a piece at a time.

pub(crate) mod begin;
mod feed;
mod fetch;
mod host;
pub(crate) mod line;
pub(crate) mod manage;
mod manifest;
mod queries;
pub(super) mod run;
mod step;
mod upload;
pub(crate) mod write;

pub(super) use host::place;
pub(super) use queries::{Counts, Source, SourceState, counts, sources};
pub(super) use upload::forget_old;

/// The file of what was sent.
const INPUT: i64 = 1;
