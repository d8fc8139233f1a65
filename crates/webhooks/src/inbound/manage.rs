//! Inbound addresses: made, listed, deleted.

use audit::Subject;
use axum::{Extension, extract::State as Held, response::IntoResponse};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Digest, Id, Issue, Permission, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Writer;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Json, Paging, Path, Query, links};

use super::{
    Algorithm, INBOUND_MAX, Inbound, Recipe,
    queries::{self, InboundRow},
    secret_place,
};
use crate::{By, WebhookFault, Webhooks, access::Access, endpoint::NAME_CHARACTERS_MAX, fault::refused};

/// The longest secret that a third party may have given, in bytes.
const SECRET_BYTES_MAX: usize = 1_024;
/// What an address begins with.
const ADDRESS_PREFIX: &str = "hlm_in_";

/// An inbound address as its owner states it: with a recipe, or with a provider whose recipe the catalogue knows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InboundWebhookIn)]
pub(crate) struct InboundIn {
    /// What people call it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The integration that it is about.
    #[schema(min_length = 1, max_length = 128)]
    integration: String,
    /// How the sender proves itself.
    #[serde(default)]
    recipe: Option<Recipe>,
    /// The provider whose recipe it is, where none is stated.
    #[serde(default)]
    provider: Option<String>,
    /// What the third party has given to verify with; never shown.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    secret: Option<Secret<String>>,
}

/// An inbound address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundWebhook)]
pub(crate) struct InboundOut {
    #[schema(value_type = String, format = "uuid")]
    id: Id<Inbound>,
    name: String,
    integration: String,
    recipe: Recipe,
    /// Whether nothing but the address proves the sender.
    weak: bool,
    /// The path to give to the third party: shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What to give to a third party that tries out the address by a challenge, as the word that both sides know.
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_token: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
}

impl InboundOut {
    async fn of(webhooks: &Webhooks, row: InboundRow, path: Option<String>) -> Result<Self, WebhookFault> {
        let verify_token = match row.recipe.challenge {
            Some(_) => Some(webhooks.verify_token(&row).await?),
            None => None,
        };
        Ok(Self {
            id: row.id,
            name: row.name,
            integration: row.integration,
            weak: row.recipe.algorithm == Algorithm::None,
            recipe: row.recipe,
            path,
            verify_token,
            created_at: row.created_at,
        })
    }
}

