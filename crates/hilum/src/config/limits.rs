//! `[limits]`

use serde::Deserialize;

use super::{ConfigError, within};

/// Requests a minute from one address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// To everything.
    pub requests_per_minute: u32,
    /// To pages where passwords are tried.
    pub sign_in_per_minute: u32,
    /// To endpoints where client secrets are tried.
    pub token_per_minute: u32,
}

impl LimitsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        const MOST: u64 = 100_000_000;
        within("limits.requests_per_minute", self.requests_per_minute.into(), 1, MOST)?;
        within("limits.sign_in_per_minute", self.sign_in_per_minute.into(), 1, MOST)?;
        within("limits.token_per_minute", self.token_per_minute.into(), 1, MOST)
    }
}
