//! What this crate asks of others: what a person may see, and which sites an organisation has. `hilum` answers from `auth`.

use std::error::Error;

use futures_util::future::BoxFuture;
use kernel::{Caller, Client, Id, Organisation, Person, Scopes, Site};
use serde::{Deserialize, Serialize};

use crate::{access::Sight, consent::Who};

/// The other side of a port does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be looked up")]
pub struct PortFault {
    /// What was asked for: `token`, `site`.
    pub what: &'static str,
    /// Why there is no answer.
    #[source]
    pub cause: Box<dyn Error + Send + Sync>,
}

impl kernel::Fault for PortFault {
    fn kind(&self) -> kernel::Kind {
        kernel::Kind::Unavailable
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        "not available at the moment; try again later".into()
    }
    fn retry_after_s(&self) -> Option<u64> {
        Some(1)
    }
}

/// What a caller's token and person say beside the scopes.
#[derive(Debug, Clone)]
pub struct Context {
    /// The patient in the context of the launch (SMART App Launch 2.2 §2.0.7).
    pub patient: Option<String>,
    /// Whose records the person may see.
    pub sight: Sight,
    /// What the token came of, in the words of whoever issued it: with it, it can be asked whether that still stands.
    pub origin: String,
    /// Who asks, as consents name those who act.
    pub who: Who,
}

/// By whom something goes on after the request that began it, and what was granted for it: what is kept of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The tenant of the client.
    pub organisation: Id<Organisation>,
    /// The client.
    pub client: Id<Client>,
    /// The person for whom it acts, if it does.
    pub person: Option<Id<Person>>,
    /// What was granted.
    pub scopes: Scopes,
    /// The patient in the context of the launch.
    pub patient: Option<String>,
}

/// What is left of what was granted once.
#[derive(Debug, Clone)]
pub struct Still {
    /// Of its scopes those that are still granted.
    pub scopes: Scopes,
    /// Whose records the person may see now.
    pub sight: Sight,
    /// Who it is, as consents name those who act.
    pub who: Who,
}

/// People and their tokens.
pub trait People: Send + Sync + 'static {
    /// What is known of this caller, whose token this is.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn context<'a>(&'a self, caller: &'a Caller, token: &'a str)
    -> BoxFuture<'a, Result<Context, PortFault>>;

    /// What the person of a caller may see now, for work that goes on after the call; none if the client, the
    /// person, the token or what it came of was switched off or revoked since.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn standing<'a>(
        &'a self,
        caller: &'a Caller,
        origin: &'a str,
    ) -> BoxFuture<'a, Result<Option<Sight>, PortFault>>;

    /// What is left of what this one was granted: nothing where the client is switched off, the person is, or the grant is gone.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn still<'a>(&'a self, standing: &'a Standing) -> BoxFuture<'a, Result<Option<Still>, PortFault>>;
}

/// A site as its organisation knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSite {
    /// Its id.
    pub id: Id<Site>,
    /// Its name.
    pub name: String,
}

/// Sites of organisations.
pub trait Sites: Send + Sync + 'static {
    /// The sites of an organisation, by name.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn of(&self, organisation: Id<Organisation>) -> BoxFuture<'_, Result<Vec<NamedSite>, PortFault>>;
}
