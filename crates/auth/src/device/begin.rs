//! A device begins.  RFC 8628 §3.1, §3.2

use axum::{Json, extract::State};
use crypto::token;
use kernel::{Digest, Id, Scopes};
use serde::Serialize;
use utoipa::ToSchema;
use web::Answer;

use super::{
    DeviceCode, DeviceRow, INTERVAL_S, LIFETIME, PAGE, PREFIX, PURPOSE, Standing, UserCode, queries,
};
use crate::{
    Auth, OAuthFault,
    client::{GrantType, authenticate::ClientCall},
    grant::Details,
    scope,
};

/// What a device posts, besides its authentication.
#[derive(ToSchema)]
#[schema(as = DeviceAuthorizationRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct DeviceIn {
    /// The client, where it does not authenticate with `Basic`.
    client_id: Option<String>,
    /// What it asks for; all that it is registered for where it is left out.
    scope: Option<String>,
    /// The API that the token will be for (RFC 8707).
    resource: Option<String>,
}

/// What the device shows, and how it goes on.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceAuthorizationResponse)]
pub(crate) struct DeviceOut {
    /// For the device alone.
    device_code: String,
    /// For the person: `WDJB-MJHT`.
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    /// In seconds.
    expires_in: u64,
    /// How long to wait between two questions, in seconds.
    interval: u32,
}

/// Begin a sign-in that a person goes on with elsewhere.
#[utoipa::path(post, path = "/oauth2/device_authorization", tag = "tokens",
    request_body(content = DeviceIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The codes", body = DeviceOut)),
    security(("client_basic" = []), ()))]
pub(crate) async fn begin(State(auth): State<Auth>, call: ClientCall) -> Answer<Json<DeviceOut>> {
    if !call.client.may_use(GrantType::DeviceCode) {
        return Err(OAuthFault::UnauthorizedClient("the client is not registered for this grant_type").into());
    }
    let scopes = asked(&call, auth.scopes_known())?;
    let details = Details {
        resource: call.resource(&auth).await?,
        confirmation: call.sender.clone(),
        ..Details::default()
    };
    let (text, user_code) = (token::generate(auth.world(), PREFIX), UserCode::draw(auth.world()));
    let row = DeviceRow {
        id: auth.world().new_id(),
        client: call.client.id,
        scopes,
        details,
        interval_s: INTERVAL_S,
        polled_at: None,
        expires_at: auth.world().now() + LIFETIME,
        standing: Standing::Pending,
        person: None,
        session: None,
    };
    let digests = (auth.vault().digest(PURPOSE, text.expose().as_bytes()), user_digest(&auth, &user_code));
    store(&auth, &call, row, digests).await?;
    let page = format!("{}{PAGE}", auth.config().base());
    Ok(Json(DeviceOut {
        device_code: text.expose().clone(),
        verification_uri_complete: format!("{page}?user_code={user_code}"),
        user_code: user_code.to_string(),
        verification_uri: page,
        expires_in: LIFETIME.as_secs(),
        interval: INTERVAL_S,
    }))
}

pub(super) fn user_digest(auth: &Auth, code: &UserCode) -> Digest {
    auth.vault().digest("device_code.user", code.as_bytes())
}

async fn store(
    auth: &Auth,
    call: &ClientCall,
    row: DeviceRow,
    (digest, user_code_digest): (Digest, Digest),
) -> Result<Id<DeviceCode>, OAuthFault> {
    let (world, id) = (auth.world().clone(), row.id);
    let entry = call.acting().entry("device.began", id, serde_json::json!({ "scopes": row.scopes }));
    auth.db()
        .write(async move |tx| -> Result<(), OAuthFault> {
            queries::insert(tx, &row, &digest, &user_code_digest).await?;
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await?;
    Ok(id)
}

fn asked(call: &ClientCall, known: &Scopes) -> Result<Scopes, OAuthFault> {
    let registered = scope::without_system(&call.client.scopes);
    let Some(text) = call.form.get("scope") else { return Ok(registered) };
    let asked: Scopes = text.parse().map_err(|_| OAuthFault::InvalidScope("scope is malformed"))?;
    let granted = scope::granted(&asked, &registered, known).map_err(OAuthFault::InvalidScope)?;
    if granted.is_empty() {
        return Err(OAuthFault::InvalidScope("the client is registered for none of these scopes"));
    }
    Ok(granted)
}
