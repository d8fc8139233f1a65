//! Records that were not taken: seen, mended, let in, let go of.

use axum::{Extension, extract::State};
use fhir::Became;
use http::StatusCode;
use kernel::{Permission, RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Json, Path, Problem, Query};

use super::{
    door::{Asking, nothing},
    id,
    page::Part,
};
use crate::{
    Exchange,
    quarantine::{self, Quarantined, Waiting},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// The last one of the page before.
    #[param(pattern = "^qr_[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// 1 to 100; 20 unless it is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Records that were not taken, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantine)]
pub(super) struct QuarantineOut {
    items: Vec<WaitingOut>,
    /// Where the next page begins; null if there is none.
    next_cursor: Option<String>,
}

/// A record that was not taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantinedRecord)]
pub(super) struct WaitingOut {
    id: String,
    job_id: String,
    resource_type: String,
    resource_id: String,
    /// Why, by a code of FHIR's issue types.
    code: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Waiting> for WaitingOut {
    fn from(waiting: Waiting) -> Self {
        Self {
            id: id::write(waiting.id),
            job_id: id::write(waiting.run),
            resource_type: waiting.name.of,
            resource_id: waiting.name.id,
            code: waiting.code,
            created_at: waiting.created_at,
        }
    }
}

/// List records that were not taken.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/quarantine", tag = "integrations", operation_id = "list_quarantine",
    params(("id" = String, Path, description = "The integration's id: `int_…`"), Page),
    responses((status = 200, description = "A page of them", body = QuarantineOut)),
    security(("bearer" = ["integration:records"])))]
pub(super) async fn list(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
    Query(page): Query<Page>,
) -> Answer<Json<QuarantineOut>> {
    let asking = Asking::enter(bearer, request, Permission::Records)?;
    let (integration, about) = asking.integration(&exchange, &text, Permission::Records).await?;
    let part = Part::read(page.cursor.as_deref(), page.limit)?;
    let mut reader = exchange.db.read().await?;
    let of = (about.organisation, integration);
    let found = quarantine::waiting(&mut reader, of, part.before, part.limit).await?;
    let next_cursor = part.next(&found, |waiting| waiting.id);
    Ok(Json(QuarantineOut { items: found.into_iter().map(WaitingOut::from).collect(), next_cursor }))
}

/// A record that was not taken, with what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantinedContent)]
pub(super) struct KeptOut {
    id: String,
    /// The record, as the source has it.
    record: String,
    /// Why it was not taken.
    reason: String,
}

/// Get a record that was not taken.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/quarantine/{record_id}", tag = "integrations",
    operation_id = "get_quarantined",
    params(("id" = String, Path, description = "The integration's id: `int_…`"),
        ("record_id" = String, Path, description = "The record's id in quarantine: `qr_…`")),
    responses((status = 200, description = "The record", body = KeptOut)),
    security(("bearer" = ["integration:records"])))]
pub(super) async fn view(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path((of, text)): Path<(String, String)>,
) -> Answer<Json<KeptOut>> {
    let asking = Asking::enter(bearer, request, Permission::Records)?;
    let record = named(&exchange, &asking, (&of, &text)).await?;
    let kept = quarantine::kept(&exchange, record.0, record.1).await?;
    quarantine::viewed(&exchange, record, asking.by()).await?;
    Ok(Json(KeptOut { id: text, record: kept.text, reason: kept.words }))
}

type Record = (kernel::Id<kernel::Organisation>, kernel::Id<Quarantined>);

/// A record in quarantine of an integration with whose records the caller may have to do.
async fn named(exchange: &Exchange, asking: &Asking, (of, text): (&str, &str)) -> Result<Record, Problem> {
    let (integration, about) = asking.integration(exchange, of, Permission::Records).await?;
    let id = id::read::<Quarantined>(text).ok_or_else(nothing)?;
    let mut reader = exchange.db.read().await?;
    let found = quarantine::one(&mut reader, about.organisation, id).await?;
    found.filter(|found| found.integration == integration).ok_or_else(nothing)?;
    Ok((about.organisation, id))
}

/// How a record is let in again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = QuarantineReplay)]
pub(super) struct ReplayIn {
    /// The record as it was mended; as it is, if it is left out. Its type and id stay.
    #[schema(value_type = Option<Object>)]
    record: Option<Box<RawValue>>,
}

/// What became of a record that was let in again.
#[derive(Serialize, ToSchema)]
#[schema(as = QuarantineReplayed)]
pub(super) struct ReplayOut {
    id: String,
    /// `stored`, `unchanged`, or `quarantined`: then it goes on waiting.
    status: &'static str,
    /// Why it was not taken.
    reason: Option<String>,
}

/// Let a record in again, as it is or mended.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/quarantine/{record_id}/replay", tag = "integrations",
    operation_id = "replay_quarantined", request_body = ReplayIn,
    params(("id" = String, Path, description = "The integration's id: `int_…`"),
        ("record_id" = String, Path, description = "The record's id in quarantine: `qr_…`")),
    responses((status = 200, description = "What became of it", body = ReplayOut)),
    security(("bearer" = ["integration:records"])))]
pub(super) async fn replay(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path((of, text)): Path<(String, String)>,
    Json(asked): Json<ReplayIn>,
) -> Answer<Json<ReplayOut>> {
    let asking = Asking::enter(bearer, request, Permission::Records)?;
    let (organisation, id) = named(&exchange, &asking, (&of, &text)).await?;
    let mended = asked.record.map(|record| record.get().to_owned());
    let became = quarantine::replay(&exchange, organisation, id, mended, asking.by()).await?;
    let (status, reason) = match became {
        Became::Stored => ("stored", None),
        Became::Unchanged => ("unchanged", None),
        Became::Refused(refused) => ("quarantined", Some(refused.words)),
    };
    Ok(Json(ReplayOut { id: text, status, reason }))
}

/// Let go of a record that was not taken.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}/quarantine/{record_id}", tag = "integrations",
    operation_id = "discard_quarantined",
    params(("id" = String, Path, description = "The integration's id: `int_…`"),
        ("record_id" = String, Path, description = "The record's id in quarantine: `qr_…`")),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["integration:records"])))]
pub(super) async fn discard(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path((of, text)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let asking = Asking::enter(bearer, request, Permission::Records)?;
    let (organisation, id) = named(&exchange, &asking, (&of, &text)).await?;
    quarantine::discard(&exchange, organisation, id, asking.by()).await?;
    Ok(StatusCode::NO_CONTENT)
}
