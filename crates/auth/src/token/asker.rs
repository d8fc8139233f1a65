//! Who asks about a token, and about which they may ask.  RFC 7662 §2.1, SMART App Launch 2.2 §7.0.3
//!
//! A client proves itself as it does at the token endpoint, or presents an access token with the scope [`SCOPE`].

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
};
use http::{HeaderMap, header, request::Parts};
use web::{AuthFault, Bearer, Problem, Scheme};

use super::Verified;
use crate::{
    Acting, Auth, OAuthFault,
    client::{
        Client, Confidentiality,
        authenticate::{ClientCall, Parameters},
    },
    session::request_id,
};

/// The scope of who may ask about the tokens of any client.
pub const SCOPE: &str = "token:introspect";

/// A form, with the client that asks.
pub(crate) struct Asker {
    /// The client.
    pub client: Arc<Client>,
    /// Which tokens it may ask about.
    pub sight: Sight,
    /// What it posted.
    pub form: Parameters,
    /// Who is on record.
    pub acting: Acting,
}

/// Which tokens a client may ask about, besides those that are made for an API that it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Those that were issued to it.
    Own,
    /// Those of every client for this deployment.
    All,
}

impl Sight {
    /// Who could give themselves the scope could vouch for themselves: it counts for applications that an administrator has verified.
    fn of(client: &Client) -> Self {
        if client.scopes.has(SCOPE) && client.verified_at.is_some() { Self::All } else { Self::Own }
    }
}

impl Asker {
    /// Whether the token is one that this client may ask about.
    pub(crate) fn may_see(&self, auth: &Auth, token: &Verified) -> bool {
        let is_own = token.caller.client == self.client.id;
        let is_served = self.client.metadata.resources.contains(&token.audience);
        let is_here = self.sight == Sight::All && auth.config().is_own_resource(&token.audience);
        is_own || is_served || is_here
    }

    async fn by_token(auth: &Auth, mut parts: Parts, body: Body) -> Result<Self, Problem> {
        let bearer = Bearer::from_request_parts(&mut parts, auth).await?;
        bearer.require(SCOPE)?;
        // The token is known by now: reading it again costs a hash.
        let token = token_in(&parts.headers).ok_or(AuthFault::Invalid)?;
        let verified = auth.check(token).await?;
        let form = Parameters::posted(&parts, body).await?;
        if ["client_id", "client_secret", "client_assertion"].iter().any(|name| form.get(name).is_some()) {
            return Err(OAuthFault::InvalidRequest("the client authenticates in two ways at once").into());
        }
        let found = auth.directory().find(auth.db(), &verified.client_id, auth.world().now()).await?;
        let client = found.map(|entry| Arc::clone(&entry.client)).ok_or(AuthFault::Invalid)?;
        let Sight::All = Sight::of(&client) else { return Err(AuthFault::scope(SCOPE).into()) };
        let Bearer(caller) = bearer;
        let acting =
            Acting { actor: caller.actor(), organisation: caller.organisation, request: request_id(&parts) };
        Ok(Self { client, sight: Sight::All, form, acting })
    }

    async fn by_itself(auth: &Auth, request: Request) -> Result<Self, Problem> {
        let call = ClientCall::from_request(request, auth).await?;
        if call.client.confidentiality == Confidentiality::Public {
            return Err(OAuthFault::InvalidClient("a public client asked to introspect").into());
        }
        let (acting, sight) = (call.acting(), Sight::of(&call.client));
        Ok(Self { client: call.client, sight, form: call.form, acting })
    }
}

impl FromRequest<Auth> for Asker {
    type Rejection = Problem;
    async fn from_request(request: Request, auth: &Auth) -> Result<Self, Problem> {
        if token_in(request.headers()).is_none() {
            return Self::by_itself(auth, request).await;
        }
        let (parts, body) = request.into_parts();
        Self::by_token(auth, parts, body).await
    }
}

/// What is presented as an access token.
fn token_in(headers: &HeaderMap) -> Option<&str> {
    let (word, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let is_scheme = |scheme: &Scheme| word.eq_ignore_ascii_case(scheme.as_str());
    [Scheme::Bearer, Scheme::Dpop].iter().any(is_scheme).then(|| token.trim_matches(' '))
}
