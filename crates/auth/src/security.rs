//! How callers prove who they are, for the OpenAPI document.  OpenAPI 3.1 §4.8.27

use utoipa::openapi::{
    Components, OpenApi,
    security::{
        AuthorizationCode, ClientCredentials, Flow, Http, HttpAuthScheme, OAuth2, Scopes, SecurityScheme,
    },
};

use crate::Auth;

/// `bearer`: an access token of this server; `client_basic`: a client's id and secret; `registration`: the token of
/// a client's own registration.
pub(crate) fn schemes(auth: &Auth) -> OpenApi {
    let (authorize, token) = (format!("{}/authorize", auth.issuer()), format!("{}/token", auth.issuer()));
    let scopes = || Scopes::from_iter(auth.scopes_known().iter().map(|scope| (scope.as_str(), "")));
    let flows = [
        Flow::AuthorizationCode(AuthorizationCode::new(authorize, token.clone(), scopes())),
        Flow::ClientCredentials(ClientCredentials::new(token, scopes())),
    ];
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::OAuth2(OAuth2::new(flows)));
    components.add_security_scheme("client_basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    components.add_security_scheme("registration", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let mut document = OpenApi::default();
    document.components = Some(components);
    document
}
