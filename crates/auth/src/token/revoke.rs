//! A client gives a token up.  RFC 7009 §2

use axum::extract::State;
use http::StatusCode;
use kernel::Timestamp;
use utoipa::ToSchema;
use web::{Answer, AuthFault};

use super::revocation::{self, Revoked};
use crate::{Auth, OAuthFault, client::authenticate::ClientCall};

/// What a client posts, besides its authentication.
#[derive(ToSchema)]
#[schema(as = RevocationRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct RevokeIn {
    /// The token.
    token: String,
    /// Not needed: there is one kind of token.
    token_type_hint: Option<String>,
}

/// Revoke a token. One that is not good any more, or never was, is answered the same (§2.2).
#[utoipa::path(post, path = "/oauth2/revocation", tag = "tokens",
    request_body(content = RevokeIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token is not good any more")),
    security(("client_basic" = []), ()))]
pub(crate) async fn revoke(State(auth): State<Auth>, call: ClientCall) -> Answer<StatusCode> {
    let token = call.form.require("token", "token is missing")?;
    let verified = match auth.check(token).await {
        Ok(verified) => verified,
        Err(AuthFault::Invalid | AuthFault::Scope(_) | AuthFault::Proof(_) | AuthFault::Nonce(_)) => {
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
    let (world, row) = (auth.world().clone(), revoked.clone());
    auth.db()
        .write(async move |tx| -> Result<(), OAuthFault> {
            revocation::record(tx, &row).await?;
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await?;
    auth.heed(&revoked);
    Ok(StatusCode::OK)
}
