//! An endpoint is deleted, and whatever it was still to be told with it.

use audit::Subject;
use axum::{Extension, extract::State as Held};
use http::StatusCode;
use kernel::{Id, Permission};
use serde_json::json;
use store::Writer;
use web::{Answer, Bearer, Context, Path};

use super::{Endpoint, queries};
use crate::{By, WebhookFault, Webhooks, access::Access, fault::refused};

/// Delete an endpoint. It is told nothing more.
#[utoipa::path(delete, path = "/api/v1/integrations/webhooks/{endpoint}", tag = "webhooks", operation_id = "delete_webhook_endpoint",
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 204, description = "It is gone")),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn delete_endpoint(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<StatusCode> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let entry = by.did("webhook_endpoint.deleted", Subject::of(id), json!({}));
    let world = webhooks.world.clone();
    let deleted = webhooks
        .db
        .write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            access.admit(queries::find(tx, by.organisation, id).await?)?;
            queries::delete(tx, id).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        })
        .await;
    deleted.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
