//! A client looks at its registration, replaces it, or ends it.  RFC 7592 §2

use std::sync::Arc;

use axum::{
    Json as JsonOut,
    extract::{FromRequestParts, Path, State},
};
use http::{StatusCode, request::Parts};
use kernel::{Actor, Secret};
use serde_json::Value;
use web::{Answer, Json, Problem};

use super::{RegistrationFault, RegistrationOut, metadata::RegistrationIn, queries, token};
use crate::{
    Acting, Auth,
    client::{self, Client, ClientIdText, directory::Entry, dynamic, secret},
    session::request_id,
};

/// A client that has shown the token of its registration.
pub(crate) struct Registrant {
    entry: Arc<Entry>,
    token: Secret<String>,
    acting: Acting,
}

impl FromRequestParts<Auth> for Registrant {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, Problem> {
        let request = request_id(parts);
        let token = token::presented(&parts.headers)?;
        let named = Path::<String>::from_request_parts(parts, auth).await;
        let named = named.map_err(|_| RegistrationFault::NotTheirs("no client is named"))?;
        let entry = proven(auth, &named, &token).await?;
        let (client, organisation) = (entry.client.id, entry.client.organisation);
        let acting = Acting { actor: Actor::Client(client), organisation, request };
        Ok(Self { entry, token, acting })
    }
}

/// Which part was wrong is not told: nobody finds out here which clients there are.
async fn proven(auth: &Auth, named: &str, text: &Secret<String>) -> Result<Arc<Entry>, RegistrationFault> {
    const UNKNOWN: RegistrationFault = RegistrationFault::NotTheirs("unknown client");
    let client_id: ClientIdText = named.parse().map_err(|_| UNKNOWN)?;
    let entry = auth.directory().find(auth.db(), &client_id, auth.world().now()).await?.ok_or(UNKNOWN)?;
    let kept = queries::token(&mut auth.db().read().await?, entry.client.id).await?;
    let kept = kept.ok_or(RegistrationFault::NotTheirs("it did not register itself"))?;
    if !token::is_of(auth, text.expose(), &kept) {
        return Err(RegistrationFault::NotTheirs("another token"));
    }
    if entry.client.disabled_at.is_some() {
        return Err(RegistrationFault::NotTheirs("the client is switched off"));
    }
    Ok(entry)
}

/// What is registered.
#[utoipa::path(get, path = "/oauth2/register/{client_id}", tag = "clients", operation_id = "get_registration",
    params(("client_id" = String, Path, description = "The client")),
    responses((status = 200, description = "What is registered", body = RegistrationOut)),
    security(("registration" = [])))]
pub(crate) async fn show(State(auth): State<Auth>, who: Registrant) -> JsonOut<RegistrationOut> {
    JsonOut(RegistrationOut::of(&who.entry.client, auth.issuer(), who.token.expose().clone()))
}

/// Replace what is registered: what is left out goes back to its default. The answer has a new registration access token.
#[utoipa::path(put, path = "/oauth2/register/{client_id}", tag = "clients", operation_id = "replace_registration",
    params(("client_id" = String, Path, description = "The client")),
    request_body(content = RegistrationIn, content_type = "application/json"),
    responses((status = 200, description = "What is registered now", body = RegistrationOut)),
    security(("registration" = [])))]
pub(crate) async fn replace(
    State(auth): State<Auth>,
    who: Registrant,
    Json(body): Json<Value>,
) -> Answer<JsonOut<RegistrationOut>> {
    Ok(JsonOut(replaced(&auth, who, body).await?))
}

async fn replaced(auth: &Auth, who: Registrant, body: Value) -> Result<RegistrationOut, RegistrationFault> {
    let read = RegistrationIn::read(body)?;
    check_same(auth, &who.entry, &read)?;
    let registration = read.registration()?;
    check_not_wider(&who.entry.client, &registration)?;
    let (text, digest) = token::draw(auth);
    let (auth_in, acting, id, now) = (auth.clone(), who.acting, who.entry.client.id, auth.world().now());
    let (after, secret): (Client, Option<Secret<String>>) = auth
        .db()
        .write(async move |tx| -> Result<_, RegistrationFault> {
            queries::set_token(tx, id, &digest, now).await?;
            Ok(dynamic::replace(tx, &auth_in, &acting, id, &registration).await?)
        })
        .await?;
    auth.directory().forget(after.client_id.as_str());
    Ok(RegistrationOut::of(&after, auth.issuer(), text.expose().clone()).with_secret(secret.as_ref()))
}

/// RFC 7592 §2.2: the client names itself, and neither itself nor its secret otherwise.
fn check_same(auth: &Auth, entry: &Entry, read: &RegistrationIn) -> Result<(), RegistrationFault> {
    if read.client_id.as_deref() != Some(entry.client.client_id.as_str()) {
        return Err(RegistrationFault::metadata("client_id", "must be the client's own"));
    }
    let Some(text) = &read.client_secret else { return Ok(()) };
    let digest = auth.vault().digest(secret::PURPOSE, text.as_bytes());
    match entry.live_secret(&digest, auth.world().now()) {
        Some(_) => Ok(()),
        None => Err(RegistrationFault::metadata("client_secret", "is not the client's; it cannot be chosen")),
    }
}

/// Leave to register was given for what was asked for then. More of it needs an administrator, or a new registration.
fn check_not_wider(before: &Client, after: &client::register::Registration) -> Result<(), RegistrationFault> {
    let grants = before.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>();
    let same =
        |grant: &String| client::GrantType::parse(grant).is_none_or(|grant| grants.contains(&grant.as_str()));
    if !after.grant_types.iter().all(same) {
        return Err(RegistrationFault::metadata("grant_types", "cannot grow; register another client"));
    }
    let scopes: kernel::Scopes =
        after.scopes.parse().map_err(|_| RegistrationFault::metadata("scope", "is malformed"))?;
    if scopes.as_far_as(&before.scopes) == scopes {
        Ok(())
    } else {
        Err(RegistrationFault::metadata("scope", "cannot grow; register another client"))
    }
}

/// End the registration: the client is switched off, and what it holds is dead at once.
#[utoipa::path(delete, path = "/oauth2/register/{client_id}", tag = "clients", operation_id = "end_registration",
    params(("client_id" = String, Path, description = "The client")),
    responses((status = 204, description = "It has ended")), security(("registration" = [])))]
pub(crate) async fn end(State(auth): State<Auth>, who: Registrant) -> Answer<StatusCode> {
    let id = who.entry.client.id;
    client::disable(&auth, &who.acting, id).await.map_err(RegistrationFault::from)?;
    Ok(StatusCode::NO_CONTENT)
}
