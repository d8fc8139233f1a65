//! Sending a call and reading its answer, both within limits.

use std::{collections::BTreeSet, error::Error, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use crate::{
    Answer, CALL_TIMEOUT, CONNECT_TIMEOUT, Call, HEADERS_MAX, IDLE_PER_HOST_MAX, IDLE_TIMEOUT, InternalHost,
    Lookup, Outbound, OutboundFault, Refusal, WholeAnswer,
    check::Way,
    is_public,
    lookup::{AsConfigured, PublicOnly},
};

/// How we call ourselves.
const USER_AGENT: &str = concat!("hilum/", env!("CARGO_PKG_VERSION"));

impl Outbound {
    /// A client that reaches the public internet, and of the inside what `allow_internal` names.
    pub fn new(
        allow_internal: BTreeSet<InternalHost>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, OutboundFault> {
        let public = builder().dns_resolver(PublicOnly(lookup.clone())).build();
        let internal = builder().dns_resolver(AsConfigured(lookup.clone())).build();
        Ok(Self {
            public: public.map_err(OutboundFault::Setup)?,
            internal: internal.map_err(OutboundFault::Setup)?,
            lookup,
            allow_internal: Arc::new(allow_internal),
        })
    }

    /// Send the call; the body of the answer is still to be read.
    pub async fn send(&self, call: Call) -> Result<Answer, OutboundFault> {
        let way = self.way(&call.url).map_err(OutboundFault::Refused)?;
        let client = match way {
            Way::Public => &self.public,
            Way::Internal => &self.internal,
        };
        let mut request = client.request(call.method, call.url).headers(call.headers).timeout(call.timeout);
        if !call.body.is_empty() {
            request = request.body(call.body);
        }
        let body = request.send().await.map_err(fault_of)?;
        let peer_is_public = body.remote_addr().is_some_and(|peer| is_public(peer.ip()));
        if way == Way::Public && !peer_is_public {
            return Err(OutboundFault::Refused(Refusal::Peer));
        }
        Ok(Answer { status: body.status(), headers: body.headers().clone(), body })
    }

    /// Send the call and read the answer to its end, up to `limit_bytes`.
    pub async fn read(&self, call: Call, limit_bytes: usize) -> Result<WholeAnswer, OutboundFault> {
        self.send(call).await?.read(limit_bytes).await
    }
}

impl Answer {
    /// The body to its end, up to `limit_bytes`.
    pub async fn read(mut self, limit_bytes: usize) -> Result<WholeAnswer, OutboundFault> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.body.chunk().await.map_err(fault_of)? {
            if body.len().saturating_add(chunk.len()) > limit_bytes {
                return Err(OutboundFault::TooLarge { limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(WholeAnswer { status: self.status, headers: self.headers, body: body.freeze() })
    }

    /// The body as it comes in; after `limit_bytes` the stream ends with a fault.
    pub fn stream(self, limit_bytes: usize) -> impl Stream<Item = Result<Bytes, OutboundFault>> + Send {
        let mut left = limit_bytes;
        self.body.bytes_stream().map(move |chunk| {
            let chunk = chunk.map_err(fault_of)?;
            left = left.checked_sub(chunk.len()).ok_or(OutboundFault::TooLarge { limit_bytes })?;
            Ok(chunk)
        })
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .retry(reqwest::retry::never())
        .http1_max_headers(HEADERS_MAX)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .pool_idle_timeout(IDLE_TIMEOUT)
}

/// The fault without the address, whose query may hold what nobody should read.
fn fault_of(error: reqwest::Error) -> OutboundFault {
    let error = error.without_url();
    if let Some(refusal) = refusal_in(&error) {
        return OutboundFault::Refused(refusal);
    }
    if error.is_builder() {
        OutboundFault::Setup(error)
    } else if error.is_connect() {
        OutboundFault::NotSent(error)
    } else if error.is_timeout() {
        OutboundFault::TimedOut
    } else {
        OutboundFault::Broken(error)
    }
}

fn refusal_in(error: &(dyn Error + 'static)) -> Option<Refusal> {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(refusal) = this.downcast_ref::<Refusal>() {
            return Some(*refusal);
        }
        cause = this.source();
    }
    None
}
