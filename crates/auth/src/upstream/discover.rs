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
use crate::{Auth, udap::identity_provider};

/// The longest metadata that is read, in bytes.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// How long metadata and keys are kept.
const KEPT: Duration = Duration::from_mins(10);

/// How soon keys may be fetched again because a token names one that is not among them.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How many providers are remembered.
const KNOWN_MAX: usize = 1_000;

/// The metadata, as far as it is used.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Endpoint,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    /// RFC 9207 §3
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// An address that is called, and named as the provider writes it: an assertion's audience is compared letter by letter there
/// (NHS CIS2 has `:443` in all of its addresses).
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Endpoint {
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
    pub authorization_endpoint: Url,
    pub token_endpoint: Endpoint,
    pub userinfo_endpoint: Option<Url>,
    /// Whether its answers have to name it.  RFC 9207 §2.4
    pub names_itself: bool,
    pub keys: Keys,
    at: Timestamp,
    settings_at: Timestamp,
}

/// By what its ID tokens are known to be its own.
pub(super) enum Keys {
    /// The keys that it publishes.
    Published(Jwks),
    /// The certificate that each brings, of the community of this URI.
    Certified(String),
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
        auth: &Auth,
        upstream: &Upstream,
    ) -> Result<Arc<Discovered>, UpstreamFault> {
        let (outbound, now) = (auth.outbound(), auth.world().now());
        if let Some(community) = &upstream.community {
            return certified(auth, community, upstream, now).await;
        }
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
        let found = Arc::new(Discovered {
            authorization_endpoint: metadata.authorization_endpoint,
            token_endpoint: metadata.token_endpoint,
            userinfo_endpoint: metadata.userinfo_endpoint,
            names_itself: metadata.authorization_response_iss_parameter_supported,
            keys: Keys::Published(keys),
            at: now,
            settings_at: upstream.updated_at,
        });
        self.0.insert(upstream.id, Arc::clone(&found));
        Ok(found)
    }
}

/// What an identity provider of a community says of itself under its certificate, as far as it is used on the way.
async fn certified(
    auth: &Auth,
    community_uri: &str,
    upstream: &Upstream,
    now: Timestamp,
) -> Result<Arc<Discovered>, UpstreamFault> {
    let community = identity_provider::community(auth, community_uri)?;
    let told = auth.identity_providers().of(auth, community, &upstream.settings.issuer).await?;
    Ok(Arc::new(Discovered {
        authorization_endpoint: told.authorization_endpoint.clone(),
        token_endpoint: told.token_endpoint.clone(),
        // Nobody vouches for more than three endpoints: what the ID token says has to be enough.
        userinfo_endpoint: None,
        names_itself: false,
        keys: Keys::Certified(community_uri.to_owned()),
        at: now,
        settings_at: upstream.updated_at,
    }))
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
