//! Messages: a Bundle that says what happened, stored with all that it brings, once, and answered with a message.
//! <https://hl7.org/fhir/R4/messaging.html>, `docs/decisions/0031-messages-whole-and-in-parts.md`

mod answer;
mod process;
mod queries;
mod read;
mod retire;

use jobs::Worker;

use crate::Fhir;

pub(crate) use process::*;
pub(crate) use queries::{Letter, Posted};
pub use retire::{MESSAGE_KEPT, MESSAGE_RETIRED_EVERY, MESSAGE_RETIRED_ROWS, MESSAGE_RETIREMENTS_MAX};

/// What happens by itself.
#[must_use]
pub(crate) fn jobs(fhir: &Fhir, worker: Worker) -> Worker {
    worker.register::<retire::Retire>(fhir.clone()).every(MESSAGE_RETIRED_EVERY, |_| retire::Retire {})
}
