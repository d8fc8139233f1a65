//! `[store]`

use kernel::Secret;
use serde::Deserialize;

use super::{ConfigError, bad, within};

/// The database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection {
    /// `sqlite:PATH` or `postgres://…`; may carry a password.
    pub url: Secret<String>,
    /// How safe an acknowledged write is.
    pub durability: Durability,
    /// Connections to PostgreSQL.
    pub connections_max: u16,
}

/// How safe an acknowledged write is against a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// It is safe.
    Full,
    /// The last writes may be lost.
    Relaxed,
}

impl StoreSection {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        store::StoreUrl::parse(self.url.expose())
            .map_err(|_| bad("store.url", "must be sqlite:PATH or postgres://user:password@host/database"))?;
        within("store.connections_max", self.connections_max.into(), 1, 1000)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let relaxed = self.durability == Durability::Relaxed;
        relaxed
            .then(|| "store.durability is relaxed: a power cut may lose acknowledged writes".to_owned())
            .into_iter()
            .collect()
    }
}
