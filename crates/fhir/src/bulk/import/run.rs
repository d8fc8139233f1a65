//! The job of an import: one step after the other, until all that was sent or named is written or refused.

use jobs::{JobFault, Retry};
use kernel::{BulkJob, Id};
use serde::{Deserialize, Serialize};

use super::{
    fetch::{Fetched, fetch},
    queries as own,
    step::{self, Stepped},
    write::fail,
};
use crate::{
    Fhir,
    bulk::{
        STEPS_OF_AN_ATTEMPT,
        row::{Job, Kind},
        settle::{go_on, running, settle, why},
    },
};

/// Goes on with an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::bulk) struct Import {
    pub tenant: i64,
    pub id: Id<BulkJob>,
}

/// What is asked for of an import that fetches; of one whose lines were sent there is nothing to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fetches {
    /// Where the records come from: `inputSource`.
    pub source: String,
}

impl jobs::Job for Import {
    const NAME: &'static str = "fhir.import";
    const RETRY: Retry = Retry { attempts_max: 12, first_s: 2, max_s: 600, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, attempt: u32) -> Result<(), JobFault> {
        let is_last = attempt >= Self::RETRY.attempts_max;
        let done = match running::<Option<Fetches>>(fhir, Kind::Import, (self.tenant, self.id)).await? {
            None => return Ok(()),
            Some(job) if job.asked.is_none() => self.steps(fhir).await,
            Some(job) => self.file(fhir, &job, attempt).await,
        };
        if matches!(done, Err(JobFault::Final { .. })) || (is_last && done.is_err()) {
            self.settle(fhir, Some(why::UNFINISHED)).await?;
        }
        done
    }
}

impl Import {
    async fn steps(&self, fhir: &Fhir) -> Result<(), JobFault> {
        let key = (self.tenant, self.id);
        for _ in 0..STEPS_OF_AN_ATTEMPT {
            let job = running::<Option<Fetches>>(fhir, Kind::Import, key).await?;
            let Some(job) = job else { return Ok(()) };
            let Some(standing) = job.held.standing(fhir).await? else {
                return self.settle(fhir, Some(why::ACCESS)).await;
            };
            match step::step(fhir, &job, &standing).await? {
                Stepped::On => {}
                // What overtook it may have been the last thing that a dying worker did: somebody has to go on.
                Stepped::Overtaken => break,
                Stepped::Through => return self.settle(fhir, None).await,
            }
        }
        Ok(go_on(fhir, Kind::Import, key, self.clone()).await?)
    }

    /// The next file, as far as one call brings it. What brought something is followed by an attempt that counts anew.
    async fn file(&self, fhir: &Fhir, job: &Job<Option<Fetches>>, attempt: u32) -> Result<(), JobFault> {
        let key = (self.tenant, self.id);
        let next = own::next_source(&mut fhir.db.read().await?, key).await?;
        let Some(source) = next else { return self.settle(fhir, None).await };
        match fetch(fhir, job, &source).await? {
            Fetched::Barred => return self.settle(fhir, Some(why::ACCESS)).await,
            Fetched::Broken { why, after_s, has_moved: false } if attempt < FILE_ATTEMPTS_MAX => {
                return Err(JobFault::Again { why, after_s });
            }
            Fetched::Broken { why, has_moved: false, .. } => fail(fhir, key, source.number, &why).await?,
            // What overtook it may have been the last thing that a dying worker did: somebody has to go on.
            Fetched::Through | Fetched::Overtaken | Fetched::Broken { .. } => {}
        }
        Ok(go_on(fhir, Kind::Import, key, self.clone()).await?)
    }

    async fn settle(&self, fhir: &Fhir, why: Option<&'static str>) -> Result<(), JobFault> {
        Ok(settle(fhir, Kind::Import, (self.tenant, self.id), why).await?)
    }
}

/// Attempts one after the other that bring nothing of a file; then it is given up, and the next one has its turn.
pub const FILE_ATTEMPTS_MAX: u32 = 10;

const _: () = assert!(FILE_ATTEMPTS_MAX < <Import as jobs::Job>::RETRY.attempts_max);
