//! The layer around every endpoint that clients call.

use std::{cell::RefCell, convert::Infallible, sync::Arc};

use axum::{extract::Request, response::Response, routing::Route};
use kernel::{Client, Id, Kind, RequestId, Timestamp};
use store::binds;
use tower::{Layer, Service, layer::layer_fn, service_fn};
use web::{Authenticate, Problem, SharedRoute};

use super::{SEEN, Seen};
use crate::Auth;

/// Not failures: a device is told to ask again (RFC 8628 §3.5), a client to use this nonce (RFC 9449 §8).
const GO_ON: [&str; 3] = ["authorization_pending", "slow_down", "use_dpop_nonce"];

/// Committed with the next group of writes: nobody waits for it.
pub(super) const INSERT: &str = "INSERT INTO client_failure (id, client_id, failed_at, endpoint, error, why, request) \
                                 VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Keep in mind whose request this is and why it is refused, and write it down where both are known. Whoever asks for a
/// bearer behind this finds who can tell what a token is good for.
pub(crate) fn watch(
    auth: &Auth,
) -> impl Layer<Route, Service = impl Watching> + Clone + Send + Sync + 'static {
    let (auth, authenticate): (_, Arc<dyn Authenticate>) = (auth.clone(), Arc::new(auth.clone()));
    layer_fn(move |route: Route| {
        let (auth, authenticate, route) = (auth.clone(), Arc::clone(&authenticate), SharedRoute::new(route));
        service_fn(move |mut request: Request| {
            request.extensions_mut().insert(Arc::clone(&authenticate));
            watched(auth.clone(), route.lend(), request)
        })
    })
}

/// What a router takes for a service.
pub(crate) trait Watching:
    Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}
impl<T> Watching for T where
    T: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static
{
}

async fn watched(auth: Auth, mut route: Route, request: Request) -> Result<Response, Infallible> {
    let (asked, id) = (request.uri().clone(), request.extensions().get::<RequestId>().cloned());
    let run = async {
        let response = route.call(request).await;
        (SEEN.try_with(|seen| std::mem::take(&mut *seen.borrow_mut())).unwrap_or_default(), response)
    };
    let (seen, Ok(response)) = SEEN.scope(RefCell::new(Seen::default()), run).await;
    if let Some(client) = seen.client {
        let refused = seen.refused.or_else(|| of_problem(response.extensions().get::<Problem>()?));
        if let Some(refused) = refused.filter(|(error, _)| !GO_ON.contains(error)) {
            write_down(&auth, client, asked.path(), refused, id.as_ref());
        }
    }
    Ok(response)
}

fn write_down(
    auth: &Auth,
    client: Id<Client>,
    path: &str,
    (error, why): (&'static str, &'static str),
    id: Option<&RequestId>,
) {
    let now: Timestamp = auth.world().now();
    if auth.failures().takes(client, now) {
        let row = auth.world().new_id::<FailureRow>();
        auth.db().write_lazy(INSERT, binds![row, client, now, path, error, why, id.map(RequestId::as_str)]);
    }
}

/// The kind of the row's id.
#[derive(Debug, Clone, Copy)]
enum FailureRow {}
impl kernel::IdKind for FailureRow {
    const NAME: &'static str = "client_failure";
}

/// What can be said of a refusal whose reason nobody gave: its words may hold what was sent, and are left alone.
fn of_problem(problem: &Problem) -> Option<(&'static str, &'static str)> {
    let error = problem.code();
    match (problem.kind(), problem.path()) {
        (Kind::Internal | Kind::Unavailable, _) => None,
        (_, Some("redirect_uri")) => {
            Some((error.unwrap_or("invalid_request"), "redirect_uri_not_registered"))
        }
        (Kind::Unsupported, _) => Some((error.unwrap_or("invalid_request"), "not_a_form")),
        (Kind::Throttled, _) => Some((error.unwrap_or("temporarily_unavailable"), "too_many_requests")),
        _ => Some((error.unwrap_or("invalid_request"), "malformed")),
    }
}
