//! Keys of the deployment and of its tenants, and everything that is sealed with them.
//!
//! [`Vault::unlock`] once at start, [`Vault::tenant`] before a transaction, and from there on everything is sync:
//! sealing and opening happen inside transactions. The format, the tree of keys and the limits are in `docs/vault.md`.

mod fault;
mod key;
mod place;
mod root;
mod tenant;
mod unlock;

use store::{Migration, MigrationSet};

pub use fault::VaultError;
pub use place::{Place, Sealed};
pub use root::{Kms, KmsError, KmsFuture, RootKeySource};
pub use tenant::TenantVault;
pub use unlock::{COOKIE_BYTES_MAX, Vault};

/// The tables of this crate.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "vault",
    files: &[Migration { name: "0001_vault_key", sql: include_str!("../migrations/0001_vault_key.sql") }],
};
