//! OAuth 2 as a strict provider speaks it: codes with PKCE, one-time refresh tokens, revocation, introspection.

mod authorize;
mod client;
mod code;
mod consent;
mod desk;
mod introspect;
mod metadata;
mod revoke;
mod sign_in;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

pub(super) use self::desk::Desk;
use super::{Endpoint, Sandbox, fault::watched};

pub(super) fn routes(sandbox: &Arc<Sandbox>) -> Router<Arc<Sandbox>> {
    let watch = |at, route| watched(sandbox, at, route);
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata::show))
        .route("/oauth2/authorize", watch(Endpoint::Authorize, get(authorize::authorize)))
        .route("/oauth2/consent", get(consent::ask).post(consent::decide))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/oauth2/token", watch(Endpoint::Token, post(token::token)))
        .route("/oauth2/revoke", watch(Endpoint::Revoke, post(revoke::revoke)))
        .route("/oauth2/introspect", watch(Endpoint::Introspect, post(introspect::introspect)))
}
