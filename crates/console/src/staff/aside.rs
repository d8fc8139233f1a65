//! Records that were set aside: seen, let in again, let go of.

use axum::{extract::State as Held, response::Response};
use serde_json::json;
use web::{Answer, Path, Query};

use super::{
    Asked, Tabbed,
    api::{Staff, encoded},
    base_of, found, frame, head,
    said::{self, AsideKept, AsideReplayed, Followed},
};
use crate::{
    frame::Notice,
    page::staff::{Aside, AsideRow, Quarantine},
    respond::{done, page},
    state::Console,
    t,
};

/// `GET /staff/integrations/{id}/quarantine`
pub(crate) async fn list(
    Held(console): Held<Console>,
    staff: Staff,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let one = found(&staff, &id).await?;
    let records: Followed<said::Aside> = staff.get(&asked.part(&format!("/{}/quarantine", one.id))).await?;
    let notice = match asked.done.as_deref() {
        Some("stored") => Some(Notice::done(t("staff-told-stored"))),
        Some("discarded") => Some(Notice::done(t("staff-told-discarded"))),
        _ => None,
    };
    page(&Quarantine {
        frame: frame(&staff, &one.name).await?.telling(notice),
        head: head(&console, &staff, &one, Tabbed::Quarantine),
        rows: records.items.iter().map(|record| row(&console, record)).collect(),
        older: records.next_cursor.map(|cursor| format!("{}/quarantine?cursor={cursor}", base_of(&one.id))),
    })
}

fn row(console: &Console, record: &said::Aside) -> AsideRow {
    AsideRow {
        id: record.id.clone(),
        record: format!("{}/{}", record.resource_type, record.resource_id),
        code: record.code.clone(),
        sync: record.job_id.clone(),
        since: console.moment(record.created_at),
    }
}

fn path_of(id: &str, record: &str) -> String {
    format!("/{}/quarantine/{}", encoded(id), encoded(record))
}

/// `GET /staff/integrations/{id}/quarantine/{record}`: what it says is health data, and that it was seen is on record.
pub(crate) async fn show(
    staff: Staff,
    Path((id, record)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let kept: AsideKept = staff.get(&path_of(&id, &record)).await?;
    let is_back = asked.done.as_deref() == Some("quarantined");
    let notice = is_back.then(|| Notice::failed(t("staff-told-quarantined")));
    page(&Aside {
        frame: frame(&staff, &String::from(t("staff-aside"))).await?.telling(notice),
        back: format!("{}/quarantine", base_of(&id)),
        id: record,
        reason: kept.reason,
        record: kept.record,
    })
}

/// `POST /staff/integrations/{id}/quarantine/{record}/replay`
pub(crate) async fn replay(staff: Staff, Path((id, record)): Path<(String, String)>) -> Answer<Response> {
    let path = format!("{}/replay", path_of(&id, &record));
    let became: AsideReplayed = staff.post(&path, Some(json!({}))).await?;
    let list = format!("{}/quarantine", base_of(&id));
    match became.status.as_str() {
        "quarantined" => done(&format!("{list}/{record}"), "quarantined"),
        _ => done(&list, "stored"),
    }
}

/// `POST /staff/integrations/{id}/quarantine/{record}/discard`
pub(crate) async fn discard(staff: Staff, Path((id, record)): Path<(String, String)>) -> Answer<Response> {
    staff.delete(&path_of(&id, &record)).await?;
    done(&format!("{}/quarantine", base_of(&id)), "discarded")
}
