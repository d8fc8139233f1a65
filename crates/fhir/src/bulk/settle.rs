//! How a job ends, and how it goes on as another row of the queue.

use audit::{Entry, Outcome, Subject};
use jobs::enqueue;
use kernel::{BulkJob, Id};
use serde_json::{Value, json};
use store::{DbError, Writer};

use super::{
    BULK_JOB_LIFE, OUTPUT_KEPT, import,
    queries::{self, Key},
    retire::Clear,
    row::{Job, Kind, State},
};
use crate::{By, Fhir};

/// Why a job failed: the same words for both kinds.
pub(super) mod why {
    /// All attempts were in vain.
    pub const UNFINISHED: &str = "it could not be finished";
    /// What the kick-off was allowed is not allowed any more.
    pub const ACCESS: &str = "the caller's access was taken away";
    /// A parameter of a package, which was switched off since, or has become another one.
    pub const PARAMETER: &str = "the site does not have a search parameter of _typeFilter any more";
}

/// A job of this kind that is under way and whose time is not up.
pub(super) async fn running<Asked: serde::de::DeserializeOwned>(
    fhir: &Fhir,
    kind: Kind,
    key: Key,
) -> Result<Option<Job<Asked>>, DbError> {
    let job: Option<Job<Asked>> = queries::job(&mut fhir.db.read().await?, Some(kind), key).await?;
    Ok(job.filter(|job| job.state == State::Running && fhir.world.now() < job.expires_at))
}

/// Say how it ended. What one that failed has written is taken away at once.
pub(super) async fn settle(
    fhir: &Fhir,
    kind: Kind,
    key: (i64, Id<BulkJob>),
    why: Option<&'static str>,
) -> Result<(), DbError> {
    let (fhir, db) = (fhir.clone(), fhir.db.clone());
    db.write(async move |tx: &mut Writer| {
        let now = fhir.world.now();
        let Some(job) = queries::job::<Value>(tx, Some(kind), key).await? else { return Ok(()) };
        let state = if why.is_none() { State::Done } else { State::Failed };
        if !queries::settle(tx, key, (state, why), (now, now + OUTPUT_KEPT)).await? {
            return Ok(());
        }
        let entry = entry(tx, &job, why).await?;
        audit::record(tx, &fhir.world, &entry).await?;
        if state == State::Failed {
            let clear = Clear { tenant: job.tenant, id: job.id };
            enqueue(tx, &fhir.world, &clear, now, None).await?;
        }
        Ok(())
    })
    .await
}

async fn entry(tx: &mut Writer, job: &Job<Value>, why: Option<&'static str>) -> Result<Entry, DbError> {
    let (act, details) = match job.kind {
        Kind::Export => {
            ("export.finished", json!({"resources": job.resources, "through": job.place.number()}))
        }
        Kind::Import => {
            let counts = import::counts(tx, (job.tenant, job.id)).await?;
            ("import.finished", counts.told())
        }
    };
    let caller = job.held.caller();
    let by = By { actor: caller.actor(), organisation: caller.organisation, request: None };
    let outcome = why.map_or(Outcome::Done, Outcome::Failed);
    Ok(Entry { outcome, ..by.did(act, Subject::of(job.id), details) })
}

/// The work goes on behind what others wait for, unless it was ended meanwhile.
pub(super) async fn go_on<J: jobs::Job + Sync>(
    fhir: &Fhir,
    kind: Kind,
    key: Key,
    next: J,
) -> Result<(), DbError> {
    let (fhir, db) = (fhir.clone(), fhir.db.clone());
    db.write(async move |tx: &mut Writer| {
        let job: Option<Job<Value>> = queries::job(tx, Some(kind), key).await?;
        if job.is_some_and(|job| job.state == State::Running) {
            enqueue(tx, &fhir.world, &next, fhir.world.now(), None).await?;
        }
        Ok(())
    })
    .await
}

const _: () = assert!(OUTPUT_KEPT.as_secs() < BULK_JOB_LIFE.as_secs());
