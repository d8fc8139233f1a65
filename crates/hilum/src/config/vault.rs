//! `[vault]`

use std::path::PathBuf;

use kernel::Secret;
use serde::Deserialize;

/// Where the root key comes from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// The file that holds it.
    pub root_key_file: PathBuf,
    /// The key itself, base64.
    pub root_key: Option<Secret<String>>,
}

impl VaultConfig {
    pub(super) fn warnings(&self) -> Vec<String> {
        let beside = self.root_key.is_none() && self.root_key_file.starts_with("data");
        beside
            .then(|| {
                "vault.root_key_file lies beside the database: a copy of the folder is a copy of the key; keep it elsewhere \
                 in production"
                    .to_owned()
            })
            .into_iter()
            .collect()
    }
}
