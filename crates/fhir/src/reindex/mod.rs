//! Search parameters of a site: those of its packages, and indexing its records anew when they change.
//!
//! Parameters change in the unit that changes the packages. Whatever is written behind it has the rows of new parameters and none of those
//! that leave; a job walks the records that were there before. Until it is through, no search asks for them.

mod progress;
mod queries;
mod run;
mod settle;
mod step;

use jobs::Worker;

use crate::Fhir;

pub(crate) use progress::{Progress, progress};
pub(crate) use queries::{added, generation};
pub use settle::Wanted;
pub(crate) use settle::{reconcile, settle, wanted};

/// Records that one step indexes anew: the site's other writes wait for so many.
pub const REINDEX_RECORDS: usize = 200;
/// Steps of one attempt; then the work goes on as another row of the queue, behind what others wait for.
pub const REINDEX_STEPS: usize = 256;
/// How often it is looked for work that nobody does.
pub const REINDEX_LOOKED_AFTER: std::time::Duration = std::time::Duration::from_secs(600);

/// What happens by itself.
#[must_use]
pub(crate) fn jobs(fhir: &Fhir, worker: Worker) -> Worker {
    worker
        .register::<run::Reindex>(fhir.clone())
        .register::<run::LookAfter>(fhir.clone())
        .every(REINDEX_LOOKED_AFTER, |_| run::LookAfter {})
}
