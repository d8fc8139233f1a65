//! `[fhir]`

use std::{path::PathBuf, time::Duration};

use fhir::audit_event::AUDIT_KEPT;
use serde::Deserialize;

use super::{ConfigError, within};

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
    /// How many days AuditEvents are kept.
    pub audit_kept_days: u32,
}

impl FhirConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        // No younger row can be lost, and more than a hundred years nobody means.
        const LEAST: u64 = AUDIT_KEPT.as_secs() / 86_400;
        within("fhir.audit_kept_days", self.audit_kept_days.into(), LEAST, 36_600)
    }

    /// How long AuditEvents are kept.
    pub fn audit_kept(&self) -> Duration {
        Duration::from_hours(u64::from(self.audit_kept_days) * 24)
    }
}
