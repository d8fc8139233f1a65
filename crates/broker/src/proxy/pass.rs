//! Pass a call through.  Contract 1, `… /integrations/v1/{integration-id}/proxy/{path}`

use std::sync::Arc;

use audit::{Outcome, Subject};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderValue, Method, Uri, header as field, request::Parts, uri::PathAndQuery};
use kernel::{Connection, Id, Kind, RequestId};
use serde_json::json;
use url::Url;
use watch::{Line, What};
use web::{Answer, Bearer, Path, Problem, Verbatim};

use super::{CleanPath, Rule, header};
use crate::{
    Broker, By,
    credential::Live,
    integration::Integration,
    trust::{Access, require_trust},
    upstream::{Errand, is_idempotent_here, send},
};

/// The largest body that is passed on.
pub const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The largest body that is passed back.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest query that is passed on.
const QUERY_BYTES_MAX: usize = 4096;
/// Where the third party's path begins: after `/integrations/v1/{integration}/proxy/`.
const SEGMENTS_BEFORE_PATH: usize = 5;

/// Pass a call through to the third party.
#[utoipa::path(
    method(get, head, post, put, patch, delete),
    path = "/integrations/v1/{integration}/proxy/{*path}", tag = "proxy", operation_id = "proxy",
    params(
        ("integration" = String, Path, description = "The integration's id"),
        ("path" = String, Path, description = "The third party's path; method and path must be ones that the trust allows"),
    ),
    responses((status = "default", description = "The third party's answer")),
    security(("bearer" = [])),
)]
pub(crate) async fn pass(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request_id): axum::Extension<RequestId>,
    Path((slug, _path)): Path<(String, String)>,
    request: Request,
) -> Answer<Verbatim> {
    let access = require_trust(&broker, &bearer.0, &slug).await?;
    let (parts, body) = request.into_parts();
    let (rule, url) = allowed(&access, &parts.method, &parts.uri).inspect_err(|problem| {
        if problem.kind() == Kind::Forbidden {
            broker.log.note(Line::of(access.integration.id, What::CallDenied));
        }
    })?;
    broker.spend_rate(access.trust.id, access.trust.terms.rate_per_minute).await?;
    let by = By::new(bearer.0.actor(), Some(request_id));
    let live = broker.credential(access.person, &access.integration, &by).await?;
    let connection = live.id;
    let asked = broker.world.now();
    let answer = carried(&broker, &access.integration, live, &by, url, (parts, body)).await;
    let took = broker.world.now().since(asked);
    broker.log.note(told(&access.integration, &answer).about(connection).took(took));
    note(&broker, &access, connection, &by, rule, answer.as_ref().ok());
    broker.note_use(connection, bearer.0.client);
    Ok(Verbatim(passed_back(answer?, &access.integration.provider.limit_headers)))
}

async fn carried(
    broker: &Broker,
    integration: &Integration,
    live: Arc<Live>,
    by: &By,
    url: Url,
    (parts, body): (Parts, Body),
) -> Result<outbound::Answer, Problem> {
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.map_err(|_| too_large())?;
    let repeatable = is_idempotent_here(&parts.method);
    let headers = headers(integration, &parts.headers)?;
    let errand = Errand { integration, live, by, method: parts.method, url, headers, body, repeatable };
    Ok(send(broker, errand).await?)
}

/// What the integration's log says of a call.
fn told(integration: &Integration, answer: &Result<outbound::Answer, Problem>) -> Line {
    let of = |what| Line::of(integration.id, what);
    let answer = match answer {
        Ok(answer) => answer,
        Err(problem) => return of(What::CallFailed).because(unanswered(problem.kind())),
    };
    let what = match answer.status.as_u16() {
        401 | 403 => What::CallRefused,
        500.. => What::CallFailed,
        _ => What::CallAnswered,
    };
    of(what).answered(answer.status.as_u16())
}

/// Why there is no answer, in words of our own.
pub(crate) const fn unanswered(kind: Kind) -> &'static str {
    match kind {
        Kind::Throttled => "the budget of calls is spent",
        Kind::Unavailable => "the other side does not answer",
        Kind::Invalid => "the call is too large or not well formed",
        Kind::Forbidden | Kind::Unauthenticated => "the account has to be linked again",
        _ => "the call could not be made",
    }
}

/// The rule tells what was done; the path could tell of the person.
fn note(
    broker: &Broker,
    access: &Access,
    connection: Id<Connection>,
    by: &By,
    rule: &Rule,
    answer: Option<&outbound::Answer>,
) {
    let outcome = if answer.is_some() { Outcome::Done } else { Outcome::Failed("no_answer") };
    let details = json!({ "rule": rule.to_string(), "status": answer.map(|answer| answer.status.as_u16()) });
    let (organisation, subject) = (access.integration.organisation, Subject::of(connection));
    let entry = by.did(organisation, "connection.proxied", subject, outcome, details);
    audit::note(&broker.db, &broker.world, &entry);
}

/// The rule that allows the call, and where it goes.
fn allowed<'a>(access: &'a Access, method: &Method, uri: &Uri) -> Result<(&'a Rule, Url), Problem> {
    let refused = || Problem::new(Kind::Forbidden, "the trust does not allow this method on this path");
    let raw = uri.path().splitn(SEGMENTS_BEFORE_PATH + 1, '/').nth(SEGMENTS_BEFORE_PATH).unwrap_or_default();
    let path = CleanPath::parse(&format!("/{raw}"))
        .map_err(|fault| Problem::new(Kind::Invalid, fault.to_string()))?;
    let rule = access.trust.terms.proxy.iter().find(|rule| rule.allows(method, &path)).ok_or_else(refused)?;
    let query = uri.path_and_query().and_then(PathAndQuery::query);
    Ok((rule, target(&access.integration, &path, query)?))
}

/// The third party's address. It stays below the API's base address, whatever path and query hold.
fn target(integration: &Integration, path: &CleanPath, query: Option<&str>) -> Result<Url, Problem> {
    let no_api = || Problem::new(Kind::Unsupported, "this integration has no API to pass calls to");
    let base = integration.api_base.as_ref().ok_or_else(no_api)?;
    if query.is_some_and(|query| query.len() > QUERY_BYTES_MAX) {
        return Err(Problem::new(Kind::Invalid, "the query is too long"));
    }
    let prefix = base.path().trim_end_matches('/');
    let mut url = base.clone();
    url.set_path(&format!("{prefix}{}", path.encode()));
    url.set_query(query);
    let below = url.origin() == base.origin() && url.path().starts_with(prefix);
    if below { Ok(url) } else { Err(no_api()) }
}

/// What the caller may say, and what the third party always wants to hear.
fn headers(integration: &Integration, from: &http::HeaderMap) -> Result<http::HeaderMap, Problem> {
    let mut headers = header::of_request(from);
    let broken = || Problem::new(Kind::Internal, Problem::INTERNAL);
    for (name, text) in integration.provider.api.iter().flat_map(|api| &api.extra_headers) {
        let name = http::HeaderName::try_from(name).map_err(|_| broken())?;
        let value = text.fill(&integration.settings)?;
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| broken())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn passed_back(answer: outbound::Answer, limit_headers: &[String]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status;
    *response.headers_mut() = header::of_answer(&answer.headers, limit_headers);
    // Health data of one person: nothing between us and the caller keeps a copy.
    response.headers_mut().insert(field::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    *response.body_mut() = Body::from_stream(answer.stream(ANSWER_BYTES_MAX));
    response
}

fn too_large() -> Problem {
    Problem::of_status(http::StatusCode::PAYLOAD_TOO_LARGE)
}
