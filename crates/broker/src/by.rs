//! Who does something, and in which request: every change carries it into the audit trail.

use audit::{Entry, Outcome, Subject};
use kernel::{Actor, Id, Organisation, RequestId};
use serde_json::Value;

/// Who does something, and in which request.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// In which request; none for work that nobody asked for at that moment.
    pub request: Option<RequestId>,
}

impl By {
    /// The deployment itself.
    pub const fn system() -> Self {
        Self { actor: Actor::System, request: None }
    }

    /// Somebody in a request.
    pub const fn new(actor: Actor, request: Option<RequestId>) -> Self {
        Self { actor, request }
    }

    pub(crate) fn did(
        &self,
        organisation: Id<Organisation>,
        act: &'static str,
        subject: Subject,
        outcome: Outcome,
        details: Value,
    ) -> Entry {
        Entry {
            organisation: Some(organisation),
            actor: self.actor,
            act,
            subject,
            outcome,
            request: self.request.clone(),
            details,
        }
    }
}
