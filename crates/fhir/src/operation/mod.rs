//! Operations that are more than an interaction with one record.  <https://hl7.org/fhir/R4/operations.html>

pub(crate) mod everything;
mod given;
pub(crate) mod terminology;
