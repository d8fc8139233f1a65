//! HTTP manners: how every API here listens, refuses, limits, logs and describes itself. Knows no domain.
//!
//! * [`Problem`] is what a refused request comes to; [`Families`] speak it in their [`Dialect`].
//! * [`Manners`] go around the whole application: request id, access log, metrics, security headers.
//! * [`serve`](fn@serve) puts it on a socket, with a limit on everything a client can take its time over.

mod bearer;
mod browser;
mod certificate;
mod compress;
mod cookie;
mod cors;
mod dialect;
mod extract;
mod guards;
mod health;
mod idempotency;
mod limits;
mod local_path;
pub mod logging;
mod manners;
pub mod metrics;
mod networks;
pub mod openapi;
mod paging;
mod problem;
mod rate;
mod redirect;
mod serve;
mod shared_route;
mod streams;
mod tasks;
#[cfg(test)]
mod testing;

pub use bearer::{
    API_KEY, AuthFault, Authenticate, Bearer, DPOP_NONCE, Presented, PresentedKey, Scheme, TakesApiKeys,
};
pub use browser::{Csp, browser};
pub use certificate::{CHAIN_CERTIFICATES_MAX, ClientCertificate, ClientCertificates, MaybeCertificate};
pub use cookie::{Cookie, Cookies, Transport};
pub use cors::AllowedOrigins;
pub use dialect::{
    Dialect, ErrorView, Families, OUTCOME_SYSTEM, PageRenderer, Verbatim, family, outcome_words,
};
pub use extract::{ClientAddr, Form, Json, Path, PeerAddr, Query, parameters, shaped, whole};
pub use guards::Guards;
pub use health::Health;
pub use idempotency::{IDEMPOTENCY_KEPT, IDEMPOTENCY_KEY_BYTES_MAX, idempotency_key};
pub use limits::{BODY_BYTES_MAX, body_limit};
pub use local_path::{LocalPath, NotLocal};
pub use manners::{Context, Manners};
pub use metrics::Metrics;
pub use networks::{MalformedNetwork, Network, Networks};
pub use paging::{PAGE_MAX, Paging, links};
pub use problem::{Answer, Place, Problem};
pub use rate::{
    Decision, Key, KeyOf, MalformedRedisUrl, Quota, RATE_KEYS_MAX, RateLimiter, limited, per_client,
};
pub use redirect::Redirect;
pub use serve::{Serve, ServeFault, ServeLimits, Tls, TlsFault, serve};
pub use shared_route::SharedRoute;
pub use streams::{OpenStream, Streams, event_stream};
pub use tasks::{Shutdown, Tasks};
