//! The tape and the engine against HL7's suite, against themselves, and against what nobody should send.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of this is tests, also what stands outside their functions"
)]

mod budgets;
mod core_package;
mod documents;
mod functions;
mod patch;
mod r4;
mod round_trip;
mod suite;
