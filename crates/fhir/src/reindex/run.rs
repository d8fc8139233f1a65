//! The job that indexes a site's records anew, and the one that sees to it that it is done.

use jobs::{JobFault, Retry, enqueue};
use kernel::World;
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{
    REINDEX_STEPS, queries,
    settle::reconciled,
    step::{Stepped, step},
};
use crate::Fhir;

/// Sites whose work is looked after at once.
const SITES_LOOKED_AFTER: i64 = 1_000;

/// Goes on with one change of a site's parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reindex {
    pub tenant: i64,
    pub generation: i64,
}

impl Reindex {
    /// Once, however often it is asked for while it is not done.
    pub(super) async fn put_down(&self, tx: &mut Writer, world: &World) -> Result<(), DbError> {
        let key = format!("{}:{}", self.tenant, self.generation);
        enqueue(tx, world, self, world.now(), Some(&key)).await.map(drop)
    }
}

impl jobs::Job for Reindex {
    const NAME: &'static str = "fhir.reindex";
    const RETRY: Retry = Retry { attempts_max: 12, first_s: 2, max_s: 600, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _: u32) -> Result<(), JobFault> {
        for _ in 0..REINDEX_STEPS {
            match step(fhir, (self.tenant, self.generation)).await? {
                Stepped::On => {}
                Stepped::Overtaken => return Ok(()),
                Stepped::Through => {
                    fhir.shelf.forget();
                    return Ok(());
                }
            }
        }
        // Under another key than the row that is running: that one counts as unfinished.
        let (world, next) = (fhir.world.clone(), self);
        let went_on = fhir.db.write(async move |tx: &mut Writer| {
            enqueue(tx, &world, &next, world.now(), None).await.map(drop)
        });
        went_on.await.map_err(|fault: DbError| fault.into())
    }
}

/// Sees to it that sites have what their packages say, and puts work down again that has no row in the queue any more: its attempts were
/// all in vain, and the fault may have passed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LookAfter {}

impl jobs::Job for LookAfter {
    const NAME: &'static str = "fhir.reindex.look_after";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 5, max_s: 60, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _: u32) -> Result<(), JobFault> {
        reconciled(fhir).await?;
        let running = queries::running(&mut fhir.db.read().await?, SITES_LOOKED_AFTER).await?;
        for (tenant, generation) in running {
            let world = fhir.world.clone();
            let again = fhir.db.write(async move |tx: &mut Writer| {
                Reindex { tenant, generation }.put_down(tx, &world).await
            });
            again.await.map_err(|fault: DbError| JobFault::from(fault))?;
        }
        Ok(())
    }
}
