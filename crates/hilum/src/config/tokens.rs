//! `[tokens]`

use crypto::jose::Algorithm;
use serde::Deserialize;

use super::{ConfigError, bad, within};

/// Life of tokens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    /// Seconds that an access token lives.
    pub access_token_s: u64,
    /// Whether DPoP proofs have to carry a nonce of this deployment.
    pub dpop_nonce: DpopNonceSetting,
    /// Days after which a signing key gets a successor.
    pub key_rotation_days: u64,
    /// With what tokens can be signed beyond ES256 and RS256.
    pub further_algorithms: Vec<Algorithm>,
    /// Whether PKCE may go by `plain` too.
    pub pkce_plain: bool,
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
        within("tokens.access_token_s", self.access_token_s, 30, 86_400)?;
        within("tokens.key_rotation_days", self.key_rotation_days, 1, 3_650)?;
        match self.further_algorithms.iter().find(|one| !auth::keys::OFFERED.contains(one)) {
            Some(one) => Err(bad("tokens.further_algorithms", &format!("{} is not offered", one.as_str()))),
            None => Ok(()),
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let plain = self.pkce_plain;
        plain
            .then(|| {
                "tokens.pkce_plain is on: who reads an authorization request can redeem its code".to_owned()
            })
            .into_iter()
            .collect()
    }
}
