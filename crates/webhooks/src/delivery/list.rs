//! What an endpoint was told, and what it is still to be told.

use axum::{Extension, extract::State as Held, response::IntoResponse};
use kernel::{EventRow, Id, Organisation, Permission, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, FromRow, Row};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Json, Paging, Path, Query, links};

use super::queries;
use crate::{
    WebhookFault, Webhooks,
    access::Access,
    endpoint::{self, Endpoint},
    fault::refused,
};

/// Which deliveries, and which page of them.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesIn {
    /// Only those that stand so.
    #[param(inline)]
    pub state: Option<Standing>,
    /// Only events of this type.
    pub event_type: Option<String>,
    /// 1 where it is left out.
    #[param(minimum = 1, maximum = 10000)]
    pub page: Option<i64>,
    /// 20 where it is left out, 100 at the most.
    #[param(minimum = 1, maximum = 100)]
    pub size: Option<i64>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookDeliveryState)]
pub enum Standing {
    /// It is to be made, or made again.
    Pending,
    /// It was taken.
    Delivered,
    /// It was given up.
    Failed,
}

impl Standing {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A delivery: one event for one endpoint.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryOut {
    /// The event's id, which is also the message's: `webhook-id`.
    #[schema(value_type = String, format = "uuid")]
    pub event_id: Id<EventRow>,
    /// What happened.
    pub event_type: String,
    /// `pending`, `delivered`, `failed`.
    pub state: String,
    /// Calls that were made of it, in all rounds.
    pub attempts: u32,
    /// When it is tried next; none where it is not.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub next_try_at: Option<Timestamp>,
    /// Since when it is to be told.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Timestamp,
    /// When it was taken, or given up.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub finished_at: Option<Timestamp>,
}

impl FromRow for DeliveryOut {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let state: String = row.get("state")?;
        let due_at: Timestamp = row.get("due_at")?;
        Ok(Self {
            event_id: row.get("event_id")?,
            event_type: row.get("event_name")?,
            attempts: row.get("attempts")?,
            next_try_at: (state == "pending").then_some(due_at),
            state,
            created_at: row.get("created_at")?,
            finished_at: row.get("finished_at")?,
        })
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveries)]
pub struct DeliveriesOut {
    /// The deliveries.
    pub items: Vec<DeliveryOut>,
    /// Where the page stands.
    #[serde(flatten)]
    pub paging: Paging,
}

/// The deliveries of an endpoint, newest events first.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks/{endpoint}/deliveries", tag = "webhooks",
    operation_id = "list_webhook_deliveries",
    params(("endpoint" = String, Path, description = "The endpoint's id"), DeliveriesIn),
    responses((status = 200, description = "A page of deliveries", body = DeliveriesOut, headers(("Link" = String)))),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn list_deliveries(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    Query(asked): Query<DeliveriesIn>,
) -> Answer<impl IntoResponse> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    let out = webhooks.deliveries(&access, (bearer.0.organisation, id), &asked).await.map_err(refused)?;
    let said = [("state", asked.state.map(Standing::as_str)), ("event_type", asked.event_type.as_deref())];
    Ok((links(&context, &out.paging, &said), Json(out)))
}

impl Webhooks {
    pub(crate) async fn deliveries(
        &self,
        access: &Access,
        (organisation, id): (Id<Organisation>, Id<Endpoint>),
        asked: &DeliveriesIn,
    ) -> Result<DeliveriesOut, WebhookFault> {
        let mut reader = self.db.read().await?;
        access.admit(endpoint::queries::find(&mut reader, organisation, id).await?)?;
        let state = asked.state.map_or("", Standing::as_str);
        let window = Paging::asked(asked.page, asked.size).map_err(WebhookFault::Refused)?;
        let filter = (state.to_owned(), asked.event_type.clone().unwrap_or_default());
        let total = queries::count(&mut reader, id, &filter).await?;
        let items = queries::page(&mut reader, id, &filter, window.rows()).await?;
        Ok(DeliveriesOut { items, paging: window.of(total) })
    }
}
