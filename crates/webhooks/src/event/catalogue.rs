//! What can happen.

use axum::extract::State;
use kernel::Permission;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json};

use crate::{Webhooks, access::Access, inbound::RECEIVED};

/// A type of events.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// Its name, in the past tense: `connection.linked`.
    pub name: &'static str,
    /// When it is told.
    pub description: &'static str,
    /// The JSON Schema (2020-12) of its `data`, with an example in `examples`. Nothing that it names is ever taken away; more may come.
    pub data: &'static str,
}

/// What this crate tells by itself.
pub const OWN: [EventType; 4] = [
    EventType {
        name: RECEIVED,
        description: "a third party has told us something; its subject is the message",
        data: include_str!("data/received.json"),
    },
    EventType {
        name: super::TEST,
        description: "the owner of an endpoint asked for a test; told to that endpoint alone",
        data: include_str!("data/test.json"),
    },
    EventType {
        name: "webhook.endpoint_disabled",
        description: "an endpoint is not called any more, because it said that it is gone or has taken nothing for days",
        data: include_str!("data/endpoint_disabled.json"),
    },
    EventType {
        name: "webhook.delivery_failed",
        description: "an endpoint did not take an event in any of the tries",
        data: include_str!("data/delivery_failed.json"),
    },
];

/// A type of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventType)]
pub struct EventTypeOut {
    /// Its name, in the past tense: `connection.linked`.
    name: &'static str,
    /// When it is told.
    description: &'static str,
    /// The JSON Schema (2020-12) of its `data`. Nothing that it names is ever taken away; more may come.
    #[schema(value_type = Object)]
    schema: Value,
    /// Such `data`.
    #[schema(value_type = Object)]
    example: Value,
}

impl From<EventType> for EventTypeOut {
    fn from(EventType { name, description, data }: EventType) -> Self {
        let schema: Value = serde_json::from_str(data).unwrap_or_default();
        let example = schema.pointer("/examples/0").cloned().unwrap_or_default();
        Self { name, description, schema, example }
    }
}

/// What can happen, for `event_types` of endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventTypes {
    items: Vec<EventTypeOut>,
}

/// The types of events.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks/event-types", tag = "webhooks", operation_id = "list_event_types",
    responses((status = 200, description = "The types", body = EventTypes)),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn list_event_types(
    State(webhooks): State<Webhooks>,
    bearer: Bearer,
) -> Answer<Json<EventTypes>> {
    Access::of(&bearer, Permission::WebhookRead)?;
    Ok(Json(EventTypes { items: webhooks.known_types().map(EventTypeOut::from).collect() }))
}

impl Webhooks {
    /// What an endpoint is told that asks for these types.
    pub fn told(&self, event_types: &[String]) -> Vec<EventType> {
        let is_asked_for =
            |one: &EventType| event_types.iter().any(|pattern| super::is_of_type(pattern, one.name));
        // The test is told to whichever endpoint it is of.
        let is_told =
            |one: &EventType| event_types.is_empty() || one.name == super::TEST || is_asked_for(one);
        self.known_types().filter(is_told).collect()
    }

    /// Everything that can happen.
    pub(crate) fn known_types(&self) -> impl Iterator<Item = EventType> {
        OWN.into_iter().chain(self.event_types.iter().copied())
    }
}
