//! A sync is asked for.

use axum::{Extension, extract::State, response::IntoResponse};
use http::StatusCode;
use kernel::{Kind, Permission, RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path, Problem};

use super::{door::Asking, id};
use crate::{
    Exchange,
    run::{self, Extent},
};

/// What is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SyncType {
    /// Everything; what is gone at the source is deleted.
    Full,
    /// What changed since the sync before.
    #[default]
    Incremental,
}

impl From<SyncType> for Extent {
    fn from(of: SyncType) -> Self {
        match of {
            SyncType::Full => Self::Full,
            SyncType::Incremental => Self::Incremental,
        }
    }
}

impl From<Extent> for SyncType {
    fn from(of: Extent) -> Self {
        match of {
            Extent::Full => Self::Full,
            Extent::Incremental => Self::Incremental,
        }
    }
}

/// How to sync.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncAsked)]
pub(super) struct SyncIn {
    #[serde(default)]
    sync_type: SyncType,
    /// There are no options yet: an object without members.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: Map<String, Value>,
}

/// A sync that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncBegun)]
pub(super) struct SyncOut {
    #[schema(example = "int_019a0b6e0000700080000000000000ab")]
    integration_id: String,
    #[schema(example = "sync_019a0b6e0000700080000000000000cd")]
    job_id: String,
    status: &'static str,
    sync_type: SyncType,
    #[schema(value_type = Object)]
    options: Map<String, Value>,
    initiated_by: String,
    #[schema(value_type = String, format = DateTime)]
    initiated_at: Timestamp,
    /// As long as the last one of this type took; null if there was none.
    estimated_duration_minutes: Option<u64>,
}

/// Begin a sync.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/sync", tag = "integrations", operation_id = "sync_integration",
    params(("id" = String, Path, description = "The integration's id: `int_…`")),
    request_body = SyncIn,
    responses((status = 202, description = "It is queued", body = SyncOut)),
    security(("bearer" = ["integration:sync"])))]
pub(super) async fn sync(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
    Json(asked): Json<SyncIn>,
) -> Answer<impl IntoResponse> {
    let asking = Asking::enter(bearer, request, Permission::Sync)?;
    let (integration, about) = asking.integration(&exchange, &text, Permission::Sync).await?;
    if !asked.options.is_empty() {
        return Err(Problem::new(Kind::Unsupported, "there are no options").with_path("options"));
    }
    let extent = asked.sync_type.into();
    let run = run::begin(&exchange, (about.organisation, integration), extent, asking.by()).await?;
    let took_s = run::last_took_s(&mut exchange.db.read().await?, integration, extent).await?;
    let begun = SyncOut {
        integration_id: id::write(integration),
        job_id: id::write(run.id),
        status: run.state.as_str(),
        sync_type: asked.sync_type,
        options: asked.options,
        initiated_by: asking.by_whom(),
        initiated_at: run.created_at,
        estimated_duration_minutes: took_s.map(|took_s| took_s.div_ceil(60).max(1)),
    };
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
