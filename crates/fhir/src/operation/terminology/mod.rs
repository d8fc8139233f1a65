//! Operations on terminology: what codes mean, from the packages that the site has switched on and from its own value sets and code
//! systems.  <https://hl7.org/fhir/R4/terminology-service.html>
//!
//! What cannot be said here is refused with its reason; nothing is guessed.

mod answer;
mod coded;
mod expand;
mod known;
mod lookup;
mod subsumes;
mod validate_code;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Fhir;

/// All of them, by `GET` and by `POST`, of a type and of a record.
pub(crate) fn routes() -> OpenApiRouter<Fhir> {
    OpenApiRouter::new()
        .routes(routes!(expand::expand, expand::expand_by_parameters))
        .routes(routes!(expand::expand_record, expand::expand_record_by_parameters))
        .routes(routes!(validate_code::in_set, validate_code::in_set_by_parameters))
        .routes(routes!(validate_code::in_stored_set, validate_code::in_stored_set_by_parameters))
        .routes(routes!(validate_code::in_system, validate_code::in_system_by_parameters))
        .routes(routes!(validate_code::in_stored_system, validate_code::in_stored_system_by_parameters))
        .routes(routes!(lookup::lookup, lookup::lookup_by_parameters))
        .routes(routes!(subsumes::subsumes, subsumes::subsumes_by_parameters))
        .routes(routes!(subsumes::subsumes_in_record, subsumes::subsumes_in_record_by_parameters))
}
