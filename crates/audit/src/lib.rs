//! The audit trail: who did what to which thing, for whom, with which outcome. Rows are added and never touched again.
//!
//! Every row keeps the exact bytes it stands for (canonical JSON, RFC 8785), so that a verifiable log can later be
//! built over rows that are already there. Nothing in the types takes a name, an address or a measured value.

mod canonical;
mod entry;
mod page;
mod queries;
mod record;

pub use canonical::{Uncanonical, canonical};
pub use entry::{Entry, Outcome, Subject};
pub use page::{Filter, Row, page};
pub use record::{note, record, record_now};

/// The tables of this crate.
pub const MIGRATIONS: store::MigrationSet = store::MigrationSet {
    crate_name: "audit",
    files: &[
        store::Migration { name: "0001_audit_event", sql: include_str!("migrations/0001_audit_event.sql") },
        store::Migration { name: "0002_act", sql: include_str!("migrations/0002_act.sql") },
        store::Migration { name: "0003_receiver", sql: include_str!("migrations/0003_receiver.sql") },
    ],
};
