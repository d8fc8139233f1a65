//! Access tokens at a resource.  RFC 6750, RFC 9449 §7

mod fault;
mod key;
mod presented;

use std::{net::Ipv4Addr, sync::Arc};

use axum::extract::FromRequestParts;
use futures_util::future::BoxFuture;
use http::request::Parts;
use kernel::{Caller, Kind, Permission, Reach};

pub use fault::{AuthFault, DPOP_NONCE};
pub use key::{API_KEY, PresentedKey, TakesApiKeys};
pub use presented::{Presented, Scheme};

use crate::{ClientAddr, ClientCertificate, Context, Problem, rate};
use presented::Found;

/// Who can tell what a token is good for. `hilum` puts one into the routers as `Extension<Arc<dyn Authenticate>>`.
pub trait Authenticate: Send + Sync {
    /// The caller that the token proves, in the hands that present it: a token that is bound to a key opens nothing
    /// without that key.
    ///
    /// # Errors
    /// [`AuthFault::Invalid`] for a token that is unknown, expired, revoked, meant for another audience or bound to
    /// another key; [`AuthFault::Proof`] and [`AuthFault::Nonce`] for a proof that is not good;
    /// [`AuthFault::Unavailable`] when it cannot be told at the moment.
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>>;

    /// The caller that an API key proves, where keys are presented themselves.
    ///
    /// # Errors
    /// [`AuthFault::Invalid`] also where keys are not taken; [`AuthFault::Throttled`] for whoever has guessed too often.
    fn authenticate_key<'a>(
        &'a self,
        _presented: PresentedKey<'a>,
    ) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        Box::pin(std::future::ready(Err(AuthFault::Invalid)))
    }

    /// The algorithms that a proof may be signed with, separated by spaces; none where proofs are not read.
    fn proof_algorithms(&self) -> &str {
        ""
    }
}

/// The caller that the request's token proves. Without a token 401, with a bad one 401 `invalid_token`.
#[derive(Debug, Clone)]
pub struct Bearer(pub Caller);

impl Bearer {
    /// Insist on a scope.
    ///
    /// # Errors
    /// [`AuthFault::Scope`], answered 403 `insufficient_scope`.
    pub fn require(&self, scope: &str) -> Result<(), AuthFault> {
        if self.0.scopes.has(scope) { Ok(()) } else { Err(AuthFault::scope(scope)) }
    }

    /// Insist on the scope of this permission and on a role that has it somewhere; how far it reaches.
    ///
    /// # Errors
    /// [`AuthFault::Scope`]; 403 for a caller whose roles allow it nowhere.
    pub fn allow(&self, permission: Permission) -> Result<Reach, Problem> {
        self.require(permission.scope())?;
        match self.0.grants.reach(permission) {
            Reach::Nothing => Err(Problem::role()),
            reach => Ok(reach),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(authority) = parts.extensions.get::<Arc<dyn Authenticate>>().cloned() else {
            tracing::error!("a route asks for a bearer and no Arc<dyn Authenticate> is in its extensions");
            return Err(Problem::new(Kind::Internal, Problem::INTERNAL));
        };
        let algorithms = authority.proof_algorithms();
        if let Some(caller) = by_key(parts, &*authority).await? {
            rate::admit_client(&parts.extensions, caller.client).await?;
            return Ok(Self(caller));
        }
        let (scheme, token) = match presented::token(&parts.uri, &parts.headers) {
            Found::One(scheme, token) => (scheme, token),
            Found::Nothing => return Err(fault::missing(algorithms)),
            Found::Malformed(why) => return Err(fault::malformed(why)),
        };
        let url = parts.extensions.get::<Context>().map_or_else(|| parts.uri.path(), Context::url);
        let proof = match presented::proof(&parts.headers) {
            Ok(None) if scheme == Scheme::Dpop => Err(AuthFault::Proof("the DPoP header is missing")),
            read => read.map_err(AuthFault::Proof),
        };
        let proof = proof.map_err(|fault| fault.refusal(scheme, algorithms))?;
        let certificate = parts.extensions.get::<ClientCertificate>();
        let presented = Presented { scheme, token, method: &parts.method, url, proof, certificate };
        let authenticated = authority.authenticate(presented).await;
        let caller = authenticated.map_err(|fault| fault.refusal(scheme, algorithms))?;
        rate::admit_client(&parts.extensions, caller.client).await?;
        Ok(Self(caller))
    }
}

/// The caller that an API key proves, where the routes take keys and the request presents one.
async fn by_key(parts: &Parts, authority: &dyn Authenticate) -> Result<Option<Caller>, Problem> {
    if parts.extensions.get::<TakesApiKeys>().is_none() {
        return Ok(None);
    }
    let read = key::read(&parts.headers).map_err(|why| match why {
        key::Unread::Many(why) => fault::malformed(why),
        key::Unread::NoKey => fault::no_key(),
    });
    let Some((key_id, key)) = read? else { return Ok(None) };
    let source = parts.extensions.get::<ClientAddr>().map_or(Ipv4Addr::UNSPECIFIED.into(), |source| source.0);
    let caller = authority.authenticate_key(PresentedKey { key_id, key, source }).await?;
    Ok(Some(caller))
}
