//! Who does something, for which organisation, in which request: every change carries it into the audit trail.

use audit::{Entry, Outcome, Subject};
use kernel::{Actor, Id, Organisation, RequestId};
use serde_json::Value;

/// Who does something, for which organisation, in which request.
#[derive(Debug, Clone)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// Whose things are acted on.
    pub organisation: Id<Organisation>,
    /// In which request; none for what nobody asked for at that moment.
    pub request: Option<RequestId>,
}

impl By {
    /// The deployment itself.
    pub const fn system(organisation: Id<Organisation>) -> Self {
        Self { actor: Actor::System, organisation, request: None }
    }

    pub(crate) fn did(&self, act: &'static str, subject: Subject, details: Value) -> Entry {
        Entry {
            organisation: Some(self.organisation),
            actor: self.actor,
            act,
            subject,
            outcome: Outcome::Done,
            request: self.request.clone(),
            details,
        }
    }
}
