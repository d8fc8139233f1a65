//! `[pages]`

use std::path::PathBuf;

use serde::Deserialize;

/// What people see.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagesConfig {
    /// Further languages, one Fluent file each.
    pub languages_folder: Option<PathBuf>,
}
