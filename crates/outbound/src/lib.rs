//! The one way out: every call to a third party goes through here, so that nobody can have this deployment knock on
//! doors inside its own machine or network (SSRF).  OWASP API7:2023, `docs/broker.md`
//!
//! What is checked, and when: the address as written (scheme, port, user info, IP literals in every notation), every
//! address that the name resolves to (one that is not public refuses them all), and the peer that was connected to.
//! Redirects are not followed. Hosts inside are reachable only where the configuration names host and port.

mod address;
mod check;
mod lookup;
mod reach;
mod retry_after;
mod send;
pub mod webhook;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

pub use address::is_public;
pub use check::{InternalHost, MalformedHost, Refusal};
pub use lookup::{Looked, Lookup, SystemLookup};
pub use reach::{Door, Unreached};
pub use retry_after::{RETRY_AFTER_MAX, retry_after};

/// The longest that connecting may take, name look-up and TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that a call may take from its beginning to the last byte of the answer, unless it says otherwise.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How many idle connections are kept for each host.
const IDLE_PER_HOST_MAX: usize = 64;
/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(55);
/// The most header fields that an answer may have.
const HEADERS_MAX: usize = 100;

/// The guarded HTTP client.
#[derive(Clone)]
pub struct Outbound {
    public: reqwest::Client,
    internal: reqwest::Client,
    lookup: Arc<dyn Lookup>,
    allow_internal: Arc<BTreeSet<InternalHost>>,
}

/// One call to be made.
pub struct Call {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The header fields, credentials marked sensitive.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// The longest it may take, to the last byte of the answer.
    pub timeout: Duration,
}

impl Call {
    /// A `GET` with the usual time limit.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: CALL_TIMEOUT,
        }
    }

    /// A `POST` of a form with the usual time limit.
    pub fn form(url: Url, form: &str) -> Self {
        let mut headers = HeaderMap::new();
        let form_type = http::HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(http::header::CONTENT_TYPE, form_type);
        let body = Bytes::copy_from_slice(form.as_bytes());
        Self { method: Method::POST, url, headers, body, timeout: CALL_TIMEOUT }
    }
}

/// An answer whose body has not been read.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    body: reqwest::Response,
}

/// An answer that has been read to its end.
pub struct WholeAnswer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundFault {
    /// The address is one that may not be called.
    #[error("outbound: refused: {0}")]
    Refused(Refusal),
    /// No connection was made: the other side has seen nothing of the call.
    #[error("outbound: could not connect: {0}")]
    NotSent(#[source] reqwest::Error),
    /// The time was up. The other side may have seen the call.
    #[error("outbound: no answer in time")]
    TimedOut,
    /// The connection broke. The other side may have seen the call.
    #[error("outbound: the call broke off: {0}")]
    Broken(#[source] reqwest::Error),
    /// The answer is larger than is read.
    #[error("outbound: the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit, bytes.
        limit_bytes: usize,
    },
    /// The client could not be made, or the call is not one.
    #[error("outbound: {0}")]
    Setup(#[source] reqwest::Error),
}

impl OutboundFault {
    /// Whether it is certain that the other side has seen nothing of the call.
    pub const fn was_not_sent(&self) -> bool {
        matches!(
            self,
            Self::Refused(
                Refusal::Scheme | Refusal::UserInfo | Refusal::Port | Refusal::Host | Refusal::Address
            ) | Self::NotSent(_)
                | Self::Setup(_)
        )
    }
}

impl kernel::Fault for OutboundFault {
    fn kind(&self) -> kernel::Kind {
        match self {
            Self::Setup(_) => kernel::Kind::Internal,
            _ => kernel::Kind::Unavailable,
        }
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Refused(_) => "the third party's address is not allowed here".into(),
            Self::TooLarge { .. } => "the third party's answer is too large".into(),
            Self::Setup(_) => "internal error".into(),
            _ => "the third party does not answer".into(),
        }
    }
}
