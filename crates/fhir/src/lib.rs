//! Site-scoped FHIR R4 (contract 3): records are kept, found and changed under one site, by a caller whose scopes are asked for each of
//! them.
//!
//! How they are kept and found is told in `docs/decisions/0013-records-under-keyed-hashes.md`.

pub mod bundle;
pub mod index;
mod key;
#[cfg(test)]
mod material;
mod migrations;
pub mod parameter;
pub mod query;
pub mod resource;
pub mod search;
pub mod tenant;

pub use migrations::MIGRATIONS;
pub use tenant::Tenant;
