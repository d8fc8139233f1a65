//! A message that came in, for who may see records: it may hold health data.

use audit::Subject;
use axum::{Extension, extract::State as Held};
use kernel::{Id, Permission, Timestamp};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path};

use super::{Inbound, Message, body_place, queries};
use crate::{By, WebhookFault, Webhooks, access::Access, fault::refused};

/// A message that came in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundMessage)]
pub(crate) struct MessageOut {
    #[schema(value_type = String, format = "uuid")]
    id: Id<Message>,
    /// Where it came in.
    #[schema(value_type = String, format = "uuid")]
    inbound_id: Id<Inbound>,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// The body as it was sent, in Base64.
    body: String,
}

/// A message that came in: the event `inbound.received` has its id. Who sees one is put on record.
#[utoipa::path(get, path = "/api/v1/integrations/inbound-messages/{message}", tag = "webhooks", operation_id = "get_inbound_message",
    params(("message" = String, Path, description = "The message's id")),
    responses((status = 200, description = "The message", body = MessageOut)),
    security(("bearer" = ["integration:records"])))]
pub(crate) async fn get_message(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Message>>,
) -> Answer<Json<MessageOut>> {
    let access = Access::of(&bearer, Permission::Records)?;
    if !access.is_whole() {
        return Err(refused(WebhookFault::Forbidden));
    }
    let by = By::caller(&bearer.0, &context);
    let found = queries::message(&mut webhooks.db.read().await?, by.organisation, id).await?;
    let (inbound_id, sealed, at) = found.ok_or(WebhookFault::NoDelivery).map_err(refused)?;
    let vault = webhooks.vault.tenant(by.organisation).await?;
    let body = vault.open(body_place(id), &sealed)?;
    let entry = by.did("webhook_message.viewed", Subject::of(id), json!({"inbound": inbound_id}));
    audit::record_now(&webhooks.db, &webhooks.world, &entry).await?;
    Ok(Json(MessageOut { id, inbound_id, at, body: crypto::b64::encode_standard(body.expose()) }))
}
