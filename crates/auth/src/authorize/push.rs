//! A client says beforehand, and proven, what it will ask for; the browser carries a reference.  RFC 9126

use std::time::Duration;

use axum::{Json, extract::State};
use crypto::token;
use http::StatusCode;
use kernel::{Client, Digest, Id, Kind, Secret, Timestamp};
use serde::Serialize;
use store::Writer;
use utoipa::ToSchema;
use vault::{Place, Sealed};
use web::{Answer, Problem};

use super::{
    AuthorizeFault, check, destination, queries,
    request::{Parameters, Refusal},
};
use crate::{
    Auth, OAuthFault,
    client::authenticate::{ClientCall, FlowCall},
    client_connection::prove::judge_redirect,
};

/// How long a browser may take to come with a reference (§2.2 asks for 5 to 600 seconds).
pub const PUSHED_LIFETIME: Duration = Duration::from_secs(90);

/// How long a request that a browser has come with is kept while its person signs in.
pub const SIGN_IN_TIME: Duration = Duration::from_mins(30);

/// The longest request that can be pushed, in bytes.
pub const PUSHED_BYTES_MAX: usize = 16 * 1024;

/// What a reference begins with (§2.2).
const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// Keeps digests of references apart from every other digest.
const PURPOSE: &str = "pushed_request";

/// What proves the client is no part of its request.
const OF_THE_CALL: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// What a client pushes: the parameters of an authorization request, besides its authentication.
#[derive(ToSchema)]
#[schema(as = PushedAuthorizationRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct PushIn {
    response_type: String,
    redirect_uri: String,
    scope: String,
    code_challenge: String,
    code_challenge_method: String,
    state: Option<String>,
}

/// The reference.
#[derive(Serialize, ToSchema)]
#[schema(as = PushedAuthorizationResponse)]
pub(crate) struct PushOut {
    /// For `request_uri` of the authorization request; good once.
    request_uri: String,
    /// In seconds.
    expires_in: u64,
}

/// A request as its row holds it.
#[derive(Clone)]
pub(super) struct PushedRow {
    pub digest: Digest,
    pub client: Id<Client>,
    pub request: Sealed,
    pub expires_at: Timestamp,
}

/// Push an authorization request. It is checked now, and again when the browser comes.
#[utoipa::path(post, path = "/oauth2/par", tag = "tokens",
    request_body(content = PushIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 201, description = "The reference", body = PushOut)),
    security(("client_basic" = []), ()))]
pub(crate) async fn push(
    State(auth): State<Auth>,
    FlowCall(call): FlowCall,
) -> Answer<(StatusCode, Json<PushOut>)> {
    if call.form.get("request_uri").is_some() {
        return Err(OAuthFault::InvalidRequest("request_uri cannot be pushed").into());
    }
    let query = Secret::new(format!("{}{}", call.form.encoded_without(&OF_THE_CALL).expose(), bound(&call)?));
    if query.expose().len() > PUSHED_BYTES_MAX {
        return Err(OAuthFault::InvalidRequest("the request is longer than 16384 bytes").into());
    }
    let parameters = Parameters::read_pushed(query.expose())?;
    let destination = destination(&auth, &call.client, &parameters).await?;
    if call.connection.is_some() {
        let (client, redirect) = (&call.client, destination.as_str());
        let right = judge_redirect(&mut auth.db().read().await?, client, call.connection, redirect).await?;
        right.map_err(|_| AuthorizeFault::UnknownRedirectUri)?;
    }
    if let Err(Refusal { error, description }) = check(&auth, &call.client, &parameters, destination).await? {
        return Err(Problem::new(Kind::Invalid, description).with_code(error));
    }
    let reference = token::generate(auth.world(), "hlm_pr_");
    let digest = auth.vault().digest(PURPOSE, reference.expose().as_bytes());
    let row = PushedRow {
        request: auth.vault().seal_system(place(&digest), query.expose().as_bytes()),
        digest,
        client: call.client.id,
        expires_at: auth.world().now() + PUSHED_LIFETIME,
    };
    auth.db()
        .write(async move |tx: &mut Writer| queries::insert_pushed(tx, &row).await)
        .await
        .map_err(OAuthFault::from)?;
    let request_uri = format!("{URN}{}", reference.expose());
    Ok((StatusCode::CREATED, Json(PushOut { request_uri, expires_in: PUSHED_LIFETIME.as_secs() })))
}

/// The client, and the key that the code will be bound to where the call proves one (RFC 9449 §10.1).
fn bound(call: &ClientCall) -> Result<String, OAuthFault> {
    let client = format!("&client_id={}", call.client.client_id.as_str());
    let proven = call.sender.as_ref().and_then(|sender| sender.jkt.as_deref());
    match (proven, call.form.get("dpop_jkt")) {
        (Some(proven), Some(named)) if proven != named => {
            Err(OAuthFault::InvalidRequest("dpop_jkt is not the key of the DPoP proof"))
        }
        (Some(proven), None) => Ok(format!("{client}&dpop_jkt={proven}")),
        _ => Ok(client),
    }
}

/// What a reference stands for: the client's own request, while it is good. `sent_at` is when this very reference sent the browser
/// to sign in.
pub(super) async fn find(
    auth: &Auth,
    client: Id<Client>,
    reference: &str,
    sent_at: Option<Timestamp>,
) -> Result<(Digest, Secret<Vec<u8>>), AuthorizeFault> {
    let reference = reference.strip_prefix(URN).ok_or(AuthorizeFault::UnknownRequestUri)?;
    let digest = auth.vault().digest(PURPOSE, reference.as_bytes());
    let row = queries::pushed(&mut auth.db().read().await?, &digest).await?;
    let row = row.filter(|row| is_good(row, client, sent_at, auth.world().now()));
    let row = row.ok_or(AuthorizeFault::UnknownRequestUri)?;
    Ok((digest, auth.vault().open_system(place(&digest), &row.request)?))
}

/// Whether a value of `request_uri` is a reference of ours; any other would have to be fetched.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with(URN)
}

/// A reference is good once: for the question or the code that follows from it.
pub(super) async fn spend(tx: &mut Writer, pushed: Option<&Digest>) -> Result<(), AuthorizeFault> {
    match pushed {
        Some(digest) if queries::delete_pushed(tx, digest).await? == 0 => {
            Err(AuthorizeFault::UnknownRequestUri)
        }
        _ => Ok(()),
    }
}

fn is_good(row: &PushedRow, client: Id<Client>, sent_at: Option<Timestamp>, now: Timestamp) -> bool {
    let more = if sent_at.is_some() { SIGN_IN_TIME } else { Duration::ZERO };
    row.client == client && now < row.expires_at + more
}

fn place(digest: &Digest) -> Place {
    let (halves, _) = digest.as_bytes().as_chunks::<16>();
    let row = halves.first().copied().unwrap_or_default();
    Place { table: "pushed_request", row, column: "request", purpose: "authorize" }
}
