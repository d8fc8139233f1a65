//! The keys of index rows: hashes under the seed of the site, each of a kind of its own.

use crate::{parameter::ResourceType, tenant::Tenant};

/// What a hash is of. The numbers stand in what was stored and never change.
const TYPE: u8 = 1;
const HISTORY: u8 = 2;
const IDENTITY: u8 = 3;

/// Under which every record of a type is found.
pub(crate) fn of_type(tenant: &Tenant, resource_type: ResourceType) -> i64 {
    tenant.hash(TYPE, &[&resource_type.number().to_le_bytes()])
}

/// Under which the versions of a type are found that are not a record's newest, and deletions.
pub(crate) fn of_history(tenant: &Tenant, resource_type: ResourceType) -> i64 {
    tenant.hash(HISTORY, &[&resource_type.number().to_le_bytes()])
}

/// What stands for one record where it is referred to.
pub(crate) fn identity(tenant: &Tenant, resource_type: ResourceType, id: &str) -> i64 {
    tenant.hash(IDENTITY, &[&resource_type.number().to_le_bytes(), id.as_bytes()])
}
