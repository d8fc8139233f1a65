//! Run an action with a person's credentials.  Contract 1, `POST /integrations/v1/{integration-id}/actions/{action}`

use std::sync::Arc;

use audit::{Outcome, Subject};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use kernel::{Kind, RequestId, Scopes};
use serde_json::{Value, json};
use url::Url;
use watch::{Line, What};
use web::{Answer, Bearer, Json, Path, Problem};

use super::{ActionDeclaration, Context, PAGES_MAX, UpstreamRequest, list, normalise, prepare, time_zone_of};
use crate::{
    Broker, By,
    credential::Live,
    provider::TimeZoneFrom,
    proxy::unanswered,
    trust::{Access, require_trust},
    upstream::{Errand, UpstreamFault, send},
};

/// The largest answer of a third party that an action reads.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Run an action.
#[utoipa::path(
    post, path = "/integrations/v1/{integration}/actions/{action}", tag = "actions", operation_id = "run_action",
    params(
        ("integration" = String, Path, description = "The integration's id"),
        ("action" = String, Path, description = "The action's name"),
    ),
    request_body(content = Value, description = "The action's input"),
    responses((status = 200, description = "The action's output, FHIR R4 where it says so", body = Value)),
    security(("bearer" = [])),
)]
pub(crate) async fn run(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path((slug, name)): Path<(String, String)>,
    Json(input): Json<Value>,
) -> Answer<Response> {
    let access = require_trust(&broker, &bearer.0, &slug).await?;
    let unknown = || Problem::of_status(http::StatusCode::NOT_FOUND);
    let action = list::allowed(&access).find(|action| action.name == name).ok_or_else(unknown)?;
    broker.spend_rate(access.trust.id, access.trust.terms.rate_per_minute).await?;
    let by = By::new(bearer.0.actor(), Some(request));
    let live = broker.credential(access.person, &access.integration, &by).await?;
    let connection = live.id;
    let run = Run { broker: &broker, access: &access, action, by: &by };
    let asked = broker.world.now();
    let output = run.output(live, &input).await;
    run.note(connection, &output);
    let took = broker.world.now().since(asked);
    broker.log.note(told(&access, output.as_ref().err()).about(connection).took(took));
    broker.note_use(connection, bearer.0.client);
    Ok(answered(&output?))
}

/// One run of an action.
struct Run<'a> {
    broker: &'a Broker,
    access: &'a Access,
    action: &'a ActionDeclaration,
    by: &'a By,
}

