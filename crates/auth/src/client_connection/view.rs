//! One connection.  Contract 5, `GET /api/clients/{id}/connections/{cid}`

use axum::{Extension, extract::State};
use http::StatusCode;
use kernel::{Client, Id};
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    ConnectionFault, ConnectionOut, READ,
    context::admit,
    envelope::{One, one},
    queries,
};
use crate::Auth;

/// View a connection, without its secret.
#[utoipa::path(get, path = "/api/clients/{id}/connections/{cid}", tag = "client connections",
    operation_id = "view_client_connection",
    params(("id" = String, Path, description = "The client's id"),
        ("cid" = String, Path, description = "The connection's id")),
    responses((status = 200, description = "The connection", body = One<ConnectionOut>)),
    security(("bearer" = ["connection:read"])))]
pub(crate) async fn view(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((id, cid)): Path<(String, String)>,
) -> Answer<(StatusCode, Json<One<ConnectionOut>>)> {
    let viewer = admit(&auth, &bearer, &context, READ).await?;
    let pair = Pair::of(viewer.ask_about(&id)?.id()?, &cid)?;
    let found = queries::connection(&mut auth.db().read().await?, viewer.acting.organisation, pair).await?;
    Ok(one(&context, StatusCode::OK, found.ok_or(ConnectionFault::NotFound)?.into()))
}

/// A connection by the client that it is of.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub client: Id<Client>,
    pub connection: Id<kernel::ClientConnection>,
}

impl Pair {
    /// What is no id is nobody's connection.
    pub(super) fn of(client: Id<Client>, connection: &str) -> Result<Self, ConnectionFault> {
        let connection = connection.parse().map_err(|_| ConnectionFault::NotFound)?;
        Ok(Self { client, connection })
    }
}
