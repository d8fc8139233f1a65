//! Site-scoped FHIR R4 (contract 3): records are kept, found and changed under one site, by a caller whose scopes are asked for each of
//! them.
//!
//! How they are kept and found is told in `docs/decisions/0013-records-under-keyed-hashes.md`.

pub mod access;
pub mod audit_event;
pub mod bulk;
pub mod bundle;
mod by;
mod capability;
pub mod consent;
pub mod discovery;
pub mod index;
mod intake;
pub mod interaction;
mod key;
#[cfg(test)]
mod material;
pub mod message;
mod migrations;
mod operation;
pub mod outcome;
pub mod package;
pub mod parameter;
mod port;
pub mod query;
mod reindex;
pub mod resource;
pub mod search;
mod service;
pub mod site;
pub mod tenant;
pub mod topic;

pub use by::By;
pub use intake::{Became, Intake, Known, NoIntake, Received, Refused, apart};
pub use interaction::routes;
pub use migrations::MIGRATIONS;
pub use port::{Context, NamedSite, People, PortFault, Sites, Standing, Still};
pub use service::{Fhir, Inner, Parts};
pub use site::manage::routes as admin_routes;
pub use tenant::Tenant;

/// Everything that this crate does beside requests, registered with a worker.
pub fn jobs(fhir: &Fhir, worker: jobs::Worker) -> jobs::Worker {
    let worker = message::jobs(fhir, audit_event::jobs(fhir, bulk::jobs(fhir, worker)));
    reindex::jobs(fhir, topic::jobs(fhir, worker))
}
