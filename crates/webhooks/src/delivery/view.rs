//! One delivery with the log of its calls.

use axum::extract::State as Held;
use jobs::feed::Placed;
use kernel::{EventRow, Id, Organisation, Permission, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use vault::TenantVault;
use web::{Answer, Bearer, Json, Path};

use super::{
    list::DeliveryOut,
    queries::{self, Attempt},
    settle::place,
};
use crate::{
    WebhookFault, Webhooks,
    access::Access,
    endpoint::{self, Endpoint},
    event::body_of,
    fault::refused,
};

/// Calls of one delivery that are shown: the newest.
pub const ATTEMPTS_SHOWN: i64 = 100;

/// One call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct AttemptOut {
    /// Which one, from 1.
    pub number: u32,
    /// When it was begun.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
    /// Why it failed; none where it was taken.
    pub error: Option<String>,
    /// The first 512 bytes of the answer.
    pub answer: Option<String>,
}

/// A delivery with the log of its calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryDetail)]
pub struct DetailOut {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryOut,
    /// What is sent.
    #[schema(value_type = Object)]
    pub payload: Value,
    /// The calls, newest first.
    pub log: Vec<AttemptOut>,
}

/// One delivery.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks/{endpoint}/deliveries/{event}", tag = "webhooks",
    operation_id = "get_webhook_delivery",
    params(("endpoint" = String, Path, description = "The endpoint's id"), ("event" = String, Path, description = "The event's id")),
    responses((status = 200, description = "The delivery", body = DetailOut)),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn get_delivery(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Path((id, event)): Path<(Id<Endpoint>, Id<EventRow>)>,
) -> Answer<Json<DetailOut>> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    let out = webhooks.delivery(&access, (bearer.0.organisation, id), event).await;
    out.map(Json).map_err(refused)
}

impl Webhooks {
    pub(crate) async fn delivery(
        &self,
        access: &Access,
        (organisation, id): (Id<Organisation>, Id<Endpoint>),
        event: Id<EventRow>,
    ) -> Result<DetailOut, WebhookFault> {
        let vault = self.vault.tenant(organisation).await?;
        let mut reader = self.db.read().await?;
        access.admit(endpoint::queries::find(&mut reader, organisation, id).await?)?;
        let delivery = queries::delivery(&mut reader, id, event).await?.ok_or(WebhookFault::NoDelivery)?;
        let happened: Option<Placed> = queries::event(&mut reader, event).await?;
        let payload = happened.map(|event| body_of(&event)).unwrap_or_default();
        let attempts = queries::attempts(&mut reader, (id, event), ATTEMPTS_SHOWN).await?;
        let log = attempts.iter().map(|attempt| shown(&vault, attempt)).collect();
        Ok(DetailOut { delivery, payload: serde_json::from_str(&payload).unwrap_or_default(), log })
    }
}

fn shown(vault: &TenantVault, attempt: &Attempt) -> AttemptOut {
    let answer = attempt.answer.as_ref().and_then(|sealed| vault.open(place(attempt), sealed).ok());
    AttemptOut {
        number: attempt.number,
        at: attempt.at,
        duration_ms: attempt.duration_ms,
        status: attempt.status,
        error: attempt.error.clone(),
        answer: answer.map(|bytes| String::from_utf8_lossy(bytes.expose()).into_owned()),
    }
}