/// A page of inbound addresses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundWebhooks)]
pub(crate) struct InboundsOut {
    items: Vec<InboundOut>,
    #[serde(flatten)]
    paging: Paging,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageIn {
    /// 1 where it is left out.
    #[param(minimum = 1, maximum = 10000)]
    page: Option<i64>,
    /// 20 where it is left out, 100 at the most.
    #[param(minimum = 1, maximum = 100)]
    size: Option<i64>,
}

/// What third parties tell belongs to the whole organisation.
fn whole(bearer: &Bearer, permission: Permission) -> Answer<()> {
    let access = Access::of(bearer, permission)?;
    if access.is_whole() { Ok(()) } else { Err(refused(WebhookFault::Forbidden)) }
}

/// Make an address at which a third party tells us something. The answer shows it, once.
#[utoipa::path(post, path = "/api/v1/integrations/inbound-webhooks", tag = "webhooks", operation_id = "create_inbound_webhook",
    request_body = InboundIn,
    responses((status = 201, description = "The address", body = InboundOut, headers(("Location" = String)))),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn create_inbound(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Json(document): Json<Value>,
) -> Answer<(StatusCode, HeaderMap, Json<InboundOut>)> {
    whole(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let out = webhooks.make_inbound(&by, &document).await.map_err(refused)?;
    let mut headers = HeaderMap::new();
    let location = format!("/api/v1/integrations/inbound-webhooks/{}", out.id);
    headers.extend(HeaderValue::from_str(&location).ok().map(|value| (header::LOCATION, value)));
    Ok((StatusCode::CREATED, headers, Json(out)))
}

/// The addresses at which third parties tell us something.
#[utoipa::path(get, path = "/api/v1/integrations/inbound-webhooks", tag = "webhooks", operation_id = "list_inbound_webhooks",
    params(PageIn),
    responses((status = 200, description = "A page of addresses", body = InboundsOut, headers(("Link" = String)))),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn list_inbound(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Query(asked): Query<PageIn>,
) -> Answer<impl IntoResponse> {
    whole(&bearer, Permission::WebhookRead)?;
    let window =
        Paging::asked(asked.page, asked.size).map_err(|issues| refused(WebhookFault::Refused(issues)))?;
    let mut reader = webhooks.db.read().await?;
    let paging = window.of(queries::count(&mut reader, bearer.0.organisation).await?);
    let rows = queries::page(&mut reader, bearer.0.organisation, window.rows()).await?;
    drop(reader);
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(InboundOut::of(&webhooks, row, None).await.map_err(refused)?);
    }
    Ok((links(&context, &paging, &[]), Json(InboundsOut { items, paging })))
}

/// Delete an address. Nothing is taken there any more.
#[utoipa::path(delete, path = "/api/v1/integrations/inbound-webhooks/{inbound}", tag = "webhooks", operation_id = "delete_inbound_webhook",
    params(("inbound" = String, Path, description = "The address's id")),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn delete_inbound(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Inbound>>,
) -> Answer<StatusCode> {
    whole(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let entry = by.did("webhook_inbound.deleted", Subject::of(id), json!({}));
    let world = webhooks.world.clone();
    let deleted = webhooks
        .db
        .write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            queries::find(tx, by.organisation, id).await?.ok_or(WebhookFault::NoEndpoint)?;
            queries::delete(tx, id).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await;
    deleted.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

impl Webhooks {
    async fn make_inbound(&self, by: &By, document: &Value) -> Result<InboundOut, WebhookFault> {
        let new: InboundIn = web::shaped(document).map_err(|issue| WebhookFault::Refused(vec![issue]))?;
        let recipe = self.recipe(&new).map_err(|issue| WebhookFault::Refused(vec![issue]))?;
        let (id, now) = (self.world.new_id(), self.world.now());
        let vault = self.vault.tenant(by.organisation).await?;
        let address = crypto::token::generate(&self.world, ADDRESS_PREFIX);
        let digest = Digest::from_bytes(crypto::sha256(address.expose().as_bytes()));
        let row = InboundRow {
            id,
            organisation: by.organisation,
            name: new.name.trim().to_owned(),
            integration: new.integration,
            recipe,
            secret: new.secret.map(|secret| vault.seal(secret_place(id), secret.expose().as_bytes())),
            created_at: now,
        };
        let details =
            json!({"integration": row.integration, "weak": row.recipe.algorithm == Algorithm::None});
        let entry = by.did("webhook_inbound.created", Subject::of(id), details);
        let (world, written) = (self.world.clone(), row.clone());
        self.db
            .write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
                if queries::count(tx, written.organisation).await? >= INBOUND_MAX {
                    return Err(WebhookFault::Many);
                }
                queries::insert(tx, &written, digest).await?;
                audit::record(tx, &world, &entry).await?;
                Ok(())
            })
            .await?;
        InboundOut::of(self, row, Some(format!("/webhooks/in/{}", address.expose()))).await
    }

    /// Everything that can be said without the database; the recipe.
    fn recipe(&self, new: &InboundIn) -> Result<Recipe, Issue> {
        let is_word = |text: &str, max: usize| {
            (1..=max).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
        };
        if !is_word(&new.name, NAME_CHARACTERS_MAX) {
            return Err(Issue::at("name", "must be 1 to 100 characters"));
        }
        if !is_word(&new.integration, 128) {
            return Err(Issue::at("integration", "must be 1 to 128 characters"));
        }
        let recipe = match (&new.recipe, &new.provider) {
            (Some(recipe), None) => recipe.clone(),
            (None, Some(provider)) => {
                let known = self.recipes.of(provider);
                known.ok_or_else(|| Issue::at("provider", "has no recipe that is known: state one"))?
            }
            _ => return Err(Issue::at("recipe", "state a recipe, or a provider whose recipe is known")),
        };
        if let Some((field, why)) = recipe.fault() {
            return Err(Issue::at(field, why));
        }
        let bytes = new.secret.as_ref().map_or(0, |secret| secret.expose().len());
        let is_needed = recipe.algorithm != Algorithm::None;
        if is_needed != (1..=SECRET_BYTES_MAX).contains(&bytes) {
            return Err(Issue::at(
                "secret",
                "must be there, with at most 1024 bytes, unless the algorithm is none",
            ));
        }
        Ok(recipe)
    }
}
