//! Where a connection redirects to changes.  Contract 5, `PATCH /api/clients/{id}/connections/{cid}`

use axum::{
    Extension,
    extract::{FromRequest, Request, State},
};
use http::StatusCode;
use kernel::Issue;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path, Problem};

use super::{
    ClientConnection, ConnectionFault, ConnectionOut, WRITE,
    context::admit,
    envelope::{One, one},
    fault, queries, redirect,
    view::Pair,
};
use crate::{Acting, Auth, client::RedirectUri};

/// What may change; every other field is ignored.
#[derive(ToSchema)]
#[schema(as = ClientConnectionUpdate)]
#[expect(dead_code, reason = "describes the body, which is read after the context was judged")]
pub(crate) struct UpdateIn {
    /// Absolute, `https`.
    redirect_uri: String,
}

/// Change where a connection redirects to.
#[utoipa::path(method(patch, put), path = "/api/clients/{id}/connections/{cid}", tag = "client connections",
    operation_id = "update_client_connection",
    params(("id" = String, Path, description = "The client's id"),
        ("cid" = String, Path, description = "The connection's id")),
    request_body = UpdateIn,
    responses((status = 200, description = "The connection", body = One<ConnectionOut>)),
    security(("bearer" = ["connection:write"])))]
pub(crate) async fn update(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path((id, cid)): Path<(String, String)>,
    request: Request,
) -> Answer<(StatusCode, Json<One<ConnectionOut>>)> {
    let viewer = admit(&auth, &bearer, &context, WRITE).await?;
    let asked = viewer.ask_about(&id)?;
    let body = read_body(request).await?;
    let to = redirect::read(&body).map_err(|issue| ConnectionFault::Refused(vec![issue]))?;
    let changed = change(&auth, &viewer.acting, Pair::of(asked.id()?, &cid)?, to).await?;
    Ok(one(&context, StatusCode::OK, changed.into()))
}

/// The members of a JSON object. It is read here and not by an extractor, because the context comes first.
pub(super) async fn read_body(request: Request) -> Result<Map<String, Value>, Problem> {
    match Json::<Value>::from_request(request, &()).await?.0 {
        Value::Object(members) => Ok(members),
        _ => Err(fault::refused(vec![Issue::at("", "must be an object").of_rule("cast")])),
    }
}

async fn change(
    auth: &Auth,
    acting: &Acting,
    pair: Pair,
    to: RedirectUri,
) -> Result<ClientConnection, ConnectionFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<ClientConnection, ConnectionFault> {
            let before = queries::connection(tx, acting.organisation, pair).await?;
            let before = before.ok_or(ConnectionFault::NotFound)?;
            let details = json!({ "from": before.redirect_uri, "to": to });
            let after = ClientConnection { redirect_uri: to.as_str().to_owned(), updated_at: now, ..before };
            queries::set_redirect(tx, &after).await?;
            let entry = acting.entry("client_connection.redirect_changed", after.id, details);
            audit::record(tx, &world, &entry).await?;
            Ok(after)
        })
        .await
}
