//! Who does something, for which organisation, and in which request.

use audit::{Entry, Outcome, Subject};
use kernel::{Actor, Caller, Client, Id, Organisation, RequestId};
use serde_json::Value;
use web::Context;

/// Who does something, for which organisation, and in which request.
#[derive(Debug, Clone)]
pub struct By {
    /// Whose endpoints they are.
    pub organisation: Id<Organisation>,
    /// Who.
    pub actor: Actor,
    /// The client; none for what is done by itself.
    pub client: Option<Id<Client>>,
    /// In which request; none for work that nobody asked for at that moment.
    pub request: Option<RequestId>,
}

impl By {
    /// The caller of a request.
    pub fn caller(caller: &Caller, context: &Context) -> Self {
        Self {
            organisation: caller.organisation,
            actor: caller.actor(),
            client: Some(caller.client),
            request: Some(context.request_id().clone()),
        }
    }

    /// The deployment itself.
    pub const fn system(organisation: Id<Organisation>) -> Self {
        Self { organisation, actor: Actor::System, client: None, request: None }
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
