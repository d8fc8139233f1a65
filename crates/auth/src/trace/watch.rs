//! The layer around every endpoint that clients call.

use std::cell::RefCell;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use kernel::{Kind, RequestId, Timestamp};
use store::binds;
use web::Problem;

use super::{SEEN, Seen};
use crate::Auth;

/// Not failures: a device is told to ask again (RFC 8628 §3.5), a client to use this nonce (RFC 9449 §8).
const GO_ON: [&str; 3] = ["authorization_pending", "slow_down", "use_dpop_nonce"];

/// Committed with the next group of writes: nobody waits for it.
pub(super) const INSERT: &str = "INSERT INTO client_failure (id, client_id, failed_at, endpoint, error, why, request) \
                                 VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Keep in mind whose request this is and why it is refused, and write it down where both are known.
pub(crate) async fn watch(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let (path, id) = (request.uri().path().to_owned(), request.extensions().get::<RequestId>().cloned());
    let run = async {
        let response = next.run(request).await;
        (SEEN.try_with(|seen| std::mem::take(&mut *seen.borrow_mut())).unwrap_or_default(), response)
    };
    let (seen, response) = SEEN.scope(RefCell::new(Seen::default()), run).await;
    let Some(client) = seen.client else { return response };
    let refused = seen.refused.or_else(|| of_problem(response.extensions().get::<Problem>()?));
    let Some((error, why)) = refused.filter(|(error, _)| !GO_ON.contains(error)) else { return response };
    let now: Timestamp = auth.world().now();
    if auth.failures().takes(client, now) {
        let id = id.map(|id| id.as_str().to_owned());
        let row = auth.world().new_id::<FailureRow>();
        auth.db().write_lazy(INSERT, binds![row, client, now, path, error, why, id]);
    }
    response
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
