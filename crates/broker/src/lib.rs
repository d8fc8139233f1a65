//! People's connections to third-party services: linked once, kept alive, used without any token leaving this deployment,
//! and ended for good. Contract 1; `docs/broker.md`.
//!
//! * [`provider`]: what third parties want, as data. [`integration`]: those that this deployment has set up.
//! * [`connect`]: a person's journey there and back. [`connection`]: what is linked. [`credential`]: its tokens.
//! * [`trust`]: what clients may do. [`action`] and [`proxy`]: doing it.

pub mod action;
mod broker;
mod by;
mod cache;
pub mod connect;
pub mod connection;
pub mod credential;
pub mod integration;
pub mod managed;
mod port;
pub mod provider;
pub mod proxy;
pub mod trust;
mod upstream;

use axum::{Router, middleware::map_response, response::Response, routing::get};
use http::{HeaderValue, header};
use store::{Migration, MigrationSet};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use broker::{Broker, Inner, Parts, jobs};
pub use by::By;
pub use port::{Clients, KnownClient, People, PortFault, Syncs, Visitor};
pub use upstream::UpstreamFault;

/// The tables of this crate.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "broker",
    files: &[
        Migration { name: "0001_broker", sql: include_str!("../migrations/0001_broker.sql") },
        Migration { name: "0002_managed", sql: include_str!("../migrations/0002_managed.sql") },
    ],
};

/// The API of contract 1, for callers with an access token. To be spoken as `problem+json`.
pub fn routes(broker: Broker) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(integration::view::list))
        .routes(routes!(integration::view::view, connection::unlink::unlink))
        .routes(routes!(action::list::list))
        .routes(routes!(action::run::run))
        .routes(routes!(proxy::pass::pass))
        .route("/integrations/v1", get(integration::view::list))
        .layer(map_response(kept_by_nobody))
        .with_state(broker)
}

/// The API of contract 4 for staff who manage integrations. To be spoken as [`web::Dialect::Int`].
pub fn managed_routes(broker: Broker) -> OpenApiRouter {
    managed::routes(broker)
}

/// What a person has linked, and the data behind it, is for the caller alone: no cache on the way keeps it.
async fn kept_by_nobody(mut response: Response) -> Response {
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The journey to a third party and back, for browsers. To be spoken as pages.
pub fn browser_routes(broker: Broker) -> Router {
    Router::new()
        .route("/integrations/oauth2/{integration}/connect", get(connect::begin::connect))
        .route("/integrations/oauth2/{integration}/callback", get(connect::callback::callback))
        .with_state(broker)
}
