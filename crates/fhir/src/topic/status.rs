//! `$status`: how subscriptions stand.  Subscriptions R5 Backport 1.1.0 "backport-subscription-status"

use std::collections::HashMap;

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::header;
use kernel::{Interaction, Kind};
use serde_json::{Value, json};
use web::{Path, Problem};

use super::{
    SUBSCRIPTIONS_MAX,
    notification::{Notice, Standing},
    of_subscription,
    queries::{self, SubscriptionRow},
    wanted::Content,
};
use crate::{
    Fhir,
    interaction::{
        answer,
        asked::Asked,
        posted::Said,
        read::newest,
        search::{SEARCH_ROWS_MAX, reach},
    },
    outcome::FHIR_JSON,
    query::Test,
    resource::{LogicalId, Version},
    search::Search,
};

/// Subscriptions that one question may name.
const IDS_MAX: usize = 100;

/// How a subscription stands.
#[utoipa::path(get, path = "/fhir/Subscription/{id}/$status", tag = "subscriptions", operation_id = "subscription_status",
    params(("id" = String, Path, description = "The subscription's id"), ("SU-SiteId" = String, Header, description = "The site")),
    responses((status = 200, description = "A Bundle of type searchset with one Parameters", content_type = "application/fhir+json")),
    security(("bearer" = ["system/Subscription.r"])))]
pub(crate) async fn subscription_status(
    State(fhir): State<Fhir>,
    asked: Asked,
    Path(id): Path<String>,
) -> Said<Response> {
    let (version, row) = own(&fhir, &asked, &id).await?.ok_or_else(answer::missing)?;
    Ok(answered(&fhir, &[(version, row)]))
}

/// How subscriptions stand: those that are named, or all that the caller may read; of these, those in a status.
#[utoipa::path(get, path = "/fhir/Subscription/$status", tag = "subscriptions", operation_id = "subscriptions_status",
    params(("SU-SiteId" = String, Header, description = "The site"),
        ("id" = Option<String>, Query, description = "Ids, parted by commas; all where none is said"),
        ("status" = Option<String>, Query, description = "`active`, `error`, …")),
    responses((status = 200, description = "A Bundle of type searchset with a Parameters for each", content_type = "application/fhir+json")),
    security(("bearer" = ["system/Subscription.r"])))]
pub(crate) async fn subscriptions_status(
    State(fhir): State<Fhir>,
    asked: Asked,
    RawQuery(query): RawQuery,
) -> Said<Response> {
    let (mut ids, mut states) = (Vec::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let words = value.split(',').map(str::to_owned);
        match &*name {
            "id" => ids.extend(words),
            "status" => states.extend(words),
            _ => {}
        }
    }
    if ids.len() > IDS_MAX {
        let words = format!("name up to {IDS_MAX} subscriptions by id, or none for all of them");
        return Err(Problem::new(Kind::Invalid, words).with_path("id").into());
    }
    let mut found = Vec::new();
    for id in &ids {
        found.extend(own(&fhir, &asked, id.trim_start_matches("Subscription/")).await?);
    }
    if ids.is_empty() {
        found = all(&fhir, &asked).await?;
    }
    found.retain(|(_, row)| states.is_empty() || states.iter().any(|word| word == row.state.as_str()));
    Ok(answered(&fhir, &found))
}

/// All that the caller may read, newest first: "In the absence of any specified ids, the server returns the status for all Subscriptions
/// available to the caller."
async fn all(fhir: &Fhir, asked: &Asked) -> Result<Vec<(Version, SubscriptionRow)>, Problem> {
    let Some(of) = of_subscription() else { return Ok(Vec::new()) };
    asked.rule(of, Interaction::Read)?;
    let access = reach(&asked.access, Interaction::Read, fhir.reader(&asked.site.tenant));
    let mut search = Search { rows: SEARCH_ROWS_MAX, ..Search::everything(of, Test::EVERY, access) };
    let tenant = &asked.site.tenant;
    let rows = queries::subscriptions(&mut fhir.db.read().await?, tenant.number(), SUBSCRIPTIONS_MAX).await?;
    let mut rows: HashMap<LogicalId, SubscriptionRow> =
        rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut found = Vec::new();
    loop {
        let page = fhir.records.search(tenant, search.clone()).await.map_err(Problem::from)?;
        let own = page.matches.into_iter();
        found.extend(own.filter_map(|version| rows.remove(&version.id).map(|row| (version, row))));
        search.after = page.next;
        if search.after.is_none() {
            return Ok(found);
        }
    }
}

/// A subscription that the caller may read, and what is going on with it.
pub(super) async fn own(
    fhir: &Fhir,
    asked: &Asked,
    id: &str,
) -> Result<Option<(Version, SubscriptionRow)>, Problem> {
    let (Some(of), Ok(id)) = (of_subscription(), id.parse::<LogicalId>()) else { return Ok(None) };
    let rule = asked.rule(of, Interaction::Read)?;
    let version = newest(fhir, asked, (of, &id), &rule).await?;
    let Some(version) = version.filter(|version| !version.is_deletion()) else { return Ok(None) };
    let row = queries::subscription(&mut fhir.db.read().await?, asked.site.tenant.number(), &id).await?;
    Ok(row.map(|row| (version, row)))
}

/// What a record says its topic is.
pub(super) fn topic_of(version: &Version) -> Option<String> {
    let body: Value = serde_json::from_str(version.body.as_ref()?.as_str()).ok()?;
    let criteria = body.get("criteria")?.as_str()?;
    let name = criteria.split('?').next().unwrap_or_default();
    name.contains(':').then(|| criteria.to_owned())
}

fn answered(fhir: &Fhir, all: &[(Version, SubscriptionRow)]) -> Response {
    let entry = |(version, row): &(Version, SubscriptionRow)| {
        let topic = topic_of(version);
        let standing = Standing {
            base: &fhir.base,
            id: &row.id,
            topic: topic.as_deref(),
            status: row.state.as_str(),
            events: row.events,
            error: row.reason.as_deref(),
        };
        json!({
            "fullUrl": format!("urn:uuid:{}", LogicalId::of(fhir.world.new_id::<kernel::EventRow>())),
            "resource": standing.parameters(Notice::QueryStatus, &[], Content::Empty),
            "search": {"mode": "match"},
        })
    };
    let entries: Vec<Value> = all.iter().map(entry).collect();
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": entries.len()});
    if let (Some(members), false) = (bundle.as_object_mut(), entries.is_empty()) {
        members.insert("entry".to_owned(), Value::Array(entries));
    }
    let mut response = bundle.to_string().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, FHIR_JSON);
    response
}
