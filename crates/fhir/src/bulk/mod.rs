//! Records in bulk: exported as NDJSON by a job that any node may go on with.  <https://hl7.org/fhir/uv/bulkdata/STU2/>
//!
//! A job has a row of its own that says how far it is. Each step reads a bounded part, and writes what it made of it together with its
//! new place, only if the row is still where the step began: whoever was overtaken has written nothing.

mod begun;
mod chunk;
pub(crate) mod deidentify;
mod export;
mod files;
pub(crate) mod held;
pub(crate) mod import;
mod queries;
mod range;
mod retire;
mod row;
mod settle;
mod status;

use axum::middleware::{from_fn, from_fn_with_state};
use jobs::Worker;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Fhir,
    audit_event::attend,
    interaction::{emergency, speak},
};

pub use export::STEP_VERSIONS;
pub(crate) use export::group_of;

/// How long the files of a finished job are kept.
pub const OUTPUT_KEPT: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);
/// How long a job may take; one that has not finished by then is given up.
pub const BULK_JOB_LIFE: std::time::Duration = std::time::Duration::from_secs(72 * 3_600);
/// Jobs of one client at one site that are under way.
pub const BULK_JOBS_RUNNING_MAX: i64 = 4;
/// Bytes of a file after which the next one begins.
pub const FILE_BYTES_MAX: i64 = 256 << 20;
/// Bytes of output that one job may keep, compressed.
pub const OUTPUT_BYTES_MAX: i64 = 64 << 30;
/// Steps of one attempt; then the work goes on as another row of the queue, behind what others wait for.
pub const STEPS_OF_AN_ATTEMPT: usize = 256;

/// What records are exported by. To be spoken as [`web::Dialect::Fhir`].
pub(crate) fn routes(fhir: Fhir) -> OpenApiRouter {
    let spoken = OpenApiRouter::new()
        .routes(routes!(export::kickoff::export_site, export::kickoff::export_site_by_parameters))
        .routes(routes!(export::kickoff::export_patients, export::kickoff::export_patients_by_parameters))
        .routes(routes!(export::kickoff::export_group, export::kickoff::export_group_by_parameters))
        .routes(routes!(status::bulk_status, status::end_bulk_job))
        .routes(routes!(import::begin::import_records))
        .layer(from_fn(emergency::tell))
        .layer(from_fn_with_state(fhir.clone(), attend))
        .layer(from_fn(speak::speak));
    let files = OpenApiRouter::new()
        .routes(routes!(files::bulk_file))
        .layer(from_fn(emergency::tell))
        .layer(from_fn_with_state(fhir.clone(), attend))
        .layer(from_fn(speak::speak_as_is));
    spoken.merge(files).with_state(fhir)
}

/// What servers that export as the guide says conform to.
pub(crate) const STATEMENT: &str = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data";

/// What happens by itself.
#[must_use]
pub fn jobs(fhir: &Fhir, worker: Worker) -> Worker {
    worker
        .register::<export::run::Export>(fhir.clone())
        .register::<import::run::Import>(fhir.clone())
        .register::<retire::Clear>(fhir.clone())
        .register::<retire::Retire>(fhir.clone())
        .every(retire::PERIOD, |_| retire::Retire {})
}
