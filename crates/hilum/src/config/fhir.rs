//! `[fhir]`

use std::path::PathBuf;

use serde::Deserialize;

/// Records of sites.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FhirConfig {
    /// Where the packages are that records are validated with.
    pub packages_folder: Option<PathBuf>,
    /// The packages, as `name#version`; the definitions of FHIR where nothing is said.
    pub packages: Vec<String>,
    /// Entries of one Bundle that is sent.
    pub bundle_entries_max: usize,
}
