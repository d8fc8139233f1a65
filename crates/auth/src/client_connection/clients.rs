//! Clients as callers of this API see them.  Contract 5, `GET /api/clients`

use axum::{Extension, extract::State};
use http::StatusCode;
use kernel::{Client, Id, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    CLIENT_READ, ClientType, ConnectionFault,
    context::admit,
    envelope::{Many, One, many, one},
    kind::Reach,
    list::Asking,
    paging::{self, Asked, Slice},
    queries,
};
use crate::Auth;

/// A client as its rows hold it.
pub(super) struct ClientRow {
    pub id: Id<Client>,
    pub name: String,
    pub client_type: Option<ClientType>,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A client as callers see it.
#[derive(Serialize, ToSchema)]
#[schema(as = ConnectedClient)]
pub(crate) struct ClientOut {
    #[schema(value_type = String, format = "uuid")]
    id: Id<Client>,
    name: String,
    client_type_name: Option<String>,
    /// Whether it is switched off.
    is_blocked: bool,
    inserted_at: String,
    updated_at: String,
}

impl From<ClientRow> for ClientOut {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            client_type_name: row.client_type.map(|kind| kind.to_string()),
            is_blocked: row.disabled_at.is_some(),
            inserted_at: row.created_at.to_string(),
            updated_at: row.updated_at.to_string(),
        }
    }
}

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query, which is read leniently: junk is a page too")]
pub(crate) struct PageIn {
    /// 1 where it is left out or is no page; the last where there are not so many.
    page: Option<String>,
    /// 50 where it is left out or is no number; 100 at the most.
    page_size: Option<String>,
}

/// List the clients that the caller sees: its own, or with an administrators' type those of its organisation.
#[utoipa::path(get, path = "/api/clients", tag = "client connections",
    operation_id = "list_clients", params(PageIn),
    responses((status = 200, description = "The clients", body = Many<ClientOut>)),
    security(("bearer" = ["client:read"])))]
pub(crate) async fn list(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    asking: Asking,
) -> Answer<Json<Many<ClientOut>>> {
    let viewer = admit(&auth, &bearer, &context, CLIENT_READ).await?;
    let asking = asking.read()?;
    let own = (viewer.reach == Reach::OwnClient).then_some(viewer.client);
    Ok(many(&context, page(&auth, viewer.acting.organisation, own, &asking.page()).await?))
}

async fn page(
    auth: &Auth,
    organisation: Id<kernel::Organisation>,
    own: Option<Id<Client>>,
    asked: &Asked<'_>,
) -> Result<Slice<ClientRow>, ConnectionFault> {
    let mut tx = auth.db().read().await?;
    if let Some(own) = own {
        let rows: Vec<ClientRow> = queries::client(&mut tx, organisation, own).await?.into_iter().collect();
        let (paging, _) = paging::place(asked, u64::try_from(rows.len()).unwrap_or(0));
        return Ok(Slice { rows, paging });
    }
    let total = queries::count_clients(&mut tx, organisation).await?;
    let (paging, window) = paging::place(asked, total);
    Ok(Slice { rows: queries::clients(&mut tx, organisation, window).await?, paging })
}

/// View a client.
#[utoipa::path(get, path = "/api/clients/{id}", tag = "client connections",
    operation_id = "view_client",
    params(("id" = String, Path, description = "The client's id")),
    responses((status = 200, description = "The client", body = One<ClientOut>)),
    security(("bearer" = ["client:read"])))]
pub(crate) async fn view(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<One<ClientOut>>)> {
    let viewer = admit(&auth, &bearer, &context, CLIENT_READ).await?;
    let id = viewer.ask_about(&id)?.id()?;
    let row = queries::client(&mut auth.db().read().await?, viewer.acting.organisation, id).await?;
    Ok(one(&context, StatusCode::OK, row.ok_or(ConnectionFault::NoClient)?.into()))
}
