//! Rules as staff see them.

use std::collections::BTreeMap;

use axum::extract::State;
use http::{HeaderMap, HeaderValue, header};
use kernel::{Id, Integration, Permission, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path};

use super::{
    evaluate::TOGETHER,
    queries::{self, Acknowledged, StateRow},
    rule::{AlertRule, Grouping, Kind, RuleIn, RuleRow},
};
use crate::{Watch, door::Asking, fault::WatchFault, id};

/// Rules, and how they stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertRules)]
pub(crate) struct RulesOut {
    /// In the order in which they were made: 200 at the most.
    items: Vec<RuleOut>,
    total: usize,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertRule)]
pub(crate) struct RuleOut {
    #[schema(value_type = String, format = "uuid")]
    id: Id<AlertRule>,
    name: String,
    kind: Kind,
    /// None where it watches all of the organisation.
    integration_id: Option<String>,
    /// None where the window says it all.
    threshold: Option<i64>,
    window_s: i64,
    group_by: Grouping,
    cooldown_s: i64,
    /// None where it is not told again.
    repeat_s: Option<i64>,
    email: Vec<String>,
    enabled: bool,
    /// What it fires for at present.
    firing: Vec<FiringOut>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Its version, which is also its `ETag`.
    version: i64,
}

/// Something that a rule fires for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertFiring)]
struct FiringOut {
    /// None where the rule watches all together.
    integration_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// What was found when it began.
    value: i64,
    /// That somebody sees to it; none where nobody has said so.
    acknowledged: Option<AcknowledgedOut>,
}

/// That somebody sees to what a rule fires for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertAcknowledgement)]
struct AcknowledgedOut {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    by: String,
    /// What they say of it.
    note: Option<String>,
}

impl RuleOut {
    pub fn of(row: &RuleRow, states: &[StateRow]) -> Self {
        let firing = states.iter().filter(|state| state.firing && state.rule == row.id).map(|state| {
            let subject: [u8; 16] = state.subject.as_slice().try_into().unwrap_or(TOGETHER);
            FiringOut {
                integration_id: (subject != TOGETHER)
                    .then(|| id::write(Id::<Integration>::from_bytes(subject))),
                since: state.since,
                value: state.value,
                acknowledged: state
                    .acknowledged
                    .clone()
                    .map(|Acknowledged { at, by, note }| AcknowledgedOut { at, by, note }),
            }
        });
        let stated = RuleIn::of(row);
        Self {
            id: row.id,
            name: stated.name,
            kind: stated.kind,
            integration_id: stated.integration_id,
            threshold: stated.threshold,
            window_s: stated.window_s,
            group_by: stated.group_by,
            cooldown_s: stated.cooldown_s,
            repeat_s: stated.repeat_s,
            email: stated.email,
            enabled: stated.enabled,
            firing: firing.collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }

    /// The answer, with its `ETag`.
    pub fn tagged(self) -> (HeaderMap, Json<Self>) {
        let mut headers = HeaderMap::new();
        let tag = HeaderValue::from_str(&format!("\"{}\"", self.version));
        headers.extend(tag.ok().map(|value| (header::ETAG, value)));
        (headers, Json(self))
    }
}

/// Get the alert rules of the organisation, and what they fire for.
#[utoipa::path(get, path = "/api/v1/integrations/alerts", tag = "integrations", operation_id = "list_alert_rules",
    responses((status = 200, description = "The rules that the caller may see", body = RulesOut)),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn list_rules(State(watch): State<Watch>, bearer: Bearer) -> Answer<Json<RulesOut>> {
    let asking = Asking::enter(bearer, Permission::Logs)?;
    let organisation = asking.bearer.0.organisation;
    let mut reader = watch.db.read().await?;
    let rows = queries::all_of(&mut reader, organisation).await?;
    let states = queries::firing(&mut reader, organisation).await?;
    drop(reader);
    let mut seen = BTreeMap::new();
    let mut items = Vec::new();
    for row in &rows {
        let may = match seen.get(&row.integration) {
            Some(may) => *may,
            None => asking.covers(&watch, row.integration).await?,
        };
        seen.insert(row.integration, may);
        if may {
            items.push(RuleOut::of(row, &states));
        }
    }
    Ok(Json(RulesOut { total: items.len(), items }))
}

/// Get an alert rule, and what it fires for.
#[utoipa::path(get, path = "/api/v1/integrations/alerts/{rule}", tag = "integrations", operation_id = "get_alert_rule",
    params(("rule" = String, Path, description = "The rule's id")),
    responses((status = 200, description = "The rule", body = RuleOut, headers(("ETag" = String)))),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn get_rule(
    State(watch): State<Watch>,
    bearer: Bearer,
    Path(id): Path<Id<AlertRule>>,
) -> Answer<(HeaderMap, Json<RuleOut>)> {
    let asking = Asking::enter(bearer, Permission::Logs)?;
    let row = asking.rule(&watch, id).await?;
    let states = queries::states(&mut watch.db.read().await?, id).await?;
    Ok(RuleOut::of(&row, &states).tagged())
}

impl Asking {
    /// Whether the caller may do this to what is of this integration, or of all.
    pub(super) async fn covers(
        &self,
        watch: &Watch,
        integration: Option<Id<Integration>>,
    ) -> Result<bool, WatchFault> {
        let own = self.bearer.0.organisation;
        let Some(integration) = integration else { return Ok(self.may(own, &[])) };
        let about = watch.integrations.about(integration).await?.filter(|about| about.organisation == own);
        // What it was of is gone: the rule is the organisation's.
        Ok(self.may(own, &about.map(|about| about.studies).unwrap_or_default()))
    }

    /// The rule of this id, if the caller may do this to it.
    pub(super) async fn rule(&self, watch: &Watch, id: Id<AlertRule>) -> Result<RuleRow, WatchFault> {
        let found = queries::find(&mut watch.db.read().await?, self.bearer.0.organisation, id).await?;
        let found = found.ok_or(WatchFault::Unknown)?;
        match self.covers(watch, found.integration).await? {
            true => Ok(found),
            false => Err(WatchFault::Unknown),
        }
    }
}
