//! The answer to a kick-off: where the status of what has begun is, or that too much is under way.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use kernel::{BulkJob, Id, Kind};
use web::Problem;

use super::BULK_JOBS_RUNNING_MAX;
use crate::{
    Fhir,
    outcome::{self, Severity, Told},
};

/// Seconds after which a client that has too many jobs under way may ask again.
pub const AGAIN_AFTER_S: u64 = 60;

/// What a kick-off came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// It is under way.
    Job(Id<BulkJob>),
    /// The client has [`BULK_JOBS_RUNNING_MAX`] already.
    TooMany,
}

impl Begun {
    /// 202 and where its status is, or 429.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---success>
    pub fn answer(self, fhir: &Fhir) -> Result<Response, Problem> {
        let Self::Job(id) = self else {
            let words = format!("{BULK_JOBS_RUNNING_MAX} jobs of this client are under way");
            return Err(Problem::new(Kind::Throttled, words).with_retry_after(AGAIN_AFTER_S));
        };
        let told = Told::new(Severity::Information, "informational", "it has begun");
        let mut response = outcome::answer(StatusCode::ACCEPTED, &[told]);
        if let Ok(place) = HeaderValue::from_str(&format!("{}/$bulk-status/{id}", fhir.base)) {
            response.headers_mut().insert(header::CONTENT_LOCATION, place);
        }
        Ok(response)
    }
}
