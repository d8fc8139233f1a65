//! What was done to an integration, by whom and why.  21 CFR 11.10(e)

use axum::extract::State;
use kernel::{Permission, RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Json, Path, Query};

use super::{IntId, body::refused, change, door::Asking};
use crate::Broker;

/// The largest page.
const LIMIT_MAX: u32 = 100;
const LIMIT_DEFAULT: u32 = 20;

/// From where, and how many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Changes before this version.
    before: Option<i64>,
    /// From 1 to 100; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// What was done, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedIntegrationHistory)]
pub(crate) struct HistoryOut {
    #[schema(value_type = String)]
    integration_id: IntId,
    changes: Vec<ChangeOut>,
    has_more: bool,
}

/// One change.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedIntegrationChange)]
pub(crate) struct ChangeOut {
    version: i64,
    act: String,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    user: String,
    reason: Option<String>,
    #[schema(value_type = Option<Object>)]
    old: Option<Value>,
    #[schema(value_type = Option<Object>)]
    new: Option<Value>,
}

/// What was done to an integration.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/audit", tag = "integrations", operation_id = "audit_managed_integration",
    params(Asked, ("id" = String, Path, description = "The integration's id; archived ones too")),
    responses((status = 200, description = "Its changes, newest first", body = HistoryOut)),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn history(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Json<HistoryOut>> {
    let asking = Asking::enter(bearer, request, Permission::Audit)?;
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(refused(vec![kernel::Issue::at("limit", "must be 1 to 100")]));
    }
    let mut tx = broker.db.read().await?;
    let found = asking.find(&mut tx, &id, Permission::Audit).await?;
    let before = asked.before.unwrap_or(i64::MAX);
    let mut changes = change::history(&mut tx, found.id, before, i64::from(limit) + 1).await?;
    let kept = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = changes.len() > kept;
    changes.truncate(kept);
    let told = changes.into_iter().map(|one| ChangeOut {
        version: one.version,
        act: one.act,
        timestamp: one.at,
        user: one.by,
        reason: one.reason,
        old: one.before,
        new: one.after,
    });
    Ok(Json(HistoryOut { integration_id: IntId(found.id), changes: told.collect(), has_more }))
}
