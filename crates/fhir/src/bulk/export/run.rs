//! The job of an export: one step after the other, until all is in the output.

use audit::{Outcome, Subject};
use jobs::{JobFault, Retry, enqueue};
use kernel::{BulkJob, Id};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{DbError, Writer};

use super::{
    Wish,
    step::{self, Stepped},
};
use crate::{
    By, Fhir,
    bulk::{
        BULK_JOB_LIFE, OUTPUT_KEPT, STEPS_OF_AN_ATTEMPT, queries,
        retire::Clear,
        row::{Job, Kind, State},
    },
};

/// Goes on with an export.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::bulk) struct Export {
    pub tenant: i64,
    pub id: Id<BulkJob>,
}

impl jobs::Job for Export {
    const NAME: &'static str = "fhir.export";
    const RETRY: Retry = Retry { attempts_max: 12, first_s: 2, max_s: 600, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, attempt: u32) -> Result<(), JobFault> {
        let done = self.steps(fhir).await;
        let is_last = attempt >= Self::RETRY.attempts_max;
        if matches!(done, Err(JobFault::Final { .. })) || (is_last && done.is_err()) {
            self.settle(fhir, State::Failed, Some("it could not be finished")).await?;
        }
        done
    }
}

impl Export {
    async fn steps(&self, fhir: &Fhir) -> Result<(), JobFault> {
        let key = (self.tenant, self.id);
        for _ in 0..STEPS_OF_AN_ATTEMPT {
            let Some(job) = self.job(fhir).await? else { return Ok(()) };
            let Some(standing) = job.held.standing(fhir).await? else {
                return self.settle(fhir, State::Failed, Some("the caller's access was taken away")).await;
            };
            match step::step(fhir, &job, standing).await? {
                Stepped::On => {}
                // Somebody else is at it.
                Stepped::Overtaken => return Ok(()),
                Stepped::Full => {
                    return self.settle(fhir, State::Failed, Some("the output is too large")).await;
                }
                Stepped::Through => return self.settle(fhir, State::Done, None).await,
            }
        }
        let (fhir, next) = (fhir.clone(), self.clone());
        let db = fhir.db.clone();
        let went_on = db.write(async move |tx: &mut Writer| {
            let running: Option<Job<Wish>> = queries::job(tx, Some(Kind::Export), key).await?;
            if running.is_some_and(|job| job.state == State::Running) {
                enqueue(tx, &fhir.world, &next, fhir.world.now(), None).await?;
            }
            Ok::<(), DbError>(())
        });
        Ok(went_on.await?)
    }

    async fn job(&self, fhir: &Fhir) -> Result<Option<Job<Wish>>, DbError> {
        let mut reader = fhir.db.read().await?;
        let job: Option<Job<Wish>> =
            queries::job(&mut reader, Some(Kind::Export), (self.tenant, self.id)).await?;
        Ok(job.filter(|job| job.state == State::Running && fhir.world.now() < job.expires_at))
    }

    /// Say how it ended. What an export that failed has written is taken away at once.
    async fn settle(&self, fhir: &Fhir, state: State, why: Option<&'static str>) -> Result<(), JobFault> {
        let (fhir, job, key) = (fhir.clone(), self.clone(), (self.tenant, self.id));
        let db = fhir.db.clone();
        let settled = db.write(async move |tx: &mut Writer| {
            let now = fhir.world.now();
            let Some(row) = queries::job::<Wish>(tx, Some(Kind::Export), key).await? else { return Ok(()) };
            if !queries::settle(tx, key, (state, why), (now, now + OUTPUT_KEPT)).await? {
                return Ok(());
            }
            let outcome = match why {
                None => Outcome::Done,
                Some(why) => Outcome::Failed(why),
            };
            let details = json!({ "resources": row.resources, "through": row.place.number() });
            let by = By {
                actor: row.held.caller().actor(),
                organisation: row.held.caller().organisation,
                request: None,
            };
            let entry = audit::Entry { outcome, ..by.did("export.finished", Subject::of(job.id), details) };
            audit::record(tx, &fhir.world, &entry).await?;
            if state != State::Done {
                let clear = Clear { tenant: job.tenant, id: job.id };
                enqueue(tx, &fhir.world, &clear, now, None).await?;
            }
            Ok::<(), DbError>(())
        });
        Ok(settled.await?)
    }
}

const _: () = assert!(OUTPUT_KEPT.as_secs() < BULK_JOB_LIFE.as_secs());
