//! The storage contract: what callers may rely on, on both engines.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "all of this is tests, also what stands outside their functions"
)]

mod check;
mod copy;
mod durability;
mod lazy;
mod migrate;
mod notify;
mod outage;
mod schema;
mod sqlite;
mod tls;
mod write;
