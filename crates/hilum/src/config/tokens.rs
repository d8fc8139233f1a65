//! `[tokens]`

use serde::Deserialize;

use super::{ConfigError, within};

/// Life of tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// Seconds that an access token lives.
    pub access_token_s: u64,
}

impl TokensConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("tokens.access_token_s", self.access_token_s, 30, 86_400)
    }
}
