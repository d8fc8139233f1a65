//! SMART App Launch 2.2: configuration, launches, and the context that goes with a token.
//!
//! Whom a launch is about is decided here and never by the application: an EHR says so in a launch that it makes, or the person
//! chooses among the patients that they are linked to.

pub(crate) mod configuration;
pub(crate) mod context;
mod encounter;
mod fault;
mod fhir_user;
pub mod launch;
mod patient;
mod pick;
mod queries;
mod reach;

use kernel::IdKind;

pub use encounter::{ENCOUNTERS_SHOWN_MAX, Encounter, declare_encounter, encounters_of};
pub use fault::SmartFault;
pub use fhir_user::{
    FhirUser, MalformedFhirUser, declare_fhir_user, fhir_user_of, named_fhir_user, own_records,
    withdraw_fhir_user,
};
pub use patient::{
    FhirId, LABEL_CHARACTERS_MAX, MalformedFhirId, PATIENTS_SHOWN_MAX, PatientLink, Relation, has_patients,
    link_patient, links_of, patients_of, unlink_patient,
};
pub(crate) use pick::label_of;

pub use pick::{Question, answer, question};
pub use reach::{REACH_ROWS_MAX, Reach, reach};

/// A link between a person and a patient's record.
#[derive(Debug, Clone, Copy)]
pub enum Link {}
impl IdKind for Link {
    const NAME: &'static str = "patient_link";
}

/// An encounter that can be chosen.
#[derive(Debug, Clone, Copy)]
pub enum DeclaredEncounter {}
impl IdKind for DeclaredEncounter {
    const NAME: &'static str = "patient_encounter";
}
