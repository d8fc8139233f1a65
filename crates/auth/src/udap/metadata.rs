//! What this server offers to a community, signed with the certificate that it has from there.  IG §2, UDAP Server Metadata

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use web::Query;

use super::{ALGORITHMS, community::Community};
use crate::{Auth, OAuthFault, discovery::for_anybody};

/// How long signed metadata is good. IG §2.3 allows a year.
const SIGNED_LIFE: Duration = Duration::from_hours(24);

/// How long it is told again before it is signed anew.
const SIGNED_KEPT: Duration = Duration::from_hours(12);

/// Which community is meant.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetadataIn {
    /// The URI of a community; the first of this deployment where it is left out.
    community: Option<String>,
}

/// The metadata.
#[derive(Serialize, ToSchema)]
#[schema(as = UdapMetadata)]
pub(crate) struct MetadataOut {
    udap_versions_supported: [&'static str; 1],
    udap_profiles_supported: Vec<&'static str>,
    udap_authorization_extensions_supported: [&'static str; 1],
    udap_authorization_extensions_required: [&'static str; 0],
    udap_certifications_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 3],
    scopes_supported: Vec<String>,
    authorization_endpoint: String,
    token_endpoint: String,
    token_endpoint_auth_methods_supported: [&'static str; 1],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; ALGORITHMS.len()],
    registration_endpoint: String,
    registration_endpoint_jwt_signing_alg_values_supported: [&'static str; ALGORITHMS.len()],
    signed_metadata: String,
}

/// Metadata for clients with a certificate. Answers 204 for a community that this deployment does not belong to.
#[utoipa::path(get, path = "/.well-known/udap", tag = "discovery", params(MetadataIn), responses(
    (status = 200, description = "UDAP server metadata", body = MetadataOut),
    (status = 204, description = "This deployment does not belong to the community")))]
pub(crate) async fn metadata(
    State(auth): State<Auth>,
    Query(asked): Query<MetadataIn>,
) -> Result<Response, web::Problem> {
    match auth.config().udap.find(asked.community.as_deref()) {
        None => Ok(for_anybody(StatusCode::NO_CONTENT).into_response()),
        Some(community) => {
            let base = auth.config().base();
            Ok(for_anybody(Json(of(&auth, community, base)?)).into_response())
        }
    }
}

/// The same for the identity provider, which is known by the issuer of its ID tokens (IG §6.1). Answers 204 where no certificate of
/// the community names it.
#[utoipa::path(get, path = "/oauth2/.well-known/udap", tag = "discovery", params(MetadataIn), responses(
    (status = 200, description = "UDAP metadata of the identity provider", body = MetadataOut),
    (status = 204, description = "This deployment is no identity provider of the community")))]
pub(crate) async fn identity_provider_metadata(
    State(auth): State<Auth>,
    Query(asked): Query<MetadataIn>,
) -> Result<Response, web::Problem> {
    let community = auth.config().udap.find(asked.community.as_deref());
    match community.filter(|community| community.certifies(auth.issuer())) {
        None => Ok(for_anybody(StatusCode::NO_CONTENT).into_response()),
        Some(community) => Ok(for_anybody(Json(of(&auth, community, auth.issuer())?)).into_response()),
    }
}

/// Where clients of a community register.
pub(super) fn registration_endpoint(auth: &Auth) -> String {
    format!("{}/udap/register", auth.issuer())
}

/// What is told about the address of ours that was asked: the base URL, or the issuer of ID tokens.
fn of(auth: &Auth, community: &Community, about: &str) -> Result<MetadataOut, OAuthFault> {
    let issuer = auth.issuer();
    let algorithms = ALGORITHMS.map(crypto::jose::Algorithm::as_str);
    Ok(MetadataOut {
        udap_versions_supported: ["1"],
        udap_profiles_supported: profiles(auth, community),
        udap_authorization_extensions_supported: [super::b2b::NAME],
        // Where a token is for a client itself it is needed; not in every request, which is what this list would say.
        udap_authorization_extensions_required: [],
        udap_certifications_supported: [],
        grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
        scopes_supported: auth.scopes_known().iter().map(|scope| scope.as_str().to_owned()).collect(),
        authorization_endpoint: format!("{issuer}/authorize"),
        token_endpoint: format!("{issuer}/token"),
        token_endpoint_auth_methods_supported: ["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported: algorithms,
        registration_endpoint: registration_endpoint(auth),
        registration_endpoint_jwt_signing_alg_values_supported: algorithms,
        signed_metadata: signed(auth, community, about)?,
    })
}

/// Tiered OAuth has two sides: people of other identity providers come in here, or ours go elsewhere.  IG §2.2
fn profiles(auth: &Auth, community: &Community) -> Vec<&'static str> {
    let is_tiered = community.identity_providers.is_some() || community.certifies(auth.issuer());
    let always = ["udap_dcr", "udap_authn", "udap_authz"];
    always.into_iter().chain(is_tiered.then_some("udap_to")).collect()
}

fn signed(auth: &Auth, community: &Community, about: &str) -> Result<String, OAuthFault> {
    let (issuer, now) = (auth.issuer(), auth.world().now());
    let claims = || {
        let claims = json!({
            "iss": about,
            "sub": about,
            "iat": now.as_seconds(),
            "exp": (now + SIGNED_LIFE).as_seconds(),
            "jti": crypto::b64::encode(auth.world().random::<16>()),
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": registration_endpoint(auth),
        });
        (now + SIGNED_KEPT, claims)
    };
    Ok(community.signed(about, now, claims)?)
}