impl Run<'_> {
    async fn output(&self, live: Arc<Live>, input: &Value) -> Result<Value, Problem> {
        let integration = &self.access.integration;
        let needed = needed(self.action);
        if !needed.is_within(&self.access.trust.terms.scopes) {
            return Err(Problem::new(
                Kind::Forbidden,
                "the trust does not cover the scopes that this action needs",
            ));
        }
        if !needed.is_within(&live.granted) {
            return Err(ask_again(self.broker, &integration.slug, &needed.without(&live.granted)));
        }
        let request = prepare(&integration.provider, self.action, &integration.settings, input)?;
        let source = request.url.origin().ascii_serialization();
        let pages = self.pages(&live, request).await?;
        let person = self.broker.vault.digest("broker.fhir_subject", self.access.person.as_bytes());
        let context = Context {
            public_url: self.broker.public_url.as_str().trim_end_matches('/'),
            provider: integration.provider.id.as_str(),
            person: &crypto::b64::encode(person.as_bytes()),
            source: &source,
            time_zone: self.time_zone(&live, input).await?,
            fetched_at: self.broker.world.now(),
        };
        Ok(normalise(self.action, &pages, &context)?)
    }

    async fn pages(&self, live: &Arc<Live>, first: UpstreamRequest) -> Result<Vec<Value>, Problem> {
        let mut pages = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next
            && pages.len() < PAGES_MAX
        {
            let body = request.body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default();
            let (method, url, headers) =
                (request.method.clone(), request.url.clone(), request.headers.clone());
            let page = self.fetch(live, method, url, headers, body).await?;
            next = request.following(&page);
            pages.push(page);
        }
        Ok(pages)
    }

    async fn fetch(
        &self,
        live: &Arc<Live>,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Value, UpstreamFault> {
        let integration = &*self.access.integration;
        let (live, by, repeatable) = (live.clone(), self.by, self.action.safe);
        let errand = Errand { integration, live, by, method, url, headers, body, repeatable };
        let answer = send(self.broker, errand).await?;
        if !answer.status.is_success() {
            let retry_after = outbound::retry_after(&answer.headers, self.broker.world.now());
            let retry_after_s = retry_after.map(|wait| wait.as_secs());
            return Err(UpstreamFault::Status { status: answer.status, retry_after_s });
        }
        let answer = answer.read(ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&answer.body).map_err(|_| UpstreamFault::Unreadable)
    }

    /// The time zone that the input names, else the one that the provider knows of the person.
    async fn time_zone(
        &self,
        live: &Arc<Live>,
        input: &Value,
    ) -> Result<Option<jiff::tz::TimeZone>, Problem> {
        if let Some(name) = input.get("time_zone").and_then(Value::as_str) {
            return Ok(Some(time_zone_of(name)?));
        }
        let api = self.access.integration.provider.api.as_ref();
        match api.and_then(|api| api.time_zone.as_ref()) {
            None => Ok(None),
            Some(TimeZoneFrom::Fixed(name)) => Ok(time_zone_of(name).ok()),
            Some(TimeZoneFrom::Get { path, pointer }) => {
                let name = self.zone_name(live, path, pointer).await;
                Ok(name.as_deref().and_then(|name| time_zone_of(name).ok()))
            }
        }
    }

    /// Asked once in a while; an action that needs no zone must not fail because it could not be learnt.
    async fn zone_name(&self, live: &Arc<Live>, path: &str, pointer: &str) -> Option<String> {
        let load = async {
            let Some(base) = &self.access.integration.api_base else { return Ok(None) };
            let mut url = base.clone();
            url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
            let profile = self.fetch(live, Method::GET, url, headers, Bytes::new()).await?;
            Ok::<_, UpstreamFault>(profile.pointer(pointer).and_then(Value::as_str).map(str::to_owned))
        };
        match self.broker.time_zones.get(&live.id, self.broker.world.now(), load).await {
            Ok(name) => name.map(|name| name.as_str().to_owned()),
            Err(fault) => {
                tracing::info!(integration = self.access.integration.slug, %fault, "a time zone could not be learnt");
                None
            }
        }
    }

    fn note(&self, connection: kernel::Id<kernel::Connection>, output: &Result<Value, Problem>) {
        let outcome = match output {
            Ok(_) => Outcome::Done,
            Err(problem) if problem.kind() == Kind::Forbidden => Outcome::Refused("scope"),
            Err(problem) if problem.kind() == Kind::Invalid => Outcome::Refused("input"),
            Err(_) => Outcome::Failed("no_answer"),
        };
        let organisation = self.access.integration.organisation;
        let details = json!({ "action": self.action.name });
        let entry = self.by.did(organisation, "connection.action", Subject::of(connection), outcome, details);
        audit::note(&self.broker.db, &self.broker.world, &entry);
    }
}

/// What the integration's log says of an action.
fn told(access: &Access, problem: Option<&Problem>) -> Line {
    let of = |what| Line::of(access.integration.id, what);
    match problem.map(Problem::kind) {
        None => of(What::ActionDone),
        Some(Kind::Forbidden) => of(What::ActionRefused).because("a scope is missing"),
        Some(Kind::Invalid) => of(What::ActionRefused).because("its input is not valid"),
        Some(kind) => of(What::ActionFailed).because(unanswered(kind)),
    }
}

fn needed(action: &ActionDeclaration) -> Scopes {
    action.scopes_needed.iter().filter_map(|scope| scope.parse().ok()).collect()
}

/// What was granted is not enough: the person can widen it at the same address that links.
fn ask_again(broker: &Broker, slug: &str, missing: &Scopes) -> Problem {
    let connect_uri = broker.connect_uri(slug);
    Problem::new(
        Kind::Forbidden,
        format!("the person has not granted {missing}; send them to {connect_uri} to be asked again"),
    )
    .with_code("insufficient_scope")
}

fn answered(output: &Value) -> Response {
    let is_fhir = output.get("resourceType").is_some();
    let media = if is_fhir { "application/fhir+json" } else { "application/json" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, output.to_string()).into_response()
}
