//! Limits on routes, by address before anybody is known, and by client once its token is proven.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use kernel::{Client, Id};

use super::{Decision, Quota, RateLimiter};
use crate::{ClientAddr, Metrics, Problem};

/// What requests are counted by.
#[derive(Clone)]
pub enum Key {
    /// The client's address; of IPv6 its /64, since that is what one customer gets.
    Address,
    /// What the function finds in the headers, for example a keyed digest of the client id; else the address. What
    /// is not proven yet may be varied at will, so let a limit by address stand around it.
    Of(KeyOf),
}

/// Finds the key of a request in its headers.
pub type KeyOf = Arc<dyn Fn(&HeaderMap) -> Option<String> + Send + Sync>;

#[derive(Clone)]
struct Limited {
    limiter: RateLimiter,
    metrics: Metrics,
    route: &'static str,
    quota: Quota,
    key: Key,
}

/// Limit these routes, together, to this quota for each key. Over it, 429 with `Retry-After`; always `RateLimit-*`.
pub fn limited<S: Clone + Send + Sync + 'static>(
    limiter: &RateLimiter,
    metrics: &Metrics,
    (route, quota): (&'static str, Quota),
    key: Key,
    routes: Router<S>,
) -> Router<S> {
    let limited = Limited { limiter: limiter.clone(), metrics: metrics.clone(), route, quota, key };
    routes.route_layer(from_fn_with_state(limited, by_key))
}

async fn by_key(State(limited): State<Limited>, request: Request, next: Next) -> Response {
    let key = format!("{}:{}", limited.route, key_of(&limited.key, &request));
    let decision = limited.limiter.check_counted(limited.route, &key, limited.quota, &limited.metrics).await;
    if !decision.is_allowed {
        return refusal(decision).into_response();
    }
    let mut response = next.run(request).await;
    tell(response.headers_mut(), decision);
    response
}

fn key_of(key: &Key, request: &Request) -> String {
    let found = match key {
        Key::Of(find) => find(request.headers()),
        Key::Address => None,
    };
    found.unwrap_or_else(|| address_key(request.extensions().get::<ClientAddr>().copied()))
}

fn address_key(client: Option<ClientAddr>) -> String {
    match client {
        Some(ClientAddr(std::net::IpAddr::V6(address))) => format!("{:x}/64", address.to_bits() >> 64),
        Some(ClientAddr(address)) => address.to_string(),
        None => "nowhere".to_owned(),
    }
}

/// Put into a request's extensions, so that [`Bearer`](crate::Bearer) can count by the client that it has proven.
#[derive(Clone)]
struct ClientLimit {
    limiter: RateLimiter,
    metrics: Metrics,
    route: &'static str,
    quota: Quota,
    told: Arc<OnceLock<Decision>>,
}

/// Limit these routes, together, to this quota for each client that [`Bearer`](crate::Bearer) lets in.
pub fn per_client<S: Clone + Send + Sync + 'static>(
    limiter: &RateLimiter,
    metrics: &Metrics,
    (route, quota): (&'static str, Quota),
    routes: Router<S>,
) -> Router<S> {
    let limit = ClientLimit {
        limiter: limiter.clone(),
        metrics: metrics.clone(),
        route,
        quota,
        told: Arc::default(),
    };
    routes.route_layer(from_fn_with_state(limit, by_client))
}

async fn by_client(State(mut limit): State<ClientLimit>, mut request: Request, next: Next) -> Response {
    let told = Arc::new(OnceLock::new());
    limit.told = told.clone();
    request.extensions_mut().insert(limit);
    let mut response = next.run(request).await;
    if let Some(decision) = told.get().filter(|_| response.status() != StatusCode::TOO_MANY_REQUESTS) {
        tell(response.headers_mut(), *decision);
    }
    response
}

/// Count a request of a proven client, where its route has such a limit.
pub(crate) async fn admit_client(extensions: &Extensions, client: Id<Client>) -> Result<(), Problem> {
    let Some(limit) = extensions.get::<ClientLimit>().cloned() else { return Ok(()) };
    let key = format!("{}:client:{client}", limit.route);
    let decision = limit.limiter.check_counted(limit.route, &key, limit.quota, &limit.metrics).await;
    if !decision.is_allowed {
        return Err(refusal(decision));
    }
    // A second bearer in one request would be told the first one's numbers, which does no harm.
    limit.told.get_or_init(|| decision);
    Ok(())
}

impl From<Decision> for Problem {
    /// A refused decision as 429 with `Retry-After` and `RateLimit-*`.
    fn from(decision: Decision) -> Self {
        refusal(decision)
    }
}

fn refusal(decision: Decision) -> Problem {
    let problem = Problem::of_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after(decision.retry_after_s);
    rate_headers(decision)
        .into_iter()
        .fold(problem, |problem, (name, value)| problem.with_header(name, value))
}

/// An inner limit's numbers stay: they are the closer ones.
fn tell(headers: &mut HeaderMap, decision: Decision) {
    for (name, value) in rate_headers(decision) {
        headers.entry(name).or_insert(value);
    }
}

/// The three fields of draft-ietf-httpapi-ratelimit-headers-06.
fn rate_headers(decision: Decision) -> [(HeaderName, HeaderValue); 3] {
    [
        (HeaderName::from_static("ratelimit-limit"), decision.limit.into()),
        (HeaderName::from_static("ratelimit-remaining"), decision.remaining.into()),
        (HeaderName::from_static("ratelimit-reset"), decision.reset_s.into()),
    ]
}
