//! `[tokens]`

use serde::Deserialize;

use super::{ConfigError, within};

/// Life of tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// Seconds that an access token lives.
    pub access_token_s: u64,
    /// Whether DPoP proofs have to carry a nonce of this deployment.
    pub dpop_nonce: DpopNonceSetting,
}

/// Whether DPoP proofs have to carry a nonce of this deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DpopNonceSetting {
    /// One that is there has to be good.
    Optional,
    /// One has to be there.
    Required,
}

impl From<DpopNonceSetting> for auth::DpopNonce {
    fn from(setting: DpopNonceSetting) -> Self {
        match setting {
            DpopNonceSetting::Optional => Self::Optional,
            DpopNonceSetting::Required => Self::Required,
        }
    }
}

impl TokensConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("tokens.access_token_s", self.access_token_s, 30, 86_400)
    }
}
