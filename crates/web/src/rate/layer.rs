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

use super::{CellKey, Decision, Quota, RateLimiter};
use crate::{ClientAddr, Metrics, Problem};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

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

/// One limit on a set of routes.
pub(crate) struct Limit {
    limiter: RateLimiter,
    metrics: Metrics,
    route: &'static str,
    quota: Quota,
    key: Key,
    told: HeaderValue,
}

impl Limit {
    pub(crate) fn new(
        limiter: &RateLimiter,
        metrics: &Metrics,
        (route, quota): (&'static str, Quota),
        key: Key,
    ) -> Self {
        let (limiter, metrics) = (limiter.clone(), metrics.clone());
        Self { limiter, metrics, route, quota, key, told: quota.requests().into() }
    }

    pub(crate) fn key_of(&self, request: &Request) -> CellKey {
        let found = match &self.key {
            Key::Of(find) => find(request.headers()),
            Key::Address => None,
        };
        match found {
            Some(text) => CellKey::text(&format!("{}:{text}", self.route)),
            None => {
                CellKey::address(self.route, request.extensions().get::<ClientAddr>().map(|client| client.0))
            }
        }
    }

    /// Count a request: what its answer is to tell, or its refusal.
    pub(crate) async fn count(&self, key: &CellKey) -> Result<Decision, Problem> {
        let decision = self.limiter.check_counted(self.route, key, self.quota, &self.metrics).await;
        if decision.is_allowed { Ok(decision) } else { Err(refusal(decision)) }
    }

    /// An inner limit's numbers stay: they are the closer ones.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, decision: Decision) {
        if !headers.contains_key(LIMIT) {
            headers.insert(LIMIT, self.told.clone());
            headers.insert(REMAINING, decision.remaining.into());
            headers.insert(RESET, decision.reset_s().into());
        }
    }
}

/// Limit these routes, together, to this quota for each key. Over it, 429 with `Retry-After`; always `RateLimit-*`.
pub fn limited<S: Clone + Send + Sync + 'static>(
    limiter: &RateLimiter,
    metrics: &Metrics,
    counted: (&'static str, Quota),
    key: Key,
    routes: Router<S>,
) -> Router<S> {
    let limit = Arc::new(Limit::new(limiter, metrics, counted, key));
    routes.route_layer(from_fn_with_state(limit, by_key))
}

async fn by_key(State(limit): State<Arc<Limit>>, request: Request, next: Next) -> Response {
    let key = limit.key_of(&request);
    match limit.count(&key).await {
        Ok(decision) => {
            let mut response = next.run(request).await;
            limit.tell(response.headers_mut(), decision);
            response
        }
        Err(problem) => problem.into_response(),
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
    let key = CellKey::text(&format!("{}:client:{client}", limit.route));
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
    let problem =
        Problem::of_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after(decision.retry_after_s());
    rate_headers(decision)
        .into_iter()
        .fold(problem, |problem, (name, value)| problem.with_header(name, value))
}

fn tell(headers: &mut HeaderMap, decision: Decision) {
    for (name, value) in rate_headers(decision) {
        headers.entry(name).or_insert(value);
    }
}

/// The three fields of draft-ietf-httpapi-ratelimit-headers-06.
fn rate_headers(decision: Decision) -> [(HeaderName, HeaderValue); 3] {
    [
        (LIMIT, decision.limit.into()),
        (REMAINING, decision.remaining.into()),
        (RESET, decision.reset_s().into()),
    ]
}
