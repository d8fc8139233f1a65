//! Deliveries are made again: one, those that failed, or all since some time; and one that is only a test.

use audit::Subject;
use axum::{Extension, extract::State as Held};
use http::StatusCode;
use kernel::{Event, EventRow, Id, Issue, Permission, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Writer;
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path};

use super::queries;
use crate::{
    By, WebhookFault, Webhooks,
    access::Access,
    endpoint::{self, Endpoint},
    event::TEST,
    fault::refused,
};

/// Deliveries that one call makes again: the oldest. Where there are more, it says so.
pub const REPLAY_MAX: i64 = 10_000;

/// Which deliveries are made again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReplayIn)]
pub struct ReplayIn {
    /// Those that are to be told since then.
    #[schema(value_type = String, format = "date-time")]
    pub since: Timestamp,
    /// And before then; until now where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub until: Option<Timestamp>,
    /// `failed` (usual), `delivered` or `all`.
    #[serde(default)]
    pub state: Which,
}

/// In which state deliveries are that are made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookReplayState)]
pub enum Which {
    /// Those that were given up.
    #[default]
    Failed,
    /// Those that were taken.
    Delivered,
    /// Both.
    All,
}

impl Which {
    const fn pattern(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::All => "",
        }
    }
}

/// What is made again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookReplay)]
pub struct ReplayOut {
    /// How many deliveries are made again.
    pub replayed: u64,
    /// Whether there are more: ask again.
    pub has_more: bool,
}

/// A test event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub(crate) struct TestOut {
    /// Its id: what became of it is at `…/deliveries/{event_id}`.
    #[schema(value_type = String, format = "uuid")]
    event_id: Id<EventRow>,
}

/// Make deliveries again.
#[utoipa::path(post, path = "/api/v1/integrations/webhooks/{endpoint}/replay", tag = "webhooks",
    operation_id = "replay_webhook_deliveries",
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    request_body = ReplayIn,
    responses((status = 202, description = "They are made again", body = ReplayOut)),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn replay_deliveries(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
    Json(asked): Json<Value>,
) -> Answer<(StatusCode, Json<ReplayOut>)> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let replayed = async {
        let asked: ReplayIn = web::shaped(&asked).map_err(|issue| WebhookFault::Refused(vec![issue]))?;
        webhooks.replay((&access, &by), id, asked).await
    };
    Ok((StatusCode::ACCEPTED, Json(replayed.await.map_err(refused)?)))
}

/// Make one delivery again.
#[utoipa::path(post, path = "/api/v1/integrations/webhooks/{endpoint}/deliveries/{event}/replay", tag = "webhooks",
    operation_id = "replay_webhook_delivery",
    params(("endpoint" = String, Path, description = "The endpoint's id"), ("event" = String, Path, description = "The event's id")),
    responses((status = 202, description = "It is made again", body = ReplayOut)),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn replay_delivery(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((id, event)): Path<(Id<Endpoint>, Id<EventRow>)>,
) -> Answer<(StatusCode, Json<ReplayOut>)> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    webhooks.replay_one((&access, &by), id, event).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(ReplayOut { replayed: 1, has_more: false })))
}

/// Tell an endpoint an event that is only a test.
#[utoipa::path(post, path = "/api/v1/integrations/webhooks/{endpoint}/test", tag = "webhooks",
    operation_id = "test_webhook_endpoint",
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 202, description = "It is told", body = TestOut)),
    security(("bearer" = ["webhook:write"])))]
pub(crate) async fn test_endpoint(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<(StatusCode, Json<TestOut>)> {
    let access = Access::of(&bearer, Permission::WebhookManage)?;
    let by = By::caller(&bearer.0, &context);
    let event_id = webhooks.test((&access, &by), id).await.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(TestOut { event_id })))
}

impl Webhooks {
    pub(crate) async fn replay(
        &self,
        (access, by): (&Access, &By),
        id: Id<Endpoint>,
        asked: ReplayIn,
    ) -> Result<ReplayOut, WebhookFault> {
        let now = self.world.now();
        let until = asked.until.unwrap_or(now);
        if until < asked.since {
            return Err(WebhookFault::Refused(vec![Issue::at("until", "must not be before since")]));
        }
        let details = json!({"since": asked.since, "until": until, "state": asked.state.pattern()});
        let entry = by.did("webhook_endpoint.replayed", Subject::of(id), details);
        let (world, organisation, access) = (self.world.clone(), by.organisation, access.clone());
        let replayed = self.db.write(async move |tx: &mut Writer| -> Result<u64, WebhookFault> {
            access.admit(endpoint::queries::find(tx, organisation, id).await?)?;
            let span = (asked.since, until, asked.state.pattern());
            let replayed = queries::replay(tx, id, span, (now, REPLAY_MAX)).await?;
            tx.execute_composed(&queries::told(id, now)).await?;
            audit::record(tx, &world, &entry).await?;
            tx.publish(super::OPENED, "").await?;
            Ok(replayed)
        });
        let replayed = replayed.await?;
        Ok(ReplayOut { replayed, has_more: replayed >= REPLAY_MAX.unsigned_abs() })
    }

    pub(crate) async fn replay_one(
        &self,
        (access, by): (&Access, &By),
        id: Id<Endpoint>,
        event: Id<EventRow>,
    ) -> Result<(), WebhookFault> {
        let entry = by.did("webhook_endpoint.replayed", Subject::of(id), json!({"event": event}));
        let (world, now) = (self.world.clone(), self.world.now());
        let (organisation, access) = (by.organisation, access.clone());
        let replayed = self.db.write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            access.admit(endpoint::queries::find(tx, organisation, id).await?)?;
            if !queries::replay_one(tx, (id, event), now).await? {
                return Err(WebhookFault::NoDelivery);
            }
            tx.execute_composed(&queries::told(id, now)).await?;
            audit::record(tx, &world, &entry).await?;
            tx.publish(super::OPENED, "").await?;
            Ok(())
        });
        replayed.await
    }

    pub(crate) async fn test(
        &self,
        (access, by): (&Access, &By),
        id: Id<Endpoint>,
    ) -> Result<Id<EventRow>, WebhookFault> {
        let entry = by.did("webhook_endpoint.tested", Subject::of(id), json!({}));
        let (world, event_id) = (self.world.clone(), self.world.new_id());
        let (organisation, access) = (by.organisation, access.clone());
        let published = self.db.write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            let row = access.admit(endpoint::queries::find(tx, organisation, id).await?)?;
            let data = json!({"endpoint": row.name});
            let event = Event { organisation: row.organisation, name: TEST, subject: id.to_string(), data };
            jobs::publish_as(tx, &world, event_id, &event).await?;
            audit::record(tx, &world, &entry).await?;
            Ok(())
        });
        published.await?;
        Ok(event_id)
    }
}
