//! The storage contract: what callers may rely on, on both engines.

mod check;
mod copy;
mod durability;
mod lazy;
mod migrate;
mod notify;
mod outage;
mod schema;
mod sqlite;
mod write;
