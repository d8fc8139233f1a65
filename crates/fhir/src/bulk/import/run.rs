//! The job of an import: one step after the other, until all that was sent is written or refused.

use audit::{Outcome, Subject};
use jobs::{JobFault, Retry, enqueue};
use kernel::{BulkJob, Id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{DbError, Writer};

use super::step::{self, Stepped};
use crate::{
    By, Fhir,
    bulk::{
        OUTPUT_KEPT, STEPS_OF_AN_ATTEMPT, queries,
        row::{Job, Kind, State},
    },
};

/// Goes on with an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::bulk) struct Import {
    pub tenant: i64,
    pub id: Id<BulkJob>,
}

impl jobs::Job for Import {
    const NAME: &'static str = "fhir.import";
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

impl Import {
    async fn steps(&self, fhir: &Fhir) -> Result<(), JobFault> {
        for _ in 0..STEPS_OF_AN_ATTEMPT {
            let key = (self.tenant, self.id);
            let job: Option<Job<Value>> =
                queries::job(&mut fhir.db.read().await?, Some(Kind::Import), key).await?;
            let is_on = |job: &Job<Value>| job.state == State::Running && fhir.world.now() < job.expires_at;
            let Some(job) = job.filter(is_on) else { return Ok(()) };
            let Some(standing) = job.held.standing(fhir).await? else {
                return self.settle(fhir, State::Failed, Some("the caller's access was taken away")).await;
            };
            match step::step(fhir, &job, &standing).await? {
                Stepped::On => {}
                Stepped::Overtaken => return Ok(()),
                Stepped::Through => return self.settle(fhir, State::Done, None).await,
            }
        }
        let (world, next) = (fhir.world.clone(), self.clone());
        let went_on = fhir.db.write(async move |tx: &mut Writer| {
            enqueue(tx, &world, &next, world.now(), None).await.map(|_| ())
        });
        went_on.await.map_err(|fault: DbError| fault.into())
    }

    async fn settle(&self, fhir: &Fhir, state: State, why: Option<&'static str>) -> Result<(), JobFault> {
        let (world, id, key) = (fhir.world.clone(), self.id, (self.tenant, self.id));
        let settled = fhir.db.write(async move |tx: &mut Writer| {
            let now = world.now();
            let Some(row) = queries::job::<Value>(tx, Some(Kind::Import), key).await? else { return Ok(()) };
            if !queries::settle(tx, key, (state, why), (now, now + OUTPUT_KEPT)).await? {
                return Ok(());
            }
            let counts = super::counts(tx, key).await?;
            let outcome = why.map_or(Outcome::Done, Outcome::Failed);
            let details =
                json!({"stored": counts.stored, "unchanged": counts.unchanged, "refused": counts.refused});
            let caller = row.held.caller();
            let by = By { actor: caller.actor(), organisation: caller.organisation, request: None };
            let entry = audit::Entry { outcome, ..by.did("import.finished", Subject::of(id), details) };
            audit::record(tx, &world, &entry).await?;
            Ok::<(), DbError>(())
        });
        Ok(settled.await?)
    }
}
