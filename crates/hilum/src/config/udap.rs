//! `[udap]`

use std::path::PathBuf;

use serde::Deserialize;

/// Trust communities.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UdapConfig {
    /// The folder with a folder for each community; none where this deployment belongs to none.
    pub folder: Option<PathBuf>,
}
