//! New keys. Those of before sign beside them for a while, so that receivers can change theirs without losing an event.

use std::time::Duration;

use audit::Subject;
use axum::{Extension, extract::State as Held};
use kernel::{Id, Issue, Permission};
use serde::Deserialize;
use serde_json::json;
use store::Writer;
use utoipa::IntoParams;
use web::{Answer, Bearer, Context, Path, Query};

use super::{
    Endpoint, EndpointRow, Secrets, queries,
    view::{EndpointOut, Tagged},
};
use crate::{By, WebhookFault, Webhooks, access::Access, fault::refused};

/// How long the keys of before sign beside the new ones where nothing is said.
pub const OVERLAP: Duration = Duration::from_hours(24);
/// How long they do at the most.
pub const OVERLAP_MAX: Duration = Duration::from_hours(24 * 7);

/// How keys are changed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateIn {
    /// How long the keys of before sign beside the new ones, in seconds: a day where it is left out, 604800 at the most, 0 for
    /// keys that somebody has stolen.
    #[param(maximum = 604800)]
    overlap_s: Option<u64>,
}

/// Draw new keys. The answer shows the new secret, once.
#[utoipa::path(post, path = "/api/v1/integrations/webhooks/{endpoint}/rotate-secret", tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    params(("endpoint" = String, Path, description = "The endpoint's id"), RotateIn),
    responses((status = 200, description = "The endpoint with its new secret", body = EndpointOut, headers(("ETag" = String)))),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn rotate_secret(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    Query(asked): Query<RotateIn>,
) -> Answer<Tagged> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let overlap = asked.overlap_s.map_or(OVERLAP, Duration::from_secs);
    if overlap > OVERLAP_MAX {
        let issue = Issue::at("overlap_s", "must be at most 604800");
        return Err(refused(WebhookFault::Refused(vec![issue])));
    }
    let by = By::caller(&bearer.0, &context);
    Ok(webhooks.rotate((&access, &by), id, overlap).await.map_err(refused)?.tagged())
}

impl Webhooks {
    pub(crate) async fn rotate(
        &self,
        (access, by): (&Access, &By),
        id: Id<Endpoint>,
        overlap: Duration,
    ) -> Result<EndpointOut, WebhookFault> {
        let vault = self.vault.tenant(by.organisation).await?;
        let details = json!({"overlap_s": overlap.as_secs()});
        let entry = by.did("webhook_endpoint.secret_rotated", Subject::of(id), details);
        let (world, organisation, opening) = (self.world.clone(), by.organisation, vault.clone());
        let access = access.clone();
        let row = self
            .db
            .write(async move |tx: &mut Writer| -> Result<EndpointRow, WebhookFault> {
                let row = queries::find(tx, organisation, id).await?;
                let mut row = access.admit(row)?;
                let secrets = Secrets::open(&opening, id, &row.secrets)?.rotated(&world, overlap);
                row.secrets = secrets.seal(&opening, id)?;
                row.public_keys = secrets.public();
                row.version += 1;
                row.updated_at = world.now();
                queries::update(tx, &row).await?;
                audit::record(tx, &world, &entry).await?;
                Ok(row)
            })
            .await?;
        let secrets = Secrets::open(&vault, id, &row.secrets)?;
        Ok(EndpointOut::of(&row, self.world.now()).with_secret(secrets.shown()))
    }
}
