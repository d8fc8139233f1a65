//! Connections between clients: the redirect URI and the secret that one client has for another.  Contract 5
//!
//! Every request is judged in the same order: token (401), scope (403), context (403), body (422), existence (404). The
//! context comes before existence, so that a caller who sees only its own client learns nothing about others.

pub(crate) mod clients;
mod context;
pub(crate) mod delete;
mod envelope;
mod fault;
mod kind;
pub(crate) mod list;
mod paging;
pub(crate) mod prove;
mod queries;
mod redirect;
pub(crate) mod refresh_secret;
mod secret;
pub(crate) mod update;
pub(crate) mod upsert;
pub(crate) mod view;

use axum::response::Response;
use http::{HeaderValue, header};
use kernel::{Client, Id, Organisation, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

pub use delete::remove;
pub use fault::ConnectionFault;
pub use kind::{ClientType, MalformedClientType, client_type_of, set_client_type};
pub use list::{Connected, SHOWN_MAX, get, list_of};
pub use refresh_secret::draw_secret;
pub use secret::NewSecret;
pub use upsert::{Ensured, ensure};

/// Read clients.
pub const CLIENT_READ: &str = "client:read";
/// Read connections, without their secrets.
pub const READ: &str = "connection:read";
/// Change where a connection redirects to.
pub const WRITE: &str = "connection:write";
/// Draw a new secret for a connection.
pub const REFRESH_SECRET: &str = "connection:refresh_secret";
/// Delete a connection.
pub const DELETE: &str = "connection:delete";
/// Make connections.
pub const ADMIN: &str = "client:admin";

/// A connection as its row holds it.
#[derive(Debug, Clone)]
pub struct ClientConnection {
    /// Its id.
    pub id: Id<kernel::ClientConnection>,
    /// The organisation of both clients.
    pub organisation: Id<Organisation>,
    /// The client whose redirect URI and secret these are.
    pub client: Id<Client>,
    /// The client that makes use of them.
    pub consumer: Id<Client>,
    /// Where authorization answers may go.
    pub redirect_uri: String,
    /// When it was made.
    pub inserted_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When its secret was last used, to within five minutes.
    pub last_used_at: Option<Timestamp>,
}

/// A connection as callers see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientConnection)]
pub(crate) struct ConnectionOut {
    #[schema(value_type = String, format = "uuid")]
    id: Id<kernel::ClientConnection>,
    #[schema(value_type = String, format = "uuid")]
    client_id: Id<Client>,
    #[schema(value_type = String, format = "uuid")]
    consumer_id: Id<Client>,
    redirect_uri: String,
    inserted_at: String,
    updated_at: String,
    /// 32 characters; only where it was drawn just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl ConnectionOut {
    fn without_secret(connection: ClientConnection) -> Self {
        Self {
            id: connection.id,
            client_id: connection.client,
            consumer_id: connection.consumer,
            redirect_uri: connection.redirect_uri,
            inserted_at: connection.inserted_at.to_string(),
            updated_at: connection.updated_at.to_string(),
            secret: None,
        }
    }

    fn with_secret(connection: ClientConnection, secret: &secret::NewSecret) -> Self {
        Self { secret: Some(secret.text.expose().clone()), ..Self::without_secret(connection) }
    }
}

/// Secrets and who is connected to whom are the caller's alone: nobody on the way keeps them, and nothing is compressed
/// beside a secret.
pub(crate) async fn kept_by_nobody(mut response: Response) -> Response {
    const ALONE: HeaderValue = HeaderValue::from_static("no-store, no-transform");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(ALONE);
    response
}
