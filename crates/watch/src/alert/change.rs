//! Rules are made, stated anew, changed in parts, and deleted.

use audit::{Entry, Outcome, Subject};
use axum::{Extension, extract::State};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Id, Issue, Permission};
use serde_json::{Value, json};
use store::Writer;
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    list::RuleOut,
    queries,
    rule::{AlertRule, MailIs, NO_INTEGRATION, RULES_MAX, RuleIn, RuleRow},
};
use crate::{
    Watch,
    door::Asking,
    fault::{WatchFault, refused},
};

/// Make an alert rule.
#[utoipa::path(post, path = "/api/v1/integrations/alerts", tag = "integrations", operation_id = "create_alert_rule",
    request_body = RuleIn,
    responses((status = 201, description = "The rule", body = RuleOut, headers(("Location" = String), ("ETag" = String)))),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn create_rule(
    State(watch): State<Watch>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Json(document): Json<Value>,
) -> Answer<(StatusCode, HeaderMap, Json<RuleOut>)> {
    let asking = Asking::enter(bearer, Permission::Update)?;
    let made = watch.make_rule(&asking, &context, &document).await.map_err(refused)?;
    let (mut headers, out) = RuleOut::of(&made, &[]).tagged();
    let location = format!("/api/v1/integrations/alerts/{}", made.id);
    headers.extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    Ok((StatusCode::CREATED, headers, out))
}

/// State an alert rule anew. What it fires for is told anew.
#[utoipa::path(put, path = "/api/v1/integrations/alerts/{rule}", tag = "integrations", operation_id = "replace_alert_rule",
    params(("rule" = String, Path, description = "The rule's id"),
        ("If-Match" = String, Header, description = "The ETag of the version that is changed")),
    request_body = RuleIn,
    responses((status = 200, description = "The rule as it is now", body = RuleOut, headers(("ETag" = String)))),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn replace_rule(
    State(watch): State<Watch>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<AlertRule>>,
    headers: HeaderMap,
    Json(document): Json<Value>,
) -> Answer<(HeaderMap, Json<RuleOut>)> {
    let asking = Asking::enter(bearer, Permission::Update)?;
    let said = Said::Whole(document);
    let row = watch.change_rule((&asking, &context), id, &headers, said).await.map_err(refused)?;
    Ok(RuleOut::of(&row, &[]).tagged())
}

/// Change parts of an alert rule. What it fires for is told anew.  RFC 7396
#[utoipa::path(patch, path = "/api/v1/integrations/alerts/{rule}", tag = "integrations", operation_id = "change_alert_rule",
    params(("rule" = String, Path, description = "The rule's id"),
        ("If-Match" = String, Header, description = "The ETag of the version that is changed")),
    request_body(content = Object, content_type = "application/merge-patch+json", description = "The members that change; null for the usual value"),
    responses((status = 200, description = "The rule as it is now", body = RuleOut, headers(("ETag" = String)))),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn change_rule(
    State(watch): State<Watch>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<AlertRule>>,
    headers: HeaderMap,
    Json(patch): Json<Value>,
) -> Answer<(HeaderMap, Json<RuleOut>)> {
    let asking = Asking::enter(bearer, Permission::Update)?;
    let said = Said::Parts(patch);
    let row = watch.change_rule((&asking, &context), id, &headers, said).await.map_err(refused)?;
    Ok(RuleOut::of(&row, &[]).tagged())
}

