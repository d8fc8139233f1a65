//! `$events`: what a subscriber was or should have been told, once more; as a stream where one is asked for.  Subscriptions R5
//! Backport 1.1.0 "backport-subscription-events"

use axum::{
    Extension,
    extract::{RawQuery, Request, State},
    response::{IntoResponse, Response},
};
use fhirpath::document::Format;
use http::{HeaderMap, header};
use serde_json::Value;
use store::{DbError, Reader as Database};
use web::{Path, Problem};

use super::{
    notification::{Notice, Standing},
    queries::{self, SubscriptionRow},
    sight::{Sight, Told, told},
    status::{own, topic_of},
    stream::{self, Streamed},
    wanted::Content,
};
use crate::{
    Fhir,
    interaction::{
        Sent, answer,
        asked::Asked,
        posted::{Posted, Said, invalid},
    },
    outcome::FHIR_JSON,
    resource::Version,
};

/// Events of one answer.
pub const EVENTS_ROWS_MAX: i64 = 100;

/// What is asked for.
#[derive(Default)]
struct Wish {
    from: Option<i64>,
    to: Option<i64>,
    content: Option<Content>,
}

impl Wish {
    fn add(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let number = || value.parse::<i64>().ok().filter(|number| *number >= 0);
        match name {
            "eventsSinceNumber" => {
                self.from = Some(
                    number().ok_or_else(|| invalid("must be a number of an event", "eventsSinceNumber"))?,
                );
            }
            "eventsUntilNumber" => {
                self.to = Some(
                    number().ok_or_else(|| invalid("must be a number of an event", "eventsUntilNumber"))?,
                );
            }
            "content" => {
                let content = Content::parse(value);
                let refused = || invalid("must be empty, id-only or full-resource", "content");
                self.content = Some(content.ok_or_else(refused)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn of_query(query: &str) -> Result<Self, Problem> {
        let mut wish = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            wish.add(&name, &value)?;
        }
        Ok(wish)
    }

    fn of_parameters(json: &str) -> Result<Self, Problem> {
        let body: Value = serde_json::from_str(json).unwrap_or_default();
        let all = body.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut wish = Self::default();
        for one in all {
            let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
            let value = one.as_object().and_then(|members| {
                members.iter().find(|(name, _)| name.starts_with("value")).map(|(_, value)| value)
            });
            match value {
                Some(Value::String(text)) => wish.add(name, text)?,
                Some(other) => wish.add(name, &other.to_string())?,
                None => {}
            }
        }
        Ok(wish)
    }
}

/// Events of a subscription; live, where a stream is accepted.
#[utoipa::path(get, path = "/fhir/Subscription/{id}/$events", tag = "subscriptions", operation_id = "subscription_events",
    params(("id" = String, Path, description = "The subscription's id"), ("SU-SiteId" = String, Header, description = "The site"),
        ("eventsSinceNumber" = Option<String>, Query, description = "From this number on"),
        ("eventsUntilNumber" = Option<String>, Query, description = "Up to this number"),
        ("content" = Option<String>, Query, description = "`empty`, `id-only` or `full-resource`"),
        ("Last-Event-ID" = Option<String>, Header, description = "Of a stream: the number behind which it goes on")),
    responses((status = 200, description = "A Bundle of type history, or text/event-stream with one for each event", content_type = "application/fhir+json"),
        (status = 429, description = "The caller has as many streams as it may have", content_type = "application/fhir+json")),
    security(("bearer" = ["system/Subscription.r"])))]
pub(crate) async fn subscription_events(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(id): Path<String>,
    streamed: Option<Extension<Streamed>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Said<Response> {
    let wish = Wish::of_query(query.as_deref().unwrap_or_default())?;
    let (version, row) = own(&fhir, &asked, &id).await?.ok_or_else(answer::missing)?;
    match streamed {
        Some(_) => {
            let from = wish.from.map(|from| from - 1);
            stream::open(&fhir, asked, (version, row), &headers, (from, wish.content))
        }
        None => page(&fhir, &asked, (&version, &row), &wish).await,
    }
}

/// The same, asked by Parameters.
#[utoipa::path(post, path = "/fhir/Subscription/{id}/$events", tag = "subscriptions",
    operation_id = "subscription_events_by_parameters",
    params(("id" = String, Path, description = "The subscription's id"), ("SU-SiteId" = String, Header, description = "The site")),
    request_body(description = "Parameters", content_type = "application/fhir+json"),
    responses((status = 200, description = "A Bundle of type history", content_type = "application/fhir+json")),
    security(("bearer" = ["system/Subscription.r"])))]
pub(crate) async fn subscription_events_by_parameters(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(id): Path<String>,
    request: Request,
) -> Said<Response> {
    const TAKEN: &[Sent] = &[Sent::Resource(Format::Json), Sent::Resource(Format::Xml)];
    let wish = Wish::of_parameters(&Posted::read(request, TAKEN).await?.json()?)?;
    let (version, row) = own(&fhir, &asked, &id).await?.ok_or_else(answer::missing)?;
    page(&fhir, &asked, (&version, &row), &wish).await
}

async fn page(
    fhir: &Fhir,
    asked: &Asked,
    (version, row): (&Version, &SubscriptionRow),
    wish: &Wish,
) -> Said<Response> {
    let span = (wish.from.unwrap_or(1), wish.to.unwrap_or(i64::MAX));
    let told = seen(fhir, asked, row, span).await.map_err(Problem::from)?;
    let content = wish.content.unwrap_or_else(|| content_of(version));
    let topic = topic_of(version);
    let standing = Standing {
        base: &fhir.base,
        id: &row.id,
        topic: topic.as_deref(),
        status: row.state.as_str(),
        events: row.events,
        error: row.reason.as_deref(),
    };
    let mut response = standing.bundle(&fhir.world, Notice::QueryEvents, &told, content).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    Ok(response)
}

/// Events with what the caller may see of them now.
pub(super) async fn seen(
    fhir: &Fhir,
    asked: &Asked,
    row: &SubscriptionRow,
    (from, to): (i64, i64),
) -> Result<Vec<Told>, DbError> {
    let (sight, tenant, id) = (
        Sight::new(fhir, &asked.site.tenant, asked.access.clone()),
        asked.site.tenant.clone(),
        row.id.clone(),
    );
    fhir.db
        .snapshot(async move |database: &mut Database| {
            let events = queries::events(database, &tenant, &id, (from, to, EVENTS_ROWS_MAX)).await?;
            told(database, &tenant, &mut sight.clone(), &events).await
        })
        .await
}

/// How much a Subscription has asked to be told.
pub(super) fn content_of(version: &Version) -> Content {
    let read = || {
        let body: Value = serde_json::from_str(version.body.as_ref()?.as_str()).ok()?;
        let all = body.pointer("/channel/_payload/extension")?.as_array()?;
        all.iter().find_map(|one| Content::parse(one.get("valueCode")?.as_str()?))
    };
    read().unwrap_or(Content::Empty)
}
