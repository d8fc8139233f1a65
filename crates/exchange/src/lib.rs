//! Data in motion: what other systems have comes into a site by jobs that lose nothing, double nothing, and say what became of every record.
//!
//! A [`Connector`] knows one kind of system. A run pulls page after page; each page's records, the place where the run goes on, its counts and
//! its audit row are one unit, written only by whoever still holds the job (`docs/decisions/0040-a-sync-is-counted-where-it-is-stored.md`).

mod api;
pub mod check;
pub mod connector;
pub mod dry_run;
pub mod format;
pub mod mapping;
mod port;
pub mod quarantine;
pub mod run;
pub mod tested;

use std::sync::Arc;

use jobs::Worker;
use kernel::World;
use store::Db;
use vault::Vault;
use watch::Log;

pub use api::routes;
pub use port::{About, Source, SourceFault, Sources, ToTest};

/// The tables of this crate.
pub const MIGRATIONS: store::MigrationSet = store::MigrationSet {
    crate_name: "exchange",
    files: &[
        store::Migration { name: "0001_sync", sql: include_str!("../migrations/0001_sync.sql") },
        store::Migration { name: "0002_budget", sql: include_str!("../migrations/0002_budget.sql") },
        store::Migration { name: "0003_test", sql: include_str!("../migrations/0003_test.sql") },
    ],
};

/// What this crate is made of.
pub struct Parts {
    /// The database, migrated.
    pub db: Db,
    /// The keys: they seal what waits in quarantine, and where a run goes on.
    pub vault: Vault,
    /// Time and chance.
    pub world: World,
    /// Where records go.
    pub fhir: fhir::Fhir,
    /// What is connected.
    pub sources: Arc<dyn Sources>,
    /// Where it is told what goes on with an integration.
    pub log: Log,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Exchange(Arc<Parts>);

impl std::ops::Deref for Exchange {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Exchange {
    /// With these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

/// What happens by itself.
#[must_use]
pub fn jobs(exchange: &Exchange, worker: Worker) -> Worker {
    run::jobs(exchange, worker)
}
