//! An endpoint is stated anew, in whole or in part.

use audit::Subject;
use axum::{Extension, extract::State as Held};
use http::HeaderMap;
use kernel::{Id, Permission};
use serde_json::{Value, json};
use store::Writer;
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    Endpoint, EndpointIn, EndpointRow, PausedBy, Secrets, State, queries,
    settings::read,
    view::{EndpointOut, Expected, Tagged, expected},
};
use crate::{By, WebhookFault, Webhooks, access::Access, delivery, fault::refused};

/// State an endpoint anew. Its secret stays.
#[utoipa::path(put, path = "/api/v1/integrations/webhooks/{endpoint}", tag = "webhooks", operation_id = "replace_webhook_endpoint",
    params(("endpoint" = String, Path, description = "The endpoint's id"),
        ("If-Match" = String, Header, description = "The ETag of the version that is changed")),
    request_body = EndpointIn,
    responses((status = 200, description = "The endpoint as it is now", body = EndpointOut, headers(("ETag" = String)))),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn replace_endpoint(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    headers: HeaderMap,
    Json(document): Json<Value>,
) -> Answer<Tagged> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let change = Change { by: By::caller(&bearer.0, &context), access, id, said: Said::Whole(document) };
    let changed = async { webhooks.change(change, expected(&headers)?).await };
    Ok(changed.await.map_err(refused)?.tagged())
}

/// Change parts of an endpoint.  RFC 7396
#[utoipa::path(patch, path = "/api/v1/integrations/webhooks/{endpoint}", tag = "webhooks", operation_id = "change_webhook_endpoint",
    params(("endpoint" = String, Path, description = "The endpoint's id"),
        ("If-Match" = String, Header, description = "The ETag of the version that is changed")),
    request_body(content = Object, content_type = "application/merge-patch+json", description = "The members that change; null for the usual value"),
    responses((status = 200, description = "The endpoint as it is now", body = EndpointOut, headers(("ETag" = String)))),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn change_endpoint(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    headers: HeaderMap,
    Json(patch): Json<Value>,
) -> Answer<Tagged> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let change = Change { by: By::caller(&bearer.0, &context), access, id, said: Said::Parts(patch) };
    let changed = async { webhooks.change(change, expected(&headers)?).await };
    Ok(changed.await.map_err(refused)?.tagged())
}

/// What is asked for.
struct Change {
    access: Access,
    by: By,
    id: Id<Endpoint>,
    said: Said,
}

enum Said {
    Whole(Value),
    Parts(Value),
}

/// The endpoint as its owner would state it.
fn stated(row: &EndpointRow) -> Value {
    let masked: serde_json::Map<String, Value> =
        row.header_names.iter().map(|name| (name.clone(), json!(super::settings::MASK))).collect();
    let mut whole = json!({
        "name": row.name,
        "url": row.url,
        "event_types": row.wanted.event_types,
        "studies": row.wanted.studies,
        "integrations": row.wanted.integrations,
        "order": row.order,
        "timeout_s": row.timeout_s,
        "headers": masked,
    });
    // One that we have disabled stays so unless its owner says otherwise.
    if let (Some(members), true) = (whole.as_object_mut(), row.state != State::Disabled) {
        members.insert("state".to_owned(), json!(row.state));
    }
    whole
}

/// RFC 7396 §2
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Whether somebody of this side may have an endpoint told again that stands so: whoever receives its calls only after a pause of
/// their own, or where we have disabled it because calls failed.
pub(crate) const fn may_enable(side: PausedBy, (state, paused_by): (State, Option<PausedBy>)) -> bool {
    match (side, state, paused_by) {
        (PausedBy::Receiver, State::Paused, Some(PausedBy::Receiver)) => true,
        (PausedBy::Receiver, State::Paused, _) => false,
        _ => true,
    }
}

/// Who has paused an endpoint after it was stated to stand so, by `who`; none of them where a change says nothing of it.
fn paused_by(
    before: (State, Option<PausedBy>),
    (state, who): (State, Option<PausedBy>),
) -> Result<Option<PausedBy>, WebhookFault> {
    match (state, who) {
        (State::Enabled, Some(side)) if !may_enable(side, before) => Err(WebhookFault::Held),
        (State::Enabled | State::Disabled, _) => Ok(None),
        // A receiver who pauses what is paused takes it from nobody.
        (State::Paused, None | Some(PausedBy::Receiver)) if before.0 == State::Paused => Ok(before.1),
        (State::Paused, who) => Ok(Some(who.unwrap_or(PausedBy::Staff))),
    }
}

impl Webhooks {
    /// The endpoint is told, or waits: whichever version it is.
    pub(crate) async fn stand(
        &self,
        (access, by): (&Access, &By),
        id: Id<Endpoint>,
        state: State,
    ) -> Result<EndpointOut, WebhookFault> {
        let said = Said::Parts(json!({ "state": state }));
        self.change(Change { access: access.clone(), by: by.clone(), id, said }, Expected::Any).await
    }

