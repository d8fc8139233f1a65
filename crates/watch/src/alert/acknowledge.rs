//! Somebody says that they see to what a rule fires for: it is not told again until it is over.

use audit::Entry;
use axum::{Extension, extract::State};
use http::HeaderMap;
use kernel::{Id, Integration, Issue, Permission};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Writer;
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    change::did,
    evaluate::TOGETHER,
    list::RuleOut,
    queries::{self, Acknowledged, StateRow, Subject},
    rule::{AlertRule, NO_INTEGRATION, RuleRow},
    tell::{Told, tell},
};
use crate::{
    Standing, Watch,
    door::Asking,
    fault::{WatchFault, refused},
    id,
};

/// The longest note, in characters.
pub const NOTE_CHARACTERS_MAX: usize = 500;

/// What is acknowledged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertAcknowledge)]
pub(crate) struct AcknowledgeIn {
    /// `int_…`: what the rule fires for there; all that it fires for where it is left out.
    #[serde(default)]
    integration_id: Option<String>,
    /// What is to be said of it, for colleagues: 1 to 500 characters. No data of patients.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    note: Option<String>,
}

/// Acknowledge what an alert rule fires for: it is not told again until it is over.
#[utoipa::path(post, path = "/api/v1/integrations/alerts/{rule}/acknowledge", tag = "integrations", operation_id = "acknowledge_alert",
    params(("rule" = String, Path, description = "The rule's id")),
    request_body = AcknowledgeIn,
    responses((status = 200, description = "The rule, and what it fires for", body = RuleOut, headers(("ETag" = String)))),
    security(("bearer" = ["integration:sync"])))]
pub(crate) async fn acknowledge(
    State(watch): State<Watch>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<AlertRule>>,
    Json(document): Json<Value>,
) -> Answer<(HeaderMap, Json<RuleOut>)> {
    let asking = Asking::enter(bearer, Permission::JobControl)?;
    let rule = asking.rule(&watch, id).await?;
    let (subject, note) = read(&document).map_err(refused)?;
    let entry = did(
        &asking,
        &context,
        "alert.acknowledged",
        id,
        json!({"integration": subject.filter(|of| *of != TOGETHER).map(Id::<Integration>::from_bytes), "has_note": note.is_some()}),
    );
    let seen = Acknowledged { at: watch.world.now(), by: asking.bearer.0.actor().name(), note };
    watch.acknowledge(&rule, subject, (seen, entry)).await.map_err(refused)?;
    let states = queries::states(&mut watch.db.read().await?, id).await?;
    Ok(RuleOut::of(&rule, &states).tagged())
}

/// What it is of, none for all, and what is said of it.
fn read(document: &Value) -> Result<(Option<Subject>, Option<String>), WatchFault> {
    let asked: AcknowledgeIn = web::shaped(document).map_err(|issue| WatchFault::Refused(vec![issue]))?;
    let mut issues = Vec::new();
    let integration = asked.integration_id.as_deref().map(id::read::<Integration>);
    if integration == Some(None) {
        issues.push(Issue::at("integration_id", NO_INTEGRATION));
    }
    let note = asked.note.map(|note| note.trim().to_owned());
    let is_note = |note: &String| {
        (1..=NOTE_CHARACTERS_MAX).contains(&note.chars().count())
            && !note.chars().any(|c| c.is_control() && c != '\n')
    };
    if note.as_ref().is_some_and(|note| !is_note(note)) {
        issues.push(Issue::at("note", "must be 1 to 500 characters"));
    }
    match issues.is_empty() {
        true => Ok((integration.flatten().map(|integration| *integration.as_bytes()), note)),
        false => Err(WatchFault::Refused(issues)),
    }
}

impl Watch {
    async fn acknowledge(
        &self,
        rule: &RuleRow,
        subject: Option<Subject>,
        (seen, entry): (Acknowledged, Entry),
    ) -> Result<(), WatchFault> {
        let watched = self.integrations.of(rule.organisation).await?;
        let (own, rule) = (self.clone(), rule.clone());
        let unit = async move |tx: &mut Writer| -> Result<(), WatchFault> {
            let states = queries::states(tx, rule.id).await?;
            let is_meant = |state: &&StateRow| state.firing && subject.is_none_or(|of| state.subject == of);
            let firing: Vec<&StateRow> = states.iter().filter(is_meant).collect();
            if firing.is_empty() {
                return Err(WatchFault::Quiet);
            }
            for state in firing {
                queries::acknowledge(tx, (rule.id, &state.subject), &seen).await?;
                let of: Subject = state.subject.as_slice().try_into().unwrap_or(TOGETHER);
                let told = (Told::Acknowledged(seen.by.clone()), state.value);
                tell(&own, tx, &rule, (&of, &about(&rule, &of, &watched)), told).await?;
            }
            audit::record(tx, &own.world, &entry).await?;
            Ok(())
        };
        self.db.write(unit).await
    }
}

/// The integrations that an alert is about.
fn about(rule: &RuleRow, of: &Subject, watched: &[Standing]) -> Vec<Standing> {
    let is_meant = |standing: &&Standing| match *of == TOGETHER {
        true => rule.integration.is_none_or(|only| only == standing.id),
        false => standing.id.as_bytes() == of,
    };
    watched.iter().filter(is_meant).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let int = format!("int_{}", "0a".repeat(16));
        for (document, field) in [
            (json!({}), None),
            (json!({"note": null, "integration_id": null}), None),
            (json!({"note": "x".repeat(500), "integration_id": int}), None),
            (json!({"note": "two\nlines"}), None),
            (json!({"note": " "}), Some("note")),
            (json!({"note": "x".repeat(501)}), Some("note")),
            (json!({"note": "a\u{7}b"}), Some("note")),
            (json!({"note": 7}), Some("note")),
            (json!({"integration_id": "int_1"}), Some("integration_id")),
            (json!({"until": "later"}), Some("until")),
        ] {
            let found = match read(&document) {
                Ok(_) => None,
                Err(WatchFault::Refused(issues)) => Some(issues.first().unwrap().path.clone().into_owned()),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found.as_deref(), field, "{document}");
        }
    }
}
