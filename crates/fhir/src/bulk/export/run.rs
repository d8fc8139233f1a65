//! The job of an export: one step after the other, until all is in the output.

use jobs::{JobFault, Retry};
use kernel::{BulkJob, Id};
use serde::{Deserialize, Serialize};

use super::{
    Wish,
    step::{self, Stepped},
};
use crate::{
    Fhir,
    bulk::{
        STEPS_OF_AN_ATTEMPT,
        row::Kind,
        settle::{go_on, running, settle, why},
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
            self.settle(fhir, Some(why::UNFINISHED)).await?;
        }
        done
    }
}

impl Export {
    async fn steps(&self, fhir: &Fhir) -> Result<(), JobFault> {
        let key = (self.tenant, self.id);
        for _ in 0..STEPS_OF_AN_ATTEMPT {
            let Some(job) = running::<Wish>(fhir, Kind::Export, key).await? else { return Ok(()) };
            let Some(standing) = job.held.standing(fhir).await? else {
                return self.settle(fhir, Some(why::ACCESS)).await;
            };
            match step::step(fhir, &job, standing).await? {
                Stepped::On => {}
                // What overtook it may have been the last thing that a dying worker did: somebody has to go on.
                Stepped::Overtaken => break,
                Stepped::Unasked => return self.settle(fhir, Some(why::PARAMETER)).await,
                Stepped::Full => return self.settle(fhir, Some("the output is too large")).await,
                Stepped::Through => return self.settle(fhir, None).await,
            }
        }
        Ok(go_on(fhir, Kind::Export, key, self.clone()).await?)
    }

    async fn settle(&self, fhir: &Fhir, why: Option<&'static str>) -> Result<(), JobFault> {
        Ok(settle(fhir, Kind::Export, (self.tenant, self.id), why).await?)
    }
}
