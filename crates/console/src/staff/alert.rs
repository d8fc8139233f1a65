//! Rules, and what they fire for.

use axum::{
    extract::State as Held,
    response::{IntoResponse, Response},
};
use kernel::{Kind, Permission};
use serde_json::{Value, json};
use web::{Answer, Form, Path, Query, Redirect};

use super::{
    Asked,
    api::{Staff, encoded},
    base_of,
    said::{self, Rules},
};
use crate::{
    answers::Answers,
    frame::{Frame, Here, Notice},
    label::State,
    page::staff::{Alerts, FiringRow, RuleRow, Seen},
    respond::{done, page},
    state::Console,
    t,
};

const LIST: &str = "/staff/alerts";

/// `GET /staff/alerts`
pub(crate) async fn list(
    Held(console): Held<Console>,
    staff: Staff,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let mut rules: Rules = staff.get("/alerts").await?;
    rules.items.sort_by_key(|rule| rule.firing.is_empty());
    let firing = rules.items.iter().filter(|rule| !rule.firing.is_empty()).count();
    let how = match (rules.items.len(), firing) {
        (0, _) => t("staff-how-no-rules"),
        (_, 0) => t("staff-how-quiet"),
        (_, some) => t("staff-how-firing").count("many", some),
    };
    let notice = match (asked.done.as_deref(), asked.refused.as_deref()) {
        (Some("acknowledged"), _) => Some(Notice::done(t("staff-told-seen"))),
        (_, Some("state")) => Some(Notice::failed(t("staff-told-over"))),
        (_, Some("note")) => Some(Notice::failed(t("staff-told-note"))),
        _ => None,
    };
    page(&Alerts {
        frame: Frame::inside(t("staff-alerts"), Here::StaffAlerts, staff.viewer().await?).telling(notice),
        how: how.into(),
        rules: rules.items.iter().map(|rule| row(&console, rule)).collect(),
        may_acknowledge: staff.may_somewhere(Permission::JobControl),
    })
}

/// `POST /staff/alerts/{rule}/acknowledge`
pub(crate) async fn acknowledge(
    staff: Staff,
    Path(rule): Path<String>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let said = |name: &str| Some(answers.text(name)).filter(|text| !text.is_empty());
    let body = json!({ "integration_id": said("integration_id"), "note": said("note") });
    let path = format!("/alerts/{}/acknowledge", encoded(&rule));
    let seen: Answer<Value> = staff.post(&path, Some(body)).await;
    let refused = match seen {
        Ok(_) => return done(LIST, "acknowledged"),
        // It was over before somebody said so.
        Err(problem) if problem.kind() == Kind::Conflict => "state",
        Err(problem) if problem.kind() == Kind::Invalid => "note",
        Err(problem) => return Err(problem),
    };
    Ok(Redirect::to_trusted(&format!("{LIST}?refused={refused}"))?.into_response())
}

fn linked(id: &str) -> (String, String) {
    (base_of(id), id.to_owned())
}

fn row(console: &Console, rule: &said::Rule) -> RuleRow {
    let firing = |one: &said::Firing| FiringRow {
        of: one.integration_id.as_deref().map(linked),
        since: console.moment(one.since),
        value: one.value,
        seen: one.acknowledged.as_ref().map(|seen| Seen {
            at: console.moment(seen.at),
            by: seen.by.clone(),
            note: seen.note.clone(),
        }),
    };
    RuleRow {
        id: rule.id.clone(),
        name: rule.name.clone(),
        what: what_of(&rule.kind, rule.threshold, rule.window_s),
        state: match (rule.enabled, rule.firing.is_empty()) {
            (false, _) => State::quiet(t("staff-rule-off")),
            (true, true) => State::good(t("staff-rule-quiet")),
            (true, false) => State::bad(t("staff-rule-firing")),
        },
        of: rule.integration_id.as_deref().map(linked),
        mailed: rule.email.len(),
        firing: rule.firing.iter().map(firing).collect(),
    }
}

/// What a rule looks at, in words.
pub(crate) fn what_of(kind: &str, threshold: Option<i64>, window_s: i64) -> String {
    let limit = threshold.unwrap_or_default();
    let minutes = usize::try_from(window_s / 60).unwrap_or_default();
    let said = match kind {
        "error_rate" => t("staff-rule-errors").of("limit", limit).count("minutes", minutes),
        "latency" => t("staff-rule-latency").of("limit", limit).count("minutes", minutes),
        "failed_sync" => t("staff-rule-failed").of("limit", limit).count("minutes", minutes),
        "no_data" => t("staff-rule-no-data").count("minutes", minutes),
        "queue_depth" => t("staff-rule-queue").of("limit", limit),
        _ => t("staff-rule-refusals").of("limit", limit).count("minutes", minutes),
    };
    said.into()
}
