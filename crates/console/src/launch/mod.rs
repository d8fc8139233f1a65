//! Whom a launch is about: the question on the way to an application, and a practitioner's way from a patient to one.

pub(crate) mod open;
pub(crate) mod pick;
