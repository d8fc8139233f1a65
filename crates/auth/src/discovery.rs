//! What this server offers, for machines.  OpenID Connect Discovery §4, RFC 8414 §3
//!
//! What is listed works, and what works is listed; a test calls every endpoint that is named here.

use axum::{Json, extract::State, response::IntoResponse};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Auth,
    authorize::ResponseMode,
    client::{GrantType, OfferedToClients},
    person::factor,
    registration::Policy,
    session::Acr,
};

/// How long metadata and keys may be kept: a new key is published at least this long before it signs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The metadata.
#[derive(Serialize, ToSchema)]
pub(crate) struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    device_authorization_endpoint: String,
    jwks_uri: String,
    pushed_authorization_request_endpoint: String,
    require_pushed_authorization_requests: bool,
    end_session_endpoint: String,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 3],
    grant_types_supported: Vec<&'static str>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    #[serde(flatten)]
    clients: OfferedToClients,
    code_challenge_methods_supported: Vec<&'static str>,
    authorization_response_iss_parameter_supported: bool,
    prompt_values_supported: [&'static str; 4],
    acr_values_supported: Vec<&'static str>,
    claim_types_supported: [&'static str; 1],
    claims_supported: [&'static str; 16],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

/// Metadata for OpenID Connect.
#[utoipa::path(get, path = "/oauth2/.well-known/openid-configuration", tag = "discovery",
    responses((status = 200, description = "OpenID Provider metadata", body = Metadata)))]
pub async fn openid_configuration(State(auth): State<Auth>) -> impl IntoResponse {
    for_anybody(Json(metadata(&auth)))
}

/// The same for OAuth 2.0, where RFC 8414 §3.1 puts it for an issuer with a path.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server/oauth2", tag = "discovery",
    responses((status = 200, description = "Authorization server metadata", body = Metadata)))]
pub async fn authorization_server(State(auth): State<Auth>) -> impl IntoResponse {
    for_anybody(Json(metadata(&auth)))
}

/// Public facts: any origin may read them, and caches may keep them for a while.
pub(crate) fn for_anybody(body: impl IntoResponse) -> impl IntoResponse {
    let headers = [
        (header::CACHE_CONTROL, CACHE),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, body)
}

pub(crate) fn metadata(auth: &Auth) -> Metadata {
    let issuer = auth.issuer();
    Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: format!("{issuer}/authorize"),
        token_endpoint: format!("{issuer}/token"),
        userinfo_endpoint: format!("{issuer}/userinfo"),
        revocation_endpoint: format!("{issuer}/revocation"),
        introspection_endpoint: format!("{issuer}/introspection"),
        device_authorization_endpoint: format!("{issuer}/device_authorization"),
        jwks_uri: format!("{issuer}/jwks"),
        pushed_authorization_request_endpoint: format!("{issuer}/par"),
        require_pushed_authorization_requests: false,
        end_session_endpoint: format!("{issuer}/logout"),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        registration_endpoint: (auth.config().registration != Policy::Closed)
            .then(|| format!("{issuer}/register")),
        scopes_supported: auth.scopes_known().iter().map(|scope| scope.as_str().to_owned()).collect(),
        response_types_supported: ["code"],
        response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str),
        grant_types_supported: GrantType::ALL
            .map(GrantType::as_str)
            .into_iter()
            .chain([GrantType::JWT_BEARER_ALIAS])
            .collect(),
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: auth.signing_algorithms(),
        clients: OfferedToClients::of(auth.config()),
        code_challenge_methods_supported: if auth.config().pkce_plain {
            vec!["S256", "plain"]
        } else {
            vec!["S256"]
        },
        authorization_response_iss_parameter_supported: true,
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        acr_values_supported: factor::offered(auth).map(Acr::as_str).collect(),
        claim_types_supported: ["normal"],
        claims_supported: [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "nonce",
            "sid",
            "at_hash",
            "fhirUser",
            "name",
            "updated_at",
            "email",
            "email_verified",
        ],
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    }
}
