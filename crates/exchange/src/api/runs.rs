//! A sync under way, and after it: what it is doing, its report, ending it, letting it go on.

use axum::{Extension, extract::State};
use kernel::{Permission, RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Json, Path, Query};

use super::{door::Asking, id, page::Part, sync::SyncType};
use crate::{
    Exchange,
    run::{self, Counts, Run},
};

/// A sync.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncJob)]
pub(super) struct RunOut {
    job_id: String,
    integration_id: String,
    status: &'static str,
    sync_type: SyncType,
    report: ReportOut,
    /// Why it failed.
    message: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// What came in, and what became of it: `received` is the sum of the others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationReport)]
pub(super) struct ReportOut {
    received: i64,
    stored: i64,
    unchanged: i64,
    quarantined: i64,
    deleted: i64,
}

impl From<&Run> for RunOut {
    fn from(run: &Run) -> Self {
        let Counts { received, stored, unchanged, quarantined, deleted } = run.counts;
        Self {
            job_id: id::write(run.id),
            integration_id: id::write(run.integration),
            status: run.state.as_str(),
            sync_type: run.extent.into(),
            report: ReportOut { received, stored, unchanged, quarantined, deleted },
            message: run.why.clone(),
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// Which syncs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The last one of the page before.
    #[param(pattern = "^sync_[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// 1 to 100; 20 unless it is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Syncs of an integration, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncJobs)]
pub(super) struct RunsOut {
    items: Vec<RunOut>,
    /// Where the next page begins; null if there is none.
    next_cursor: Option<String>,
}

/// List the syncs of an integration, each with its state and its report.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/sync-jobs", tag = "integrations", operation_id = "list_sync_jobs",
    params(Page, ("id" = String, Path, description = "The integration's id: `int_…`")),
    responses((status = 200, description = "A page of them", body = RunsOut)),
    security(("bearer" = ["integration:read"])))]
pub(super) async fn list(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
    Query(page): Query<Page>,
) -> Answer<Json<RunsOut>> {
    let asking = Asking::enter(bearer, request, Permission::Read)?;
    let (integration, _) = asking.integration(&exchange, &text, Permission::Read).await?;
    let part = Part::read(page.cursor.as_deref(), page.limit)?;
    let mut reader = exchange.db.read().await?;
    let found = run::of_integration(&mut reader, integration, part.before, part.limit).await?;
    let next_cursor = part.next(&found, |run| run.id);
    Ok(Json(RunsOut { items: found.iter().map(RunOut::from).collect(), next_cursor }))
}

/// Get a sync: its state and its report.
#[utoipa::path(get, path = "/api/v1/integrations/sync-jobs/{job_id}", tag = "integrations", operation_id = "get_sync_job",
    params(("job_id" = String, Path, description = "The sync's id: `sync_…`")),
    responses((status = 200, description = "The sync", body = RunOut)),
    security(("bearer" = ["integration:read"])))]
pub(super) async fn view(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
) -> Answer<Json<RunOut>> {
    let asking = Asking::enter(bearer, request, Permission::Read)?;
    let run = asking.run(&exchange, &text, Permission::Read).await?;
    Ok(Json(RunOut::from(&run)))
}

/// End a sync: what is stored by then stays.
#[utoipa::path(post, path = "/api/v1/integrations/sync-jobs/{job_id}/cancel", tag = "integrations",
    operation_id = "cancel_sync_job",
    params(("job_id" = String, Path, description = "The sync's id: `sync_…`")),
    responses((status = 200, description = "It has ended, or ends between two pages", body = RunOut)),
    security(("bearer" = ["integration:sync"])))]
pub(super) async fn cancel(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
) -> Answer<Json<RunOut>> {
    let asking = Asking::enter(bearer, request, Permission::JobControl)?;
    let run = asking.run(&exchange, &text, Permission::JobControl).await?;
    run::cancel(&exchange, run.organisation, run.id, asking.by()).await?;
    let run = asking.run(&exchange, &text, Permission::JobControl).await?;
    Ok(Json(RunOut::from(&run)))
}

/// Let a sync go on that has failed or was ended, from where it was.
#[utoipa::path(post, path = "/api/v1/integrations/sync-jobs/{job_id}/retry", tag = "integrations",
    operation_id = "retry_sync_job",
    params(("job_id" = String, Path, description = "The sync's id: `sync_…`")),
    responses((status = 200, description = "It is queued", body = RunOut)),
    security(("bearer" = ["integration:sync"])))]
pub(super) async fn retry(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
) -> Answer<Json<RunOut>> {
    let asking = Asking::enter(bearer, request, Permission::JobControl)?;
    let run = asking.run(&exchange, &text, Permission::JobControl).await?;
    let run = run::retry(&exchange, run.organisation, run.id, asking.by()).await?;
    Ok(Json(RunOut::from(&run)))
}
