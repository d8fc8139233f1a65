//! What happens is told to whoever asked for it: endpoints of organisations, signed calls, and a log of them.
//! Contract 4, "Webhooks out"; `docs/webhooks.md`.
//!
//! * [`endpoint`]: where an organisation wants events to be told, and which.
//! * [`event`]: what can happen, and each event's deliveries: one for each endpoint, made in the unit that gives the event its place.
//! * [`delivery`]: calls, their schedule, their log, and doing them again.
//! * [`inbound`]: what others tell us.
//! * [`receiver`]: whoever gets an endpoint's calls sees to it by a link, without an account.

mod access;
mod by;
pub mod delivery;
mod desk;
pub mod endpoint;
pub mod event;
mod fault;
pub mod inbound;
pub mod receiver;
mod service;

use axum::{middleware::map_response, response::Response};
use http::{HeaderValue, header};
use jobs::Worker;
use store::{Migration, MigrationSet};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use by::By;
pub use desk::Desk;
pub use fault::WebhookFault;
pub use service::{Parts, Webhooks};

/// The tables of this crate.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "webhooks",
    files: &[
        Migration { name: "0001_endpoint", sql: include_str!("../migrations/0001_endpoint.sql") },
        Migration { name: "0002_inbound", sql: include_str!("../migrations/0002_inbound.sql") },
        Migration { name: "0003_receiver", sql: include_str!("../migrations/0003_receiver.sql") },
        Migration { name: "0004_paused_by", sql: include_str!("../migrations/0004_paused_by.sql") },
        Migration { name: "0005_event_type", sql: include_str!("../migrations/0005_event_type.sql") },
    ],
};

/// The API under `/api/v1/integrations`, to be spoken as [`web::Dialect::Int`].
pub fn routes(webhooks: Webhooks) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(endpoint::list::list_endpoints, endpoint::create::create_endpoint))
        .routes(routes!(event::catalogue::list_event_types))
        .routes(routes!(event::stream::stream_events))
        .routes(routes!(
            endpoint::view::get_endpoint,
            endpoint::update::replace_endpoint,
            endpoint::update::change_endpoint,
            endpoint::delete::delete_endpoint
        ))
        .routes(routes!(endpoint::rotate::rotate_secret))
        .routes(routes!(delivery::list::list_deliveries))
        .routes(routes!(delivery::view::get_delivery))
        .routes(routes!(delivery::replay::replay_delivery))
        .routes(routes!(delivery::replay::replay_deliveries))
        .routes(routes!(delivery::replay::test_endpoint))
        .routes(routes!(delivery::health::get_health))
        .routes(routes!(receiver::link::list_links, receiver::link::create_link))
        .routes(routes!(receiver::link::revoke_link))
        .routes(routes!(inbound::manage::list_inbound, inbound::manage::create_inbound))
        .routes(routes!(inbound::manage::delete_inbound))
        .routes(routes!(inbound::message::get_message))
        .layer(map_response(kept_by_nobody))
        .with_state(webhooks)
}

/// Answers may hold secrets that are shown once.
async fn kept_by_nobody(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What is done beside requests.
pub fn jobs(webhooks: &Webhooks, worker: Worker) -> Worker {
    worker
        .register::<delivery::sweep::Sweep>(webhooks.clone())
        .every(delivery::sweep::SWEEP_EVERY, |_| delivery::sweep::Sweep {})
}
