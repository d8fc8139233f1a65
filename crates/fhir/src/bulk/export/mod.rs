//! `$export`.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html>

mod begin;
mod call;
mod group;
pub(crate) mod kickoff;
mod pick;
pub(super) mod run;
mod step;
pub(super) mod wish;

pub(super) use call::is_patient;
pub(crate) use group::group_of;
pub use step::STEP_VERSIONS;
pub(super) use wish::Wish;