    async fn change(&self, change: Change, expected: Expected) -> Result<EndpointOut, WebhookFault> {
        let Change { access, by, id, said } = change;
        let before = queries::find(&mut self.db.read().await?, by.organisation, id).await?;
        let before = access.admit(before)?;
        if !expected.is(before.version) {
            return Err(WebhookFault::Stale);
        }
        let (document, names_state) = match said {
            Said::Whole(document) => (document, true),
            Said::Parts(patch) => {
                let names_state = patch.get("state").is_some();
                let mut whole = stated(&before);
                merge(&mut whole, patch);
                (whole, names_state)
            }
        };
        let known: Vec<_> = self.known_types().collect();
        let settings = read::<EndpointIn>(&document)?.settled(&self.outbound, &known)?;
        if !access.covers(&settings.wanted.studies) {
            return Err(WebhookFault::Forbidden);
        }
        let vault = self.vault.tenant(by.organisation).await?;
        let secrets = Secrets::open(&vault, id, &before.secrets)?.with_fields(settings.fields);
        let stays_disabled = before.state == State::Disabled && !names_state;
        let state = if stays_disabled { State::Disabled } else { settings.state };
        let who = names_state.then_some(access.side());
        let paused_by = paused_by((before.state, before.paused_by), (state, who))?;
        let row = EndpointRow {
            name: settings.name,
            url: settings.url,
            wanted: settings.wanted,
            order: settings.order,
            timeout_s: settings.timeout_s,
            header_names: secrets.names(),
            secrets: secrets.seal(&vault, id)?,
            state,
            paused_by,
            reason: before.reason.clone().filter(|_| stays_disabled),
            version: before.version + 1,
            updated_at: self.world.now(),
            ..before.clone()
        };
        let details = json!({
            "host": row.url.host_str(),
            "state": row.state.as_str(),
            "paused_by": row.paused_by.map(PausedBy::as_str),
            "was": {"host": before.url.host_str(), "state": before.state.as_str()},
        });
        let entry = by.did("webhook_endpoint.changed", Subject::of(id), details);
        let (world, seen) = (self.world.clone(), before.version);
        let written = row.clone();
        self.db
            .write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
                let there = queries::find(tx, written.organisation, id).await?;
                let there = there.ok_or(WebhookFault::NoEndpoint)?;
                if there.version != seen {
                    return Err(WebhookFault::Stale);
                }
                queries::update(tx, &written).await?;
                match written.state {
                    State::Enabled => delivery::open(tx, id, world.now()).await?,
                    State::Paused | State::Disabled => delivery::shut(tx, id).await?,
                }
                audit::record(tx, &world, &entry).await?;
                Ok(())
            })
            .await?;
        Ok(EndpointOut::of(&row, self.world.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_staff_have_paused_waits_for_staff() {
        use PausedBy::{Receiver, Staff};
        use State::{Disabled, Enabled, Paused};
        for (before, said, after) in [
            ((Enabled, None), (Paused, Some(Staff)), Ok(Some(Staff))),
            ((Enabled, None), (Paused, Some(Receiver)), Ok(Some(Receiver))),
            ((Paused, Some(Receiver)), (Enabled, Some(Receiver)), Ok(None)),
            ((Paused, Some(Receiver)), (Enabled, Some(Staff)), Ok(None)),
            ((Paused, Some(Staff)), (Enabled, Some(Staff)), Ok(None)),
            ((Paused, Some(Staff)), (Enabled, Some(Receiver)), Err(())),
            ((Paused, None), (Enabled, Some(Receiver)), Err(())),
            ((Disabled, None), (Enabled, Some(Receiver)), Ok(None)),
            ((Enabled, None), (Enabled, Some(Receiver)), Ok(None)),
            // Nobody gets around that by pausing once more, and staff make a receiver's pause their own.
            ((Paused, Some(Staff)), (Paused, Some(Receiver)), Ok(Some(Staff))),
            ((Paused, Some(Receiver)), (Paused, Some(Staff)), Ok(Some(Staff))),
            ((Disabled, None), (Paused, Some(Receiver)), Ok(Some(Receiver))),
            // A change of something else leaves it as it is.
            ((Paused, Some(Receiver)), (Paused, None), Ok(Some(Receiver))),
            ((Disabled, None), (Disabled, None), Ok(None)),
        ] {
            assert_eq!(paused_by(before, said).map_err(|_| ()), after, "{before:?} {said:?}");
        }
    }

    #[test]
    fn a_patch_is_merged_as_the_rfc_says() {
        for (target, patch, merged) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!(["a"]), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}})),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        ] {
            let mut target = target;
            merge(&mut target, patch);
            assert_eq!(target, merged);
        }
    }
}
