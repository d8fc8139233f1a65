//! Topics that a site declares, managed by administrators.

use audit::{Entry, Outcome, Subject};
use axum::{Extension, extract::State};
use http::StatusCode;
use kernel::{Id, Issue, Kind};
use serde::Serialize;
use serde_json::{Value, json};
use store::{DbError, Writer};
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path, Problem};

use super::{
    condition::{Age, Terms},
    declare::{TOPIC_BYTES_MAX, Topic},
    queries,
};
use crate::{
    By, Fhir,
    site::{Site, SiteFault, manage::by},
    tenant::{self, Tenant},
};

/// Topics that one site declares.
pub const TOPICS_MAX: usize = 200;
/// The longest name of a topic.
const NAME_BYTES_MAX: usize = 64;

/// A topic of a site.
#[derive(Serialize, ToSchema)]
#[schema(as = FhirTopic)]
pub(crate) struct TopicOut {
    /// By what it is managed.
    name: String,
    /// SubscriptionTopic of R5, as it was declared.
    #[schema(value_type = Object)]
    topic: Value,
}

async fn site(fhir: &Fhir, by: &By, site: &str) -> Result<Tenant, Problem> {
    let id: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    let named = fhir.sites.of(by.organisation).await?;
    if !named.iter().any(|one| one.id == id) {
        return Err(SiteFault::NoSite.into());
    }
    let found = crate::site::of_id(fhir, by.organisation, id).await?;
    found.map(|site: std::sync::Arc<Site>| site.tenant.clone()).ok_or_else(|| SiteFault::NoSite.into())
}

/// The topics that a site declares.
#[utoipa::path(get, path = "/admin/fhir/sites/{site}/topics", tag = "sites", operation_id = "list_topics",
    params(("site" = String, Path, description = "The site's id")),
    responses((status = 200, description = "The topics", body = Vec<TopicOut>)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn list_topics(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(of): Path<String>,
) -> Answer<axum::Json<Vec<TopicOut>>> {
    let tenant = site(&fhir, &by(&bearer, &context)?, &of).await?;
    let rows = queries::topics(&mut fhir.db.read().await?, &tenant).await?;
    let out = rows
        .into_iter()
        .map(|row| TopicOut { name: row.name, topic: serde_json::from_str(&row.body).unwrap_or_default() });
    Ok(axum::Json(out.collect()))
}

/// Declare a topic, or declare it anew.
#[utoipa::path(put, path = "/admin/fhir/sites/{site}/topics/{name}", tag = "sites", operation_id = "declare_topic",
    params(("site" = String, Path, description = "The site's id"), ("name" = String, Path, description = "Letters, digits and hyphens")),
    request_body(content = Object, description = "SubscriptionTopic of R5"),
    responses((status = 200, description = "The topic as it is now", body = TopicOut)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn declare_topic(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((of, name)): Path<(String, String)>,
    Json(topic): Json<Value>,
) -> Answer<axum::Json<TopicOut>> {
    let by = by(&bearer, &context)?;
    let tenant = site(&fhir, &by, &of).await?;
    let mut reader = fhir.db.read().await?;
    let tenant = tenant::as_now(&mut reader, &tenant).await?;
    let rows = queries::topics(&mut reader, &tenant).await?;
    drop(reader);
    let read = read(&fhir, &tenant, (&name, &topic)).map_err(SiteFault::Refused)?;
    if rows.len() >= TOPICS_MAX && !rows.iter().any(|row| row.name == name) {
        return Err(Problem::new(Kind::Conflict, "the site declares as many topics as it may"));
    }
    let (body, url, called) = (topic.to_string(), read.url, name.clone());
    let entry = entry(&by, "fhir_topic.declared", (&tenant, &name));
    let world = fhir.world.clone();
    let is_kept = fhir
        .db
        .write(async move |tx: &mut Writer| -> Result<bool, DbError> {
            if queries::is_named_so(tx, &tenant, (&called, &url)).await? {
                return Ok(false);
            }
            queries::set_topic(tx, &tenant, (&called, &url, &body), world.now()).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(true)
        })
        .await?;
    match is_kept {
        true => Ok(axum::Json(TopicOut { name, topic })),
        false => Err(Problem::new(Kind::Conflict, "another topic of the site has this url").with_path("url")),
    }
}

/// Withdraw a topic. Whoever has subscribed to it is not told any more.
#[utoipa::path(delete, path = "/admin/fhir/sites/{site}/topics/{name}", tag = "sites", operation_id = "withdraw_topic",
    params(("site" = String, Path, description = "The site's id"), ("name" = String, Path, description = "The topic's name")),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn withdraw_topic(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((of, name)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let by = by(&bearer, &context)?;
    let tenant = site(&fhir, &by, &of).await?;
    let entry = entry(&by, "fhir_topic.withdrawn", (&tenant, &name));
    let world = fhir.world.clone();
    let was_there = fhir
        .db
        .write(async move |tx: &mut Writer| -> Result<bool, DbError> {
            let was_there = queries::drop_topic(tx, &tenant, &name).await? > 0;
            if was_there {
                audit::record(tx, &world, &entry).await?;
            }
            Ok(was_there)
        })
        .await?;
    match was_there {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::new(Kind::NotFound, "the site declares no such topic")),
    }
}

fn read(fhir: &Fhir, tenant: &Tenant, (name, topic): (&str, &Value)) -> Result<Topic, Vec<Issue>> {
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name {
        return Err(vec![Issue::at("name", "must be 1 to 64 letters, digits and hyphens")]);
    }
    if topic.to_string().len() > TOPIC_BYTES_MAX {
        return Err(vec![Issue::at("topic", format!("must not be longer than {TOPIC_BYTES_MAX} bytes"))]);
    }
    let registry = fhir.records.registry_of(tenant);
    let read = Topic::read(topic, Terms { registry: &registry, now: fhir.world.now(), age: Age::New })?;
    match read.url.starts_with(&fhir.base) {
        true => Err(vec![Issue::at("url", "must not be below this server: its topics there are built in")]),
        false => Ok(read),
    }
}

fn entry(by: &By, act: &'static str, (tenant, name): (&Tenant, &str)) -> Entry {
    Entry {
        organisation: Some(by.organisation),
        actor: by.actor,
        act,
        subject: Subject::known_as("fhir_topic", name).unwrap_or(Subject::unknown("fhir_topic")),
        outcome: Outcome::Done,
        request: by.request.clone(),
        details: json!({"site": tenant.site().to_string()}),
    }
}
