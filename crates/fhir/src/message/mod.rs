//! Messages: a Bundle that says what happened, stored with all that it brings, once, and answered with a message.
//! <https://hl7.org/fhir/R4/messaging.html>, `docs/decisions/0031-messages-whole-and-in-parts.md`

mod answer;
mod process;
mod queries;
mod read;

pub(crate) use process::*;
pub(crate) use queries::{Letter, Posted};
