//! The authorization server: organisations and people, client applications, sessions, codes, tokens and keys.
//! OAuth 2.0 (RFC 6749, RFC 9700), OpenID Connect Core, contract 2.
//!
//! [`Auth`] is the state; [`routes`] and [`browser_routes`] close over it. A token is checked in memory
//! ([`Auth::check`]): signature, times, audience, and what was revoked. `docs/authorization.md` tells the rest.

pub mod api_key;
pub mod authorize;
pub mod client;
pub mod client_connection;
mod config;
pub mod device;
mod discovery;
mod fault;
pub mod grant;
mod hint;
pub mod keys;
mod logout;
pub mod organisation;
pub mod person;
mod posted;
mod proof;
pub mod registration;
pub mod role;
mod row;
pub mod scope;
mod security;
pub mod session;
pub mod smart;
mod state;
mod status;
mod sweep;
pub mod token;
pub mod trace;
pub mod udap;
pub mod upstream;
mod userinfo;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    middleware::{from_fn_with_state, map_response},
    routing::get,
};
use jobs::Worker;
use store::{Migration, MigrationSet};
use utoipa_axum::{router::OpenApiRouter, routes};
use web::Authenticate;

pub use config::{Config, DpopNonce};
pub use fault::{OAuthFault, OpenFault};
pub use session::{Administrator, Developer, Guest, SignedIn};
pub use state::{Acting, Auth, Parts};
pub use token::{Confirmation, Origin, Verified};

/// The tables of this crate.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    crate_name: "auth",
    files: &[
        Migration { name: "0001_people", sql: include_str!("../migrations/0001_people.sql") },
        Migration { name: "0002_clients", sql: include_str!("../migrations/0002_clients.sql") },
        Migration { name: "0003_tokens", sql: include_str!("../migrations/0003_tokens.sql") },
        Migration { name: "0004_grants", sql: include_str!("../migrations/0004_grants.sql") },
        Migration { name: "0005_factors", sql: include_str!("../migrations/0005_factors.sql") },
        Migration {
            name: "0006_client_connections",
            sql: include_str!("../migrations/0006_client_connections.sql"),
        },
        Migration { name: "0007_api_keys", sql: include_str!("../migrations/0007_api_keys.sql") },
        Migration { name: "0008_smart", sql: include_str!("../migrations/0008_smart.sql") },
        Migration { name: "0009_udap", sql: include_str!("../migrations/0009_udap.sql") },
        Migration { name: "0010_authorize", sql: include_str!("../migrations/0010_authorize.sql") },
        Migration { name: "0011_keys", sql: include_str!("../migrations/0011_keys.sql") },
        Migration { name: "0012_upstream", sql: include_str!("../migrations/0012_upstream.sql") },
        Migration { name: "0014_trace", sql: include_str!("../migrations/0014_trace.sql") },
        Migration { name: "0015_registration", sql: include_str!("../migrations/0015_registration.sql") },
        Migration { name: "0016_replay", sql: include_str!("../migrations/0016_replay.sql") },
        Migration { name: "0017_device", sql: include_str!("../migrations/0017_device.sql") },
        Migration { name: "0018_status", sql: include_str!("../migrations/0018_status.sql") },
        Migration { name: "0021_connection_use", sql: include_str!("../migrations/0021_connection_use.sql") },
        Migration { name: "0022_tiered", sql: include_str!("../migrations/0022_tiered.sql") },
        Migration { name: "0024_review", sql: include_str!("../migrations/0024_review.sql") },
        Migration { name: "0025_roles", sql: include_str!("../migrations/0025_roles.sql") },
    ],
};

/// How often what has expired is removed.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// What machines call: for [`web::Dialect::OAuth`].
pub fn routes(auth: Auth) -> OpenApiRouter {
    let tokens = OpenApiRouter::new().routes(routes!(token::exchange::exchange));
    let tokens = tokens.layer(from_fn_with_state(auth.clone(), token::by_get::by_get));
    OpenApiRouter::with_openapi(security::schemes(&auth))
        .merge(tokens)
        .routes(routes!(device::begin::begin))
        .routes(routes!(authorize::push::push))
        .routes(routes!(registration::create::create))
        .routes(routes!(registration::manage::show, registration::manage::replace, registration::manage::end))
        .routes(routes!(token::introspect::introspect))
        .routes(routes!(token::revoke::revoke))
        .routes(routes!(status::serve::status_list))
        .routes(routes!(keys::jwks::jwks))
        .merge(udap::routes(&auth))
        .routes(routes!(userinfo::get_userinfo, userinfo::post_userinfo))
        .routes(routes!(discovery::openid_configuration))
        .routes(routes!(discovery::authorization_server))
        .routes(routes!(smart::configuration::configuration))
        .routes(routes!(smart::launch::create))
        .layer(trace::watch(&auth))
        .with_state(auth)
}

/// Connections between clients: for [`web::Dialect::Meta`].  Contract 5
pub fn client_routes(auth: Auth) -> OpenApiRouter {
    let authenticate: Arc<dyn Authenticate> = Arc::new(auth.clone());
    OpenApiRouter::new()
        .routes(routes!(client_connection::clients::list))
        .routes(routes!(client_connection::clients::view))
        .routes(routes!(client_connection::list::list))
        .routes(routes!(
            client_connection::view::view,
            client_connection::update::update,
            client_connection::delete::delete
        ))
        .routes(routes!(client_connection::refresh_secret::refresh_secret))
        .routes(routes!(client_connection::upsert::upsert))
        .layer(map_response(client_connection::kept_by_nobody))
        .layer(Extension(authenticate))
        .with_state(auth)
}

/// The paths below which requests are answered as contract 5 says, those that lead nowhere included.
pub const CLIENT_PATHS: [&str; 2] = ["/api/clients", "/admin/clients"];

/// Where browsers are sent: for [`web::Dialect::Page`].
pub fn browser_routes(auth: Auth) -> Router {
    Router::new()
        .route("/oauth2/authorize", get(authorize::begin::authorize).post(posted::go_on_as_query))
        .route("/oauth2/form_post.js", get(authorize::form_post::script))
        .route("/oauth2/logout", get(logout::logout).post(posted::go_on_as_query))
        .layer(trace::watch(&auth))
        .with_state(auth)
}

/// What happens by itself.
#[must_use]
pub fn jobs(auth: &Auth, worker: Worker) -> Worker {
    worker
        .register::<status::mark::MarkStatus>(auth.clone())
        .register::<logout::backchannel::TellOfSignOut>(auth.clone())
        .register::<sweep::SweepExpired>(auth.clone())
        .every(SWEEP_EVERY, |_| sweep::SweepExpired {})
        .register::<keys::RotateKeys>(auth.clone())
        .every(keys::ROTATION_LOOKED_AT, |_| keys::RotateKeys {})
}
