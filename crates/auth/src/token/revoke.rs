//! A client gives a token up.  RFC 7009 §2

use axum::extract::State;
use http::StatusCode;
use kernel::{ClientConnection, Id, Timestamp};
use utoipa::ToSchema;
use web::{Answer, AuthFault};

use super::{
    refresh_token::RefreshToken,
    revocation::{self, Revoked},
};
use crate::{
    Auth, OAuthFault,
    client::authenticate::{ClientCall, FlowCall},
    grant::{self, GrantRow},
    status,
};

/// What a client posts, besides its authentication.
#[derive(ToSchema)]
#[schema(as = RevocationRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct RevokeIn {
    /// The token.
    token: String,
    /// Not needed: a token says what it is.
    token_type_hint: Option<String>,
}

/// Revoke a token. One that is not good any more, or never was, is answered the same (§2.2).
#[utoipa::path(post, path = "/oauth2/revocation", tag = "tokens",
    request_body(content = RevokeIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token is not good any more")),
    security(("client_basic" = []), ()))]
pub(crate) async fn revoke(State(auth): State<Auth>, FlowCall(call): FlowCall) -> Answer<StatusCode> {
    let text = call.form.require("token", "token is missing")?;
    if let Some(presented) = RefreshToken::read(&auth, text) {
        return end_grant(&auth, &call, presented).await;
    }
    let verified = match auth.check_for_any(text).await {
        Ok(verified) => verified,
        Err(
            AuthFault::Invalid
            | AuthFault::Scope(_)
            | AuthFault::Proof(_)
            | AuthFault::Nonce(_)
            | AuthFault::Throttled(_),
        ) => {
            return Ok(StatusCode::OK);
        }
        Err(outage @ AuthFault::Unavailable(_)) => return Err(outage.into()),
    };
    if verified.caller.client != call.client.id {
        return Err(OAuthFault::InvalidGrant("another_client").into());
    }
    let (token, end) = (verified.caller.token, Timestamp::from_seconds(verified.expires_at_s));
    let revoked = Revoked::token(token, end, auth.world().now());
    let entry = call.acting().entry("token.revoked", token, serde_json::Value::Null);
    let (world, row, place) = (auth.world().clone(), revoked.clone(), verified.status);
    let (grant, connection) = (verified.grant, call.connection);
    auth.db()
        .write(async move |tx| -> Result<(), OAuthFault> {
            if connection.is_some() {
                let found = match grant {
                    Some(grant) => grant::queries::with_ends(tx, grant).await?,
                    None => None,
                };
                let found = found.ok_or(OAuthFault::InvalidGrant("another_connection"))?;
                check_connection(&found.grant, connection)?;
            }
            revocation::record(tx, &world, &row).await?;
            if let Some(place) = place {
                status::mark_one(tx, place, row.recorded_at).await?;
            }
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await?;
    auth.heed(&revoked);
    Ok(StatusCode::OK)
}

/// A client gives up what is its own; a consumer what came through its connection.
fn check_connection(grant: &GrantRow, by: Option<Id<ClientConnection>>) -> Result<(), OAuthFault> {
    if by.is_none() || grant.details.connection == by {
        Ok(())
    } else {
        Err(OAuthFault::InvalidGrant("another_connection"))
    }
}

/// With its refresh token a grant ends, and every access token of it (§2.1).
async fn end_grant(auth: &Auth, call: &ClientCall, presented: RefreshToken) -> Answer<StatusCode> {
    let (auth_in, acting, client, now) = (auth.clone(), call.acting(), call.client.id, auth.world().now());
    let connection = call.connection;
    let revoked = auth
        .db()
        .write(async move |tx| -> Result<Option<Revoked>, OAuthFault> {
            let Some(found) = grant::queries::with_ends(tx, presented.grant).await? else { return Ok(None) };
            if found.grant.client != client {
                return Err(OAuthFault::InvalidGrant("another_client"));
            }
            check_connection(&found.grant, connection)?;
            Ok(grant::end::end(tx, &auth_in, &acting, &found.grant, "given_up", now).await?)
        })
        .await?;
    revoked.iter().for_each(|revoked| auth.heed(revoked));
    Ok(StatusCode::OK)
}