/// Delete an alert rule.
#[utoipa::path(delete, path = "/api/v1/integrations/alerts/{rule}", tag = "integrations", operation_id = "delete_alert_rule",
    params(("rule" = String, Path, description = "The rule's id")),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn delete_rule(
    State(watch): State<Watch>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<AlertRule>>,
) -> Answer<StatusCode> {
    let asking = Asking::enter(bearer, Permission::Update)?;
    let row = asking.rule(&watch, id).await?;
    let entry = did(&asking, &context, "alert_rule.deleted", id, json!({"kind": row.kind.as_str()}));
    let own = watch.clone();
    let deleted = watch.db.write(async move |tx: &mut Writer| -> Result<(), WatchFault> {
        queries::find(tx, row.organisation, id).await?.ok_or(WatchFault::Unknown)?;
        queries::delete(tx, id).await?;
        audit::record(tx, &own.world, &entry).await?;
        Ok(())
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

enum Said {
    Whole(Value),
    Parts(Value),
}

pub(super) fn did(
    asking: &Asking,
    context: &Context,
    act: &'static str,
    id: Id<AlertRule>,
    details: Value,
) -> Entry {
    Entry {
        organisation: Some(asking.bearer.0.organisation),
        actor: asking.bearer.0.actor(),
        act,
        subject: Subject::of(id),
        outcome: Outcome::Done,
        request: Some(context.request_id().clone()),
        details,
    }
}

/// What is recorded of a rule: not whom it mails.
fn recorded(row: &RuleRow) -> Value {
    json!({
        "kind": row.kind.as_str(),
        "threshold": row.threshold,
        "window_s": row.window_s,
        "cooldown_s": row.cooldown_s,
        "repeat_s": row.repeat_s,
        "emails": row.email.len(),
        "enabled": row.enabled,
        "version": row.version,
    })
}

/// Which version the caller says it changes.  RFC 9110 §13.1.1
fn check_match(headers: &HeaderMap, version: i64) -> Result<(), WatchFault> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Err(WatchFault::Unconditional) };
    let text = value.to_str().unwrap_or_default().trim();
    let own = format!("\"{version}\"");
    match text == "*" || text.split(',').any(|tag| tag.trim() == own) {
        true => Ok(()),
        false => Err(WatchFault::Stale),
    }
}

impl Watch {
    fn mail(&self) -> MailIs {
        if self.is_mailing() { MailIs::SetUp } else { MailIs::Missing }
    }

    /// What is stated, if it is right and the caller may have it.
    async fn stated(
        &self,
        asking: &Asking,
        document: &Value,
        before: RuleRow,
    ) -> Result<RuleRow, WatchFault> {
        let stated: RuleIn = web::shaped(document).map_err(|issue| WatchFault::Refused(vec![issue]))?;
        let (integration, threshold) = stated.check(self.mail())?;
        if let Some(integration) = integration {
            let about = self.integrations.about(integration).await?;
            let own = about.filter(|about| {
                about.organisation == before.organisation
                    && asking.may_see(about.organisation, &about.studies)
            });
            if own.is_none() {
                return Err(WatchFault::Refused(vec![Issue::at("integration_id", NO_INTEGRATION)]));
            }
        }
        if !asking.covers(self, integration).await? {
            return Err(WatchFault::Forbidden);
        }
        Ok(RuleRow {
            name: stated.name.trim().to_owned(),
            kind: stated.kind,
            integration,
            threshold,
            window_s: stated.window_s,
            group_by: stated.group_by,
            cooldown_s: stated.cooldown_s,
            repeat_s: stated.repeat_s,
            email: stated.email,
            enabled: stated.enabled,
            ..before
        })
    }

    async fn make_rule(
        &self,
        asking: &Asking,
        context: &Context,
        document: &Value,
    ) -> Result<RuleRow, WatchFault> {
        let now = self.world.now();
        let organisation = asking.bearer.0.organisation;
        let row =
            self.stated(asking, document, RuleRow::blank(self.world.new_id(), organisation, now)).await?;
        let entry = did(asking, context, "alert_rule.created", row.id, recorded(&row));
        let (own, made) = (self.clone(), row.clone());
        let unit = async move |tx: &mut Writer| -> Result<(), WatchFault> {
            let there = queries::all_of(tx, organisation).await?;
            if i64::try_from(there.len()).unwrap_or(i64::MAX) >= RULES_MAX {
                return Err(WatchFault::Many);
            }
            queries::insert(tx, &made).await?;
            audit::record(tx, &own.world, &entry).await?;
            Ok(())
        };
        self.db.write(unit).await?;
        Ok(row)
    }

    async fn change_rule(
        &self,
        (asking, context): (&Asking, &Context),
        id: Id<AlertRule>,
        headers: &HeaderMap,
        said: Said,
    ) -> Result<RuleRow, WatchFault> {
        let before = asking.rule(self, id).await?;
        check_match(headers, before.version)?;
        let document = match said {
            Said::Whole(document) => document,
            Said::Parts(patch) => merged(&before, patch)?,
        };
        let (version, now) = (before.version + 1, self.world.now());
        let was = recorded(&before);
        let row = self.stated(asking, &document, RuleRow { version, updated_at: now, ..before }).await?;
        let mut details = recorded(&row);
        if let Some(members) = details.as_object_mut() {
            members.insert("was".to_owned(), was);
        }
        let entry = did(asking, context, "alert_rule.changed", id, details);
        let (own, written) = (self.clone(), row.clone());
        let unit = async move |tx: &mut Writer| -> Result<(), WatchFault> {
            if !queries::update(tx, &written).await? {
                return Err(WatchFault::Stale);
            }
            audit::record(tx, &own.world, &entry).await?;
            Ok(())
        };
        self.db.write(unit).await?;
        Ok(row)
    }
}

/// The rule with the members that change. None of them is an object, so this is all of RFC 7396.
fn merged(before: &RuleRow, patch: Value) -> Result<Value, WatchFault> {
    let Value::Object(patch) = patch else {
        return Err(WatchFault::Refused(vec![Issue::at("", "must be an object")]));
    };
    let mut whole = serde_json::to_value(RuleIn::of(before)).unwrap_or_default();
    let Some(members) = whole.as_object_mut() else { return Ok(whole) };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    Ok(whole)
}
