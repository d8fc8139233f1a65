//! Who may see and change which endpoints, and hear of what.  Contract 4, RBAC
//!
//! An endpoint that names studies belongs to these; one that names none belongs to the whole organisation. Whoever has opened a receiver's
//! link reaches the one endpoint that it is of.

use kernel::{Id, Permission, Reach, Study};
use web::{Bearer, Problem};

use crate::{
    WebhookFault,
    endpoint::{Endpoint, EndpointRow, PausedBy},
};

/// Somebody who may do something, somewhere.
#[derive(Clone)]
pub(crate) enum Access {
    /// A caller with a role.
    Staff(Staff),
    /// Whoever receives the calls of this endpoint, and no other.
    Receiver(Id<Endpoint>),
}

/// A caller whose token has the scope, and who has a role that may.
#[derive(Clone)]
pub(crate) struct Staff {
    caller: kernel::Caller,
    permission: Permission,
    reach: Reach,
}

impl Access {
    /// The caller's token has the scope, and the caller a role that may.
    ///
    /// # Errors
    /// 403.
    pub fn of(bearer: &Bearer, permission: Permission) -> Result<Self, Problem> {
        let reach = bearer.allow(permission)?;
        Ok(Self::Staff(Staff { caller: bearer.0.clone(), permission, reach }))
    }

    /// Whether it reaches an endpoint of its organisation that names these studies. A receiver changes nothing that this is asked of.
    pub fn covers(&self, studies: &[String]) -> bool {
        let Self::Staff(Staff { caller, permission, .. }) = self else { return true };
        let named: Vec<Id<Study>> = studies.iter().filter_map(|study| study.parse().ok()).collect();
        named.len() == studies.len() && caller.may(*permission, caller.organisation, &named)
    }

    /// On which side of an endpoint they are.
    pub const fn side(&self) -> PausedBy {
        match self {
            Self::Staff(_) => PausedBy::Staff,
            Self::Receiver(_) => PausedBy::Receiver,
        }
    }

    /// Whether every endpoint of the organisation is reached.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Staff(Staff { reach: Reach::Organisation | Reach::Deployment, .. }))
    }

    /// The endpoint, as far as the caller may know of it.
    ///
    /// # Errors
    /// [`WebhookFault::NoEndpoint`], whichever of the two it is.
    pub fn admit(&self, row: Option<EndpointRow>) -> Result<EndpointRow, WebhookFault> {
        let is_theirs = |row: &EndpointRow| match self {
            Self::Staff(_) => self.covers(&row.wanted.studies),
            Self::Receiver(endpoint) => row.id == *endpoint,
        };
        row.filter(is_theirs).ok_or(WebhookFault::NoEndpoint)
    }

    /// The studies that a stream is of, of those that are asked for; an empty list is the whole organisation.
    ///
    /// # Errors
    /// [`WebhookFault::Forbidden`] where none is left.
    pub fn streamed(&self, asked: Vec<String>) -> Result<Vec<String>, WebhookFault> {
        let theirs = match self {
            Self::Staff(Staff { reach: Reach::Studies(theirs), .. }) => theirs,
            Self::Staff(_) => return Ok(asked),
            Self::Receiver(_) => return Err(WebhookFault::Forbidden),
        };
        let theirs: Vec<String> = theirs.iter().map(Id::to_string).collect();
        let left: Vec<String> = match asked.is_empty() {
            true => theirs,
            false => asked.into_iter().filter(|study| theirs.contains(study)).collect(),
        };
        if left.is_empty() { Err(WebhookFault::Forbidden) } else { Ok(left) }
    }
}
