//! What a provider says of itself, and its keys.  OpenID Connect Discovery 1.0 §4, RFC 8414 §3.3

use std::{sync::Arc, time::Duration};

use crypto::jose::{JWKS_BYTES_MAX, Jwks};
use http::{HeaderValue, header};
use kernel::{Id, Timestamp};
use outbound::{Call, Outbound};
use quick_cache::sync::Cache;
use serde::Deserialize;
use url::Url;

use super::{Upstream, UpstreamFault};

/// The longest metadata that is read, in bytes.
pub(super) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// How long metadata and keys are kept.
const KEPT: Duration = Duration::from_mins(10);

/// How soon keys may be fetched again because a token names one that is not among them.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How many providers are remembered.
const KNOWN_MAX: usize = 1_000;

/// The metadata, as far as it is used.
#[derive(Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub authorization_endpoint: Url,
    pub token_endpoint: Endpoint,
    pub jwks_uri: Url,
    pub userinfo_endpoint: Option<Url>,
    /// RFC 9207 §3
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// An address that is called, and named as the provider writes it: an assertion's audience is compared letter by letter there
/// (NHS CIS2 has `:443` in all of its addresses).
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Endpoint {
    pub url: Url,
    pub text: String,
}

impl TryFrom<String> for Endpoint {
    type Error = url::ParseError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self { url: Url::parse(&text)?, text })
    }
}

/// A provider as it was found.
pub(super) struct Discovered {
    pub metadata: Metadata,
    pub keys: Jwks,
    at: Timestamp,
    settings_at: Timestamp,
}

/// The providers that this node has asked lately.
pub(crate) struct Discoveries(Cache<Id<kernel::Upstream>, Arc<Discovered>>);

impl Discoveries {
    pub(crate) fn new() -> Self {
        Self(Cache::new(KNOWN_MAX))
    }

    /// What the provider says of itself, from memory for a while.
    pub(super) async fn of(
        &self,
        outbound: &Outbound,
        upstream: &Upstream,
        now: Timestamp,
    ) -> Result<Arc<Discovered>, UpstreamFault> {
        let is_good =
            |found: &Arc<Discovered>| now.since(found.at) < KEPT && found.settings_at == upstream.updated_at;
        match self.0.get(&upstream.id).filter(is_good) {
            Some(found) => Ok(found),
            None => self.ask(outbound, upstream, now).await,
        }
    }

    /// Asked anew, because a token names a key that was not there; not more often than now and then.
    pub(super) async fn again(
        &self,
        outbound: &Outbound,
        upstream: &Upstream,
        found: Arc<Discovered>,
        now: Timestamp,
    ) -> Result<Arc<Discovered>, UpstreamFault> {
        if now.since(found.at) < AGAIN_AFTER { Ok(found) } else { self.ask(outbound, upstream, now).await }
    }

    async fn ask(
        &self,
        outbound: &Outbound,
        upstream: &Upstream,
        now: Timestamp,
    ) -> Result<Arc<Discovered>, UpstreamFault> {
        let address =
            format!("{}/.well-known/openid-configuration", upstream.settings.issuer.trim_end_matches('/'));
        let address = Url::parse(&address).map_err(|_| UpstreamFault::Unreadable("its address"))?;
        let document = get(outbound, address, DOCUMENT_BYTES_MAX).await?;
        let metadata: Metadata =
            serde_json::from_slice(&document).map_err(|_| UpstreamFault::Unreadable("its metadata"))?;
        if metadata.issuer != upstream.settings.issuer {
            return Err(UpstreamFault::Unreadable("its metadata is another issuer's"));
        }
        let keys = get(outbound, metadata.jwks_uri.clone(), JWKS_BYTES_MAX).await?;
        let keys = Jwks::from_json(&keys).map_err(|_| UpstreamFault::Unreadable("its keys"))?;
        let found = Arc::new(Discovered { metadata, keys, at: now, settings_at: upstream.updated_at });
        self.0.insert(upstream.id, Arc::clone(&found));
        Ok(found)
    }
}

async fn get(outbound: &Outbound, address: Url, bytes_max: usize) -> Result<Vec<u8>, UpstreamFault> {
    let mut call = Call::get(address);
    call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let answer = outbound.read(call, bytes_max).await?;
    if answer.status.is_success() {
        Ok(answer.body.to_vec())
    } else {
        Err(UpstreamFault::Unreadable("its documents"))
    }
}
