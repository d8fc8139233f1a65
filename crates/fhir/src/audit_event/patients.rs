//! Whose records these are.

use fhirpath::document::{Document, DocumentLimits};

use crate::{index::patients, parameter::Registry, resource::Version};

/// The patients in whose compartments a version is.
pub(super) fn of(registry: &Registry, version: &Version) -> Vec<String> {
    let Some(body) = &version.body else { return Vec::new() };
    let text = body.as_str();
    let is_patient = version.resource_type.as_str() == "Patient";
    // Nobody is referred to otherwise; most of what is of no patient need not be read for this.
    if !text.contains("Patient/") {
        return is_patient.then(|| version.id.to_string()).into_iter().collect();
    }
    let Ok(document) = Document::from_json(text.as_bytes(), &DocumentLimits::default()) else {
        return Vec::new();
    };
    patients(document.root(), registry).into_iter().map(|id| id.into_owned()).collect()
}
