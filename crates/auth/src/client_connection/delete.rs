//! A connection ends.  Contract 5, `DELETE /api/clients/{id}/connections/{cid}`

use axum::{Extension, extract::State};
use http::StatusCode;
use kernel::{Client, ClientConnection, Id};
use serde_json::json;
use web::{Answer, Bearer, Context, Path};

use super::{ConnectionFault, DELETE, context::admit, queries, view::Pair};
use crate::{Acting, Auth};

/// Delete a connection; its secret is dead at once.
#[utoipa::path(delete, path = "/api/clients/{id}/connections/{cid}", tag = "client connections",
    operation_id = "delete_client_connection",
    params(("id" = String, Path, description = "The client's id"),
        ("cid" = String, Path, description = "The connection's id")),
    responses((status = 204, description = "There is no such connection any more")),
    security(("bearer" = ["connection:delete"])))]
pub(crate) async fn delete(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((id, cid)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let viewer = admit(&auth, &bearer, &context, DELETE).await?;
    let pair = Pair::of(viewer.ask_about(&id)?.id()?, &cid)?;
    remove(&auth, &viewer.acting, pair.client, pair.connection).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a connection of this client of the acting organisation; its secret and its redirect URI are worth nothing from then on.
///
/// # Errors
/// [`ConnectionFault::NotFound`].
pub async fn remove(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
    connection: Id<ClientConnection>,
) -> Result<(), ConnectionFault> {
    let pair = Pair { client, connection };
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), ConnectionFault> {
            let there = queries::connection(tx, acting.organisation, pair).await?;
            let there = there.ok_or(ConnectionFault::NotFound)?;
            queries::delete(tx, there.id).await?;
            let details = json!({ "client": there.client, "consumer": there.consumer });
            let entry = acting.entry("client_connection.deleted", there.id, details);
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await
}
