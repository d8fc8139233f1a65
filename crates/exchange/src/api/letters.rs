//! Jobs of an organisation that have failed for good.

use axum::{Extension, extract::State};
use http::StatusCode;
use kernel::{Grant, Kind, Permission, RequestId, Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Json, Path, Problem, Query};

use super::{
    door::{Asking, nothing},
    id,
    page::Part,
};
use crate::{Exchange, run};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// The last one of the page before.
    #[param(pattern = "^job_[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// 1 to 100; 20 unless it is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// Jobs that have failed for good, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetters)]
pub(super) struct LettersOut {
    items: Vec<LetterOut>,
    /// Where the next page begins; null if there is none.
    next_cursor: Option<String>,
}

/// A job that has failed for good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(super) struct LetterOut {
    id: String,
    name: String,
    attempts: i64,
    replays: i64,
    /// Why the last attempt failed.
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// List jobs of the organisation that have failed for good.
#[utoipa::path(get, path = "/api/v1/integrations/dead-letters", tag = "integrations", operation_id = "list_dead_letters",
    params(Page),
    responses((status = 200, description = "A page of them", body = LettersOut)),
    security(("bearer" = ["integration:sync"])))]
pub(super) async fn dead_letters(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Query(page): Query<Page>,
) -> Answer<Json<LettersOut>> {
    let asking = enter(bearer, request)?;
    let part = Part::read(page.cursor.as_deref(), page.limit)?;
    let mut reader = exchange.db.read().await?;
    let found = jobs::dead_letters(&mut reader, asking.organisation(), part.before, part.limit).await?;
    let next_cursor = part.next(&found, |work| work.id);
    let letter = |work: jobs::Work| LetterOut {
        id: id::write(work.id),
        name: work.name,
        attempts: work.attempts,
        replays: work.replays,
        last_error: work.last_error,
        created_at: work.created_at,
        finished_at: work.finished_at,
    };
    Ok(Json(LettersOut { items: found.into_iter().map(letter).collect(), next_cursor }))
}

/// A dead letter says nothing of studies: it takes a role in the whole organisation.
fn enter(bearer: Bearer, request: RequestId) -> Result<Asking, Problem> {
    let is_whole = bearer.0.grants.iter().any(|Grant { role, study }| {
        study.is_none() && role != Role::SystemAdmin && Permission::JobControl.is_of(role)
    });
    let asking = Asking::enter(bearer, request, Permission::JobControl)?;
    if is_whole { Ok(asking) } else { Err(Problem::new(Kind::Forbidden, "your roles do not allow this")) }
}

/// A job that runs again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterReplayed)]
pub(super) struct ReplayedOut {
    id: String,
    name: String,
    /// `ready`: it waits for a worker.
    status: &'static str,
    /// How often it was let run again by hand.
    replays: i64,
}

/// Let a job run again that has failed for good: the same one, with all its attempts before it.
#[utoipa::path(post, path = "/api/v1/integrations/dead-letters/{id}/replay", tag = "integrations", operation_id = "replay_dead_letter",
    params(("id" = String, Path, description = "The job's id: `job_…`")),
    responses((status = 202, description = "It runs again", body = ReplayedOut)),
    security(("bearer" = ["integration:sync"])))]
pub(super) async fn replay(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
) -> Answer<(StatusCode, Json<ReplayedOut>)> {
    let asking = enter(bearer, request)?;
    let id = id::read::<kernel::Job>(&text).ok_or_else(nothing)?;
    let work = run::revive(&exchange, asking.organisation(), id, asking.by()).await?;
    let told = ReplayedOut { id: text, name: work.name, status: work.state.as_str(), replays: work.replays };
    Ok((StatusCode::ACCEPTED, Json(told)))
}
