//! FHIR documents as a tape, and FHIRPath over it: pure, without IO, clock or typed resource structs.
//!
//! - [`document`] reads JSON and XML into one tape that borrows the text and knows the place of every element.
//! - [`model`] says what is known of types; an engine without definitions works with what the text tells.
//! - [`path`] compiles expressions, [`evaluate`] runs them within budgets, [`value`] holds what they compute.
//! - [`patch`] changes resources as FHIRPath Patch tells it.
//! - [`ucum`] reads, checks and converts units of measure.

pub mod document;
pub mod evaluate;
pub mod model;
pub mod patch;
pub mod path;
pub mod ucum;
pub mod value;
