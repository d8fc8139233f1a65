//! A change on record: what was there before and after, by whom and why, in the transaction that makes it.  21 CFR 11.10(e)

use audit::{Outcome, Subject};
use crypto::{b64, sha256};
use http::HeaderMap;
use kernel::{Event, Issue, Timestamp};
use serde_json::{Map, Value, json};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};
use watch::{Line, What, line::Numbers};
use web::Problem;

use super::{
    IntId, Managed, REASON_CHARACTERS_MAX,
    body::{is_line, refused},
    create::taken,
    door::{Asking, overtaken},
    policy::REGULATED,
    queries,
};
use crate::{Broker, integration::CHANNEL};

/// Where a reason stands in requests without a body.
const REASON: &str = "x-change-reason";

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act(pub &'static str);

pub const CREATED: Act = Act("integration.created");
pub const UPDATED: Act = Act("integration.updated");
pub const ARCHIVED: Act = Act("integration.archived");
pub const RESTORED: Act = Act("integration.restored");
pub const ACTIVATED: Act = Act("integration.activated");
pub const DEACTIVATED: Act = Act("integration.deactivated");
pub const PURGED: Act = Act("integration.purged");

impl Act {
    /// What the integration's log says of it.
    fn told(self) -> Option<What> {
        match self {
            CREATED => Some(What::Created),
            UPDATED => Some(What::Updated),
            ARCHIVED => Some(What::Archived),
            RESTORED => Some(What::Restored),
            ACTIVATED => Some(What::Activated),
            DEACTIVATED => Some(What::Deactivated),
            _ => None,
        }
    }
}

/// The reason that a header states.
pub fn reason_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(REASON) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
    if is_line(text, REASON_CHARACTERS_MAX) {
        Ok(Some(text.to_owned()))
    } else {
        Err(refused(vec![Issue::at(
            "X-Change-Reason",
            "must be 1 to 500 characters, not blank, in one line",
        )]))
    }
}

/// What is recorded of an integration: all that staff can change; of credentials only their fingerprints.
pub fn recorded(of: &Managed) -> Map<String, Value> {
    let all = json!({
        "name": of.name,
        "status": of.status.as_str(),
        "config": of.config,
        "credentials": of.credentials,
        "sync_frequency": of.sync_frequency,
        "study_ids": of.studies,
    });
    match all {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The names of what differs.
pub fn differing(before: &Managed, after: &Managed) -> Vec<String> {
    let before = recorded(before);
    let after = recorded(after);
    after.into_iter().filter(|(name, value)| before.get(name) != Some(value)).map(|(name, _)| name).collect()
}

/// Insist on a reason where something regulated differs.
pub fn check_reason(differing: &[String], reason: Option<&str>) -> Result<(), Problem> {
    let regulated = differing.iter().find(|name| REGULATED.contains(&name.as_str()));
    match (regulated, reason) {
        (Some(name), None) => Err(refused(vec![Issue::at(
            "reason",
            format!("is needed where {name} changes: in the body, or in the header X-Change-Reason"),
        )])),
        _ => Ok(()),
    }
}

/// Write the change and its record; 412 where another change came first, 409 where another one has the name.
pub async fn make(
    tx: &mut Writer,
    broker: &Broker,
    asking: &Asking,
    (before, after): (&Managed, &Managed),
    act: Act,
    reason: Option<&str>,
) -> Result<(), Problem> {
    if queries::update(tx, after).await.map_err(taken)? == 0 {
        return Err(overtaken());
    }
    record(tx, broker, asking, (Some(before), after), act, reason).await
}

/// Write the record alone.
pub async fn record(
    tx: &mut Writer,
    broker: &Broker,
    asking: &Asking,
    (before, after): (Option<&Managed>, &Managed),
    act: Act,
    reason: Option<&str>,
) -> Result<(), Problem> {
    let (old, new) = (before.map(recorded), recorded(after));
    tx.execute(
        "INSERT INTO integration_change (integration_id, version, act, at, by_whom, reason, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            after.id,
            after.version,
            act.0,
            after.updated_at,
            asking.by_whom(),
            reason,
            old.as_ref().map(Json),
            Json(&new),
        ],
    )
    .await?;
    let fields = before.map(|before| differing(before, after));
    let details = json!({
        "version": after.version,
        "fields": fields,
        "has_reason": reason.is_some(),
        "before": old.as_ref().map(digest_of),
        "after": digest_of(&new),
    });
    let entry = asking.by().did(after.organisation, act.0, Subject::of(after.id), Outcome::Done, details);
    audit::record(tx, &broker.world, &entry).await?;
    if let Some(what) = act.told() {
        let numbers = Numbers { version: Some(after.version), ..Numbers::default() };
        broker.log.note_in(tx, Line::of(after.id, what).with(numbers));
    }
    let event = Event {
        organisation: after.organisation,
        name: act.0,
        subject: IntId(after.id).to_string(),
        data: json!({
            "integration_id": IntId(after.id).to_string(),
            "studies": after.studies,
            "status": after.status.as_str(),
            "version": after.version,
        }),
    };
    jobs::publish(tx, &broker.world, &event).await?;
    tx.publish(CHANNEL, &after.slug).await?;
    Ok(())
}

/// Ties an audit row to what `integration_change` keeps: values do not belong into the trail.
fn digest_of(recorded: &Map<String, Value>) -> String {
    b64::encode(sha256(&serde_json::to_vec(recorded).unwrap_or_default()))
}

/// A change, as it is told.
pub struct Changed {
    pub version: i64,
    pub act: String,
    pub at: Timestamp,
    pub by: String,
    pub reason: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl FromRow for Changed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            version: row.get("version")?,
            act: row.get("act")?,
            at: row.get("at")?,
            by: row.get("by_whom")?,
            reason: row.get("reason")?,
            before: row.get::<Option<Json<Value>>>("before")?.map(|json| json.0),
            after: row.get::<Option<Json<Value>>>("after")?.map(|json| json.0),
        })
    }
}

/// The changes before a version, newest first.
pub async fn history(
    tx: &mut Reader,
    id: kernel::Id<kernel::Integration>,
    before: i64,
    rows_max: i64,
) -> Result<Vec<Changed>, DbError> {
    tx.all(
        "SELECT version, act, at, by_whom, reason, before, after FROM integration_change \
         WHERE integration_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3",
        binds![id, before, rows_max],
    )
    .await
}
