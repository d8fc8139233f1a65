//! The syncs of an integration: seen with their reports, begun, ended, let go on.

use axum::{extract::State as Held, response::Response};
use kernel::Permission;
use serde_json::{Value, json};
use web::{Answer, Form, Path, Problem, Query};

use super::{
    Asked, Tabbed,
    api::{Staff, encoded},
    base_of, found, frame, head,
    said::{self, Followed},
};
use crate::{
    answers::Answers,
    frame::Notice,
    label::State,
    page::staff::{Can, SyncRow, Syncs},
    respond::{done, page},
    state::Console,
    t,
};

/// What was just done with a sync, or could not be.
fn notice(asked: &Asked) -> Option<Notice> {
    match (asked.done.as_deref(), asked.refused.as_deref()) {
        (Some("begun"), _) => Some(Notice::done(t("staff-told-begun"))),
        (Some("cancelled"), _) => Some(Notice::done(t("staff-told-cancelled"))),
        (Some("retried"), _) => Some(Notice::done(t("staff-told-retried"))),
        (_, Some("state")) => Some(Notice::failed(t("staff-told-state"))),
        _ => None,
    }
}

/// `GET /staff/integrations/{id}/syncs`
pub(crate) async fn list(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let one = found(&staff, &id).await?;
    let syncs: Followed<said::Sync> = staff.get(&asked.part(&format!("/{}/sync-jobs", one.id))).await?;
    let may = |permission| staff.may(permission, (one.org_id, &one.study_ids));
    let is_pulled = one.capabilities.iter().any(|known| known == "sync_incremental");
    page(&Syncs {
        frame: frame(&staff, &one.name).await?.telling(notice(&asked)),
        head: head(&console, &staff, &one, Tabbed::Syncs),
        rows: syncs.items.iter().map(|sync| row(&console, sync)).collect(),
        older: syncs.next_cursor.map(|cursor| format!("{}/syncs?cursor={cursor}", base_of(&one.id))),
        may_sync: one.status == "active" && is_pulled && may(Permission::Sync),
        may_control: may(Permission::JobControl),
    })
}

/// A sync as a row.
pub(super) fn row(console: &Console, sync: &said::Sync) -> SyncRow {
    let (state, can) = match sync.status.as_str() {
        "done" => (State::good(t("staff-sync-done")), Can::Nothing),
        "failed" => (State::bad(t("staff-sync-failed")), Can::Retry),
        "cancelled" => (State::quiet(t("staff-sync-cancelled")), Can::Retry),
        "running" => (State::warn(t("staff-sync-running")), Can::Cancel),
        _ => (State::quiet(t("staff-sync-queued")), Can::Cancel),
    };
    let kind = if sync.sync_type == "full" { t("staff-full") } else { t("staff-incremental") };
    SyncRow {
        id: sync.job_id.clone(),
        kind: kind.into(),
        state,
        message: sync.message.clone(),
        received: sync.report.received,
        stored: sync.report.stored,
        unchanged: sync.report.unchanged,
        quarantined: sync.report.quarantined,
        deleted: sync.report.deleted,
        began: console.moment(sync.started_at.unwrap_or(sync.created_at)),
        ended: sync.finished_at.map(|at| console.moment(at)),
        can,
    }
}

/// `POST /staff/integrations/{id}/syncs`
pub(crate) async fn begin(
    staff: Staff,
    Path(id): Path<String>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let kind = if answers.text("sync_type") == "full" { "full" } else { "incremental" };
    let begun: Answer<Value> =
        staff.post(&format!("/{}/sync", encoded(&id)), Some(json!({ "sync_type": kind }))).await;
    told(&id, begun, "begun")
}

/// `POST /staff/integrations/{id}/syncs/{job}/cancel`
pub(crate) async fn cancel(staff: Staff, Path((id, job)): Path<(String, String)>) -> Answer<Response> {
    told(&id, act(&staff, (&id, &job), "cancel").await, "cancelled")
}

/// `POST /staff/integrations/{id}/syncs/{job}/retry`
pub(crate) async fn retry(staff: Staff, Path((id, job)): Path<(String, String)>) -> Answer<Response> {
    told(&id, act(&staff, (&id, &job), "retry").await, "retried")
}

async fn act(staff: &Staff, (id, job): (&str, &str), verb: &str) -> Answer<Value> {
    found(staff, id).await?;
    staff.post(&format!("/sync-jobs/{}/{verb}", encoded(job)), None).await
}

/// Back to the list; that the state did not allow it is told there.
fn told(id: &str, done_so: Answer<Value>, word: &'static str) -> Answer<Response> {
    let page = format!("{}/syncs", base_of(id));
    match done_so {
        Ok(_) => done(&page, word),
        Err(problem) if problem.kind() == kernel::Kind::Conflict => refused(&page),
        Err(problem) => Err(problem),
    }
}

fn refused(page: &str) -> Result<Response, Problem> {
    use axum::response::IntoResponse;
    Ok(web::Redirect::to_trusted(&format!("{page}?refused=state"))?.into_response())
}
