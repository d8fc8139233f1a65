//! `[redis]`

use kernel::Secret;
use serde::Deserialize;

/// Redis or Valkey for rate limits that nodes share.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// `redis://…` or `rediss://…`; may carry a password.
    pub url: Option<Secret<String>>,
}
