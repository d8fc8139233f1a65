//! A grant for a token.  RFC 6749 §3.2, §5

use axum::{Json, extract::State};
use kernel::Scopes;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::Answer;

use super::{Confirmation, client_credentials, issue::NewToken, redeem, refresh, token_exchange};
use crate::{
    Auth, OAuthFault,
    client::{
        self, GrantType,
        authenticate::{ClientCall, FlowCall},
        is_resource,
    },
    device, udap,
};

/// What a client posts, besides its authentication.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
#[expect(dead_code, reason = "describes the form; the handler reads it parameter by parameter")]
pub(crate) struct TokenIn {
    /// `authorization_code`, `refresh_token`, `client_credentials` and what else the metadata lists.
    grant_type: String,
    /// The code, for `authorization_code`.
    code: Option<String>,
    /// The redirect URI that the code was sent to, for `authorization_code`.
    redirect_uri: Option<String>,
    /// The PKCE verifier, for `authorization_code`.
    code_verifier: Option<String>,
    /// For `urn:ietf:params:oauth:grant-type:jwt-bearer`: what the client has signed, of itself.
    assertion: Option<String>,
    /// The device code, for `urn:ietf:params:oauth:grant-type:device_code`.
    device_code: Option<String>,
    /// The refresh token, for `refresh_token`.
    refresh_token: Option<String>,
    /// For `client_credentials`: all that the client is registered for where it is left out. For `refresh_token`: all that was
    /// granted.
    scope: Option<String>,
    /// The access token to exchange, for `urn:ietf:params:oauth:grant-type:token-exchange`.
    subject_token: Option<String>,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    subject_token_type: Option<String>,
    /// The API that the token is for (RFC 8707), where it is not this deployment.
    resource: Option<String>,
    /// The client, where it does not authenticate with `Basic`.
    client_id: Option<String>,
    /// Its secret, where it has one and does not authenticate with `Basic`.
    client_secret: Option<String>,
}

/// A token, and what it is good for.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenResponse)]
pub(crate) struct TokenOut {
    pub access_token: String,
    /// `Bearer`, or `DPoP` where the token is bound to a key.
    pub token_type: &'static str,
    /// In seconds.
    pub expires_in: i64,
    /// What was granted, which may be less than was asked for.
    #[schema(value_type = String)]
    pub scope: Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What an exchanged token is (RFC 8693 §2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
    /// The launch context, member by member (SMART App Launch 2.2 §2.0.11).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
}

/// Exchange a grant for an access token.
#[utoipa::path(post, path = "/oauth2/token", tag = "tokens",
    request_body(content = TokenIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token", body = TokenOut)),
    security(("client_basic" = []), ()))]
pub(crate) async fn exchange(State(auth): State<Auth>, FlowCall(call): FlowCall) -> Answer<Json<TokenOut>> {
    let named = call.form.require("grant_type", "grant_type is missing")?;
    let grant_type = GrantType::parse(named).ok_or(OAuthFault::UnsupportedGrantType)?;
    if !call.client.may_use(grant_type) {
        return Err(OAuthFault::UnauthorizedClient("the client is not registered for this grant_type").into());
    }
    udap::b2b::check_marked(&call)?;
    // A connection is for what a person allows there; the rest is its client's own business.
    if call.connection.is_some()
        && !matches!(grant_type, GrantType::AuthorizationCode | GrantType::RefreshToken)
    {
        return Err(OAuthFault::UnauthorizedClient("a connection's secret is for the code flow only").into());
    }
    let out = match grant_type {
        // Boxed, so that a call for the most common grant is not as large as one for all of them.
        GrantType::AuthorizationCode => Box::pin(redeem::redeem(&auth, &call)).await?,
        // An assertion in which a client speaks of itself was its proof already: what is left is a token of its own.
        GrantType::ClientCredentials | GrantType::JwtBearer => {
            client_credentials::client_credentials(&auth, &call).await?
        }
        GrantType::RefreshToken => Box::pin(refresh::refresh(&auth, &call)).await?,
        GrantType::DeviceCode => Box::pin(device::poll::poll(&auth, &call)).await?,
        GrantType::TokenExchange => Box::pin(token_exchange::exchange_token(&auth, &call)).await?,
    };
    Ok(Json(out))
}

impl TokenOut {
    pub(crate) fn new(access_token: String, token: &NewToken) -> Self {
        Self {
            access_token,
            token_type: Confirmation::token_type(token.details.confirmation.as_ref()),
            expires_in: token.expires_at.as_seconds() - token.issued_at.as_seconds(),
            scope: token.scopes.clone(),
            refresh_token: None,
            id_token: None,
            issued_token_type: None,
            context: token.details.context.clone(),
        }
    }
}

impl ClientCall {
    /// The key that tokens of this call are bound to: what the client has proven, if it has, and it has to where that is registered.
    pub(crate) fn confirmation(&self) -> Result<Option<Confirmation>, OAuthFault> {
        match &self.sender {
            None if self.client.requires_sender_constraint() => Err(OAuthFault::InvalidRequest(
                "tokens of this client have to be bound to a key: send a DPoP proof",
            )),
            sender => Ok(sender.clone()),
        }
    }

    /// The API that is asked for, if it is one that is registered here; none for this deployment itself.
    pub(crate) async fn resource(&self, auth: &Auth) -> Result<Option<String>, OAuthFault> {
        match self.form.get("resource") {
            None => Ok(None),
            Some(uri) => known_resource(auth, uri).await,
        }
    }
}

/// RFC 8707 §2
pub(crate) async fn known_resource(auth: &Auth, uri: &str) -> Result<Option<String>, OAuthFault> {
    if auth.config().is_own_resource(uri) {
        return Ok(None);
    }
    let is_known =
        is_resource(uri) && client::queries::server_of(&mut auth.db().read().await?, uri).await?.is_some();
    if is_known { Ok(Some(uri.to_owned())) } else { Err(OAuthFault::InvalidTarget) }
}
