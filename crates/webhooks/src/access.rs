//! Who may see and change which endpoints, and hear of what.  Contract 4, RBAC
//!
//! An endpoint that names studies belongs to these; one that names none belongs to the whole organisation.

use kernel::{Id, Permission, Reach, Study};
use web::{Bearer, Problem};

use crate::{By, WebhookFault, endpoint::EndpointRow};

/// A caller who may do something, somewhere.
#[derive(Clone)]
pub(crate) struct Access {
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
        Ok(Self { caller: bearer.0.clone(), permission, reach })
    }

    /// Whether it reaches an endpoint of the caller's organisation that names these studies.
    pub fn covers(&self, studies: &[String]) -> bool {
        let named: Vec<Id<Study>> = studies.iter().filter_map(|study| study.parse().ok()).collect();
        let own = self.caller.organisation;
        named.len() == studies.len() && self.caller.may(self.permission, own, &named)
    }

    /// Whether every endpoint of the organisation is reached.
    pub fn is_whole(&self) -> bool {
        matches!(self.reach, Reach::Organisation | Reach::Deployment)
    }

    /// The endpoint, as far as the caller may know of it.
    ///
    /// # Errors
    /// [`WebhookFault::NoEndpoint`], whichever of the two it is.
    pub fn admit(&self, row: Option<EndpointRow>) -> Result<EndpointRow, WebhookFault> {
        row.filter(|row| self.covers(&row.wanted.studies)).ok_or(WebhookFault::NoEndpoint)
    }

    /// The studies that a stream is of, of those that are asked for; an empty list is the whole organisation.
    ///
    /// # Errors
    /// [`WebhookFault::Forbidden`] where none is left.
    pub fn streamed(&self, asked: Vec<String>) -> Result<Vec<String>, WebhookFault> {
        let Reach::Studies(theirs) = &self.reach else { return Ok(asked) };
        let theirs: Vec<String> = theirs.iter().map(Id::to_string).collect();
        let left: Vec<String> = match asked.is_empty() {
            true => theirs,
            false => asked.into_iter().filter(|study| theirs.contains(study)).collect(),
        };
        if left.is_empty() { Err(WebhookFault::Forbidden) } else { Ok(left) }
    }

    /// Who it is, for the record.
    pub fn by(&self, context: &web::Context) -> By {
        By::caller(&self.caller, context)
    }
}
