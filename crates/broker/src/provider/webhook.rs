//! What a provider sends by itself.

use serde::Deserialize;

/// What the provider sends by itself, and how it proves that it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Whether the data comes with it.
    #[serde(default)]
    pub mode: Option<WebhookMode>,
    /// How one subscribes.
    #[serde(default)]
    pub registration: Option<String>,
    /// How the address is tried out by the provider.
    #[serde(default)]
    pub challenge: Option<String>,
    /// How the sender is known where there is no signature over the body.
    #[serde(default)]
    pub verify: Option<String>,
    /// How the body is signed.
    #[serde(default)]
    pub signature: Option<WebhookSignature>,
    /// What a notice tells.
    #[serde(default)]
    pub payload: Option<String>,
    /// The longest the provider waits for our answer, seconds.
    #[serde(default)]
    pub must_answer_within_s: Option<u32>,
    /// How often it tries again.
    #[serde(default)]
    pub provider_retries: Option<u32>,
    /// When it stops by itself.
    #[serde(default)]
    pub auto_disable: Option<String>,
    /// How it tells that a person ended the grant.
    #[serde(default)]
    pub revocation_event: Option<String>,
    /// Why data cannot be fetched instead.
    #[serde(default)]
    pub pull_forbidden: Option<String>,
}

/// Whether a notice brings the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookMode {
    /// There is something to fetch.
    NotifyOnly,
    /// The data is in the body.
    PushWithData,
    /// The provider has none.
    None,
}

/// The recipe of a webhook's signature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSignature {
    /// The headers it is in.
    pub headers: Vec<String>,
    /// The algorithm: `hmac_sha256`, `ed25519`.
    pub algorithm: String,
    /// Whose key: `client_secret`, `webhook_secret`.
    #[serde(default)]
    pub key: Option<String>,
    /// What is signed.
    pub message: String,
    /// How the signature is written: `hex`, `hex_upper`, `base64`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// How the header is laid out.
    #[serde(default)]
    pub format: Option<String>,
    /// How old a signed time may be, seconds.
    #[serde(default)]
    pub tolerance_s: Option<u32>,
}
