//! An endpoint is made.

use audit::Subject;
use axum::{Extension, extract::State as Held};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Actor, Digest, Permission};
use serde_json::{Value, json};
use store::Writer;
use web::{Answer, Bearer, Context, Json, idempotency_key};

use super::{
    ENDPOINTS_MAX, EndpointIn, EndpointRow, PausedBy, Secrets, State,
    queries::{self, Filter},
    settings::read,
    view::{EndpointOut, Tagged},
};
use crate::{By, WebhookFault, Webhooks, access::Access, fault::refused};

/// Make an endpoint. The answer shows its secret, once.
#[utoipa::path(post, path = "/api/v1/integrations/webhooks", tag = "webhooks", operation_id = "create_webhook_endpoint",
    params(("Idempotency-Key" = Option<String>, Header, description = "Asked again under the same key, nothing is made twice", min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$")),
    request_body = EndpointIn,
    responses((status = 201, description = "The endpoint", body = EndpointOut, headers(("Location" = String), ("ETag" = String)))),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn create_endpoint(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    Json(document): Json<Value>,
) -> Answer<(StatusCode, HeaderMap, Tagged)> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let key = key_of(&by, &headers, &document).map_err(refused)?;
    let out =
        webhooks.create((&|studies| access.covers(studies), &by), &document, key).await.map_err(refused)?;
    let mut headers = HeaderMap::new();
    let location = format!("/api/v1/integrations/webhooks/{}", out.id);
    headers.extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    Ok((StatusCode::CREATED, headers, out.tagged()))
}

/// Whether whoever asks may have an endpoint of these studies.
type Covers<'a> = dyn Fn(&[String]) -> bool + Sync + 'a;

/// A key of the caller, and what was asked under it.
type Key = (Digest, Digest);

/// A key is one person's (or one client's, acting for itself): the answer shows a secret, which is for nobody else.
fn key_of(by: &By, headers: &HeaderMap, document: &Value) -> Result<Option<Key>, WebhookFault> {
    let key = idempotency_key(headers).map_err(|issue| WebhookFault::Refused(vec![issue]))?;
    let Some(key) = key else { return Ok(None) };
    let client = by.client.map(|client| *client.as_bytes()).unwrap_or_default();
    let person = match by.actor {
        Actor::Person { person, .. } => *person.as_bytes(),
        Actor::Client(_) | Actor::Receiver(_) | Actor::System | Actor::Anonymous => Default::default(),
    };
    let key = crypto::sha256(&[client.as_slice(), person.as_slice(), key.as_bytes()].concat());
    let request = crypto::sha256(document.to_string().as_bytes());
    Ok(Some((Digest::from_bytes(key), Digest::from_bytes(request))))
}

impl Webhooks {
    /// Make an endpoint of an organisation without a request: what a caller states in one.
    ///
    /// # Errors
    /// [`WebhookFault`]: a field is wrong, or the organisation has too many.
    pub async fn declare(&self, by: &By, document: &Value) -> Result<EndpointOut, WebhookFault> {
        self.create((&|_| true, by), document, None).await
    }

    async fn create(
        &self,
        (covers, by): (&Covers<'_>, &By),
        document: &Value,
        key: Option<Key>,
    ) -> Result<EndpointOut, WebhookFault> {
        let known: Vec<_> = self.known_types().collect();
        let settings = read::<EndpointIn>(document)?.settled(&self.outbound, &known)?;
        if !covers(&settings.wanted.studies) {
            return Err(WebhookFault::Forbidden);
        }
        let vault = self.vault.tenant(by.organisation).await?;
        let (id, now) = (self.world.new_id(), self.world.now());
        let said = settings.fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let secrets = Secrets::new(&self.world, said.collect());
        let sealed = secrets.seal(&vault, id)?;
        let row = EndpointRow {
            id,
            organisation: by.organisation,
            name: settings.name,
            url: settings.url,
            wanted: settings.wanted,
            order: settings.order,
            timeout_s: settings.timeout_s,
            header_names: secrets.names(),
            secrets: sealed,
            public_keys: secrets.public(),
            state: settings.state,
            paused_by: (settings.state == State::Paused).then_some(PausedBy::Staff),
            reason: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let details = json!({"host": row.url.host_str(), "state": row.state.as_str()});
        let entry = by.did("webhook_endpoint.created", Subject::of(id), details);
        let world = self.world.clone();
        let made = self
            .db
            .write(async move |tx: &mut Writer| -> Result<EndpointRow, WebhookFault> {
                if let Some((key, request)) = key {
                    if let Some((before, id)) = queries::asked(tx, row.organisation, key).await? {
                        let is_same = before == request;
                        let made = queries::find(tx, row.organisation, id).await?;
                        return made.filter(|_| is_same).ok_or(WebhookFault::KeyUsed);
                    }
                    queries::ask(tx, row.organisation, (key, request), (row.id, now)).await?;
                }
                let all = Filter { state: String::new(), pattern: "%".to_owned() };
                if queries::count(tx, row.organisation, &all).await? >= ENDPOINTS_MAX {
                    return Err(WebhookFault::Many);
                }
                queries::insert(tx, &row).await?;
                audit::record(tx, &world, &entry).await?;
                Ok(row.clone())
            })
            .await?;
        // What was made under the same key before is shown as it was then.
        let secrets = Secrets::open(&vault, made.id, &made.secrets)?;
        Ok(EndpointOut::of(&made, now).with_secret(secrets.shown()))
    }
}
