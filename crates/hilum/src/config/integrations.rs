//! `[integrations]`

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use super::{ConfigError, bad, within};

/// Third-party services.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrationsConfig {
    /// The operator's own catalogue files.
    pub providers_folder: Option<PathBuf>,
    /// Internal `host:port` that outgoing calls may reach.
    pub allow_internal: Vec<String>,
    /// Calls a minute of one application through one integration.
    pub calls_per_minute: u32,
    /// How many days logs and numbers are kept.
    pub log_kept_days: u32,
}

impl IntegrationsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("integrations.calls_per_minute", self.calls_per_minute.into(), 1, 10_000_000)?;
        within("integrations.log_kept_days", self.log_kept_days.into(), 1, 3_660)?;
        let named = |entry: &String| {
            entry
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
        };
        match self.allow_internal.iter().find(|entry| !named(entry)) {
            Some(entry) => {
                Err(bad("integrations.allow_internal", &format!("`{entry}` is not of the form host:port")))
            }
            None => Ok(()),
        }
    }

    /// How long logs and numbers are kept.
    pub fn log_kept(&self) -> Duration {
        Duration::from_hours(u64::from(self.log_kept_days) * 24)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        if self.allow_internal.is_empty() {
            return Vec::new();
        }
        let named = self.allow_internal.join(", ");
        vec![format!("integrations.allow_internal lets outgoing calls reach internal addresses: {named}")]
    }
}
