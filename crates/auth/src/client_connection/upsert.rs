//! An administrator connects two clients.  Contract 5, `PUT /admin/clients/{id}/connections`

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use kernel::{Client, Id, Issue};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Path};

use super::{
    ADMIN, ClientConnection, ConnectionFault, ConnectionOut,
    context::admit,
    envelope::{One, one},
    queries, redirect,
    secret::NewSecret,
    update::read_body,
};
use crate::{Acting, Auth, client::RedirectUri};

/// The constraint that keeps pairs apart.
const PAIR_KEY: &str = "client_connection_client_id_consumer_id_key";

/// What makes a connection; every other field is ignored.
#[derive(ToSchema)]
#[schema(as = ClientConnectionUpsert)]
#[expect(dead_code, reason = "describes the body, which is read after the context was judged")]
pub(crate) struct UpsertIn {
    /// The client that makes use of it.
    consumer_id: String,
    /// Absolute, `https`.
    redirect_uri: String,
}

/// Connect two clients, or give their connection another redirect URI and secret.
#[utoipa::path(put, path = "/admin/clients/{id}/connections", tag = "client connections",
    operation_id = "upsert_client_connection",
    params(("id" = String, Path, description = "The client's id")),
    request_body = UpsertIn,
    responses(
        (status = 201, description = "A new connection with its secret", body = One<ConnectionOut>),
        (status = 200, description = "The connection with its new secret", body = One<ConnectionOut>)),
    security(("bearer" = ["client:admin"])))]
pub(crate) async fn upsert(
    State(auth): State<Auth>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Response> {
    let viewer = admit(&auth, &bearer, &context, ADMIN).await?;
    viewer.require_organisation()?;
    let asked = viewer.ask_about(&id)?;
    let (consumer, redirect_uri) = read(&read_body(request).await?)?;
    let client = asked.id()?;
    let ensured = ensure(&auth, &viewer.acting, client, consumer, redirect_uri).await?;
    let status = if ensured.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let place =
        format!("{}/api/clients/{client}/connections/{}", auth.config().base(), ensured.connection.id);
    let out = ConnectionOut::with_secret(ensured.connection, &ensured.secret);
    let mut response = one(&context, status, out).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// Both fields, and every one that is at fault. A consumer that is no id is nobody (404, not 422).
fn read(body: &Map<String, Value>) -> Result<(Id<Client>, RedirectUri), ConnectionFault> {
    match (redirect::text(body, "consumer_id"), redirect::read(body)) {
        (Ok(consumer), Ok(uri)) => Ok((consumer.parse().map_err(|_| ConnectionFault::NoClient)?, uri)),
        (consumer, uri) => {
            Err(ConnectionFault::Refused(consumer.err().into_iter().chain(uri.err()).collect()))
        }
    }
}

/// A connection that is in place now, with the secret that was drawn for it.
pub struct Ensured {
    /// The connection.
    pub connection: ClientConnection,
    /// Its secret; this is the only time that it is there.
    pub secret: NewSecret,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Connect two clients of the acting organisation, or give their connection another redirect URI. In both cases a
/// secret is drawn, and one before it is dead at once.
///
/// # Errors
/// [`ConnectionFault::NoClient`]; [`ConnectionFault::Refused`] where the consumer is no client of the organisation;
/// [`ConnectionFault::Conflict`].
pub async fn ensure(
    auth: &Auth,
    acting: &Acting,
    client: Id<Client>,
    consumer: Id<Client>,
    redirect_uri: RedirectUri,
) -> Result<Ensured, ConnectionFault> {
    let secret = NewSecret::draw(auth);
    let (digest, now) = (secret.digest, auth.world().now());
    let new = ClientConnection {
        id: auth.world().new_id(),
        organisation: acting.organisation,
        client,
        consumer,
        redirect_uri: redirect_uri.as_str().to_owned(),
        inserted_at: now,
        updated_at: now,
        last_used_at: None,
    };
    let (world, acting) = (auth.world().clone(), acting.clone());
    let written = auth
        .db()
        .write(async move |tx| -> Result<(ClientConnection, bool), ConnectionFault> {
            if !queries::is_client_of(tx, new.organisation, client).await? {
                return Err(ConnectionFault::NoClient);
            }
            if !queries::is_client_of(tx, new.organisation, consumer).await? {
                let issue = Issue::at("consumer_id", "does not exist").of_rule("exists");
                return Err(ConnectionFault::Refused(vec![issue]));
            }
            let details = json!({ "client": client, "consumer": consumer, "to": new.redirect_uri });
            let (connection, is_new) = match queries::of_pair(tx, client, consumer).await? {
                None => {
                    queries::insert(tx, &new, &digest).await?;
                    (new.clone(), true)
                }
                Some(there) => {
                    let redirect_uri = new.redirect_uri.clone();
                    let after = ClientConnection { redirect_uri, updated_at: now, ..there };
                    queries::set_redirect(tx, &after).await?;
                    queries::set_secret(tx, &after, &digest).await?;
                    (after, false)
                }
            };
            let act = if is_new { "client_connection.made" } else { "client_connection.replaced" };
            audit::record(tx, &world, &acting.entry(act, connection.id, details)).await?;
            Ok((connection, is_new))
        })
        .await;
    match written {
        Ok((connection, is_new)) => Ok(Ensured { connection, secret, is_new }),
        Err(ConnectionFault::Store(fault)) if fault.is_unique(PAIR_KEY) => Err(ConnectionFault::Conflict),
        Err(fault) => Err(fault),
    }
}
