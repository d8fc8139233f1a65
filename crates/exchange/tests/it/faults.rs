//! A sync while the network is in trouble and workers are killed: it ends with exactly what the source has, and its report adds up.

use std::{sync::Arc, time::Duration};

use exchange::{
    connector::{Abilities, Asked, Connector, Cursor, Findings, Name, Page, PullFault},
    run::{Extent, State},
};
use futures_util::future::BoxFuture;
use kernel::{Entropy, World};
use testkit::SeededEntropy;
use tokio::task::JoinSet;

use crate::stage::{HERE, Stage, THERE, on_sync};

const PATIENTS: usize = 240;

/// Workers that are killed at any moment, one after the other, while every third answer meets trouble.
async fn ordeal(stage: &Stage, seed: u64) -> exchange::run::Run {
    stage.patients(THERE, 0, PATIENTS).await;
    stage.proxy.trouble(33);
    let run = stage.begin(Extent::Full).await;
    let chance = SeededEntropy::new(seed);
    for nth in 0..40 {
        let mut bytes = [0; 2];
        chance.fill(&mut bytes);
        let mut killed = JoinSet::new();
        let worker = stage.worker();
        killed.spawn(async move { worker.run_due().await });
        for _ in 0..u16::from_be_bytes(bytes) % 3_000 {
            tokio::task::yield_now().await;
        }
        killed.shutdown().await;
        // What changes over there meanwhile.
        if nth % 8 == 0 {
            stage.put(THERE, "Patient", &format!("p{nth:04}"), r#","gender":"other""#).await;
        }
        stage.clock.advance(Duration::from_secs(31));
    }
    let run = stage.ended(run).await;
    stage.proxy.trouble(0);
    run
}

on_sync!(
    async fn nothing_is_lost_and_nothing_is_doubled(db) {
        let stage = Stage::new(db, 7).await;
        let run = ordeal(&stage, 7).await;
        assert_eq!((run.state, run.why.as_deref()), (State::Done, None), "{:?}", run.counts);
        let met = stage.proxy.met();
        assert!(met.len() > 3, "{met:?}");
        // What was changed behind the place where the run was comes with the next one.
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        assert_eq!(stage.differences(&next).await, [""; 0]);
        assert_eq!(run.counts.quarantined + run.counts.deleted + next.counts.deleted, 0);
        // Each version here is a record that a report counts as stored: nothing was written twice.
        let versions: i64 = stage.records(HERE).await.values().map(|(_, version)| version).sum();
        assert_eq!(versions, run.counts.stored + next.counts.stored);
    }
);

on_sync!(
    async fn an_export_loses_nothing_and_doubles_nothing(db) {
        let stage = Stage::exporting(db, 11).await;
        let mut run = ordeal(&stage, 11).await;
        assert_eq!((run.state, run.why.as_deref()), (State::Done, None), "{:?}", run.counts);
        // An export is few calls, so there are several.
        stage.proxy.trouble(50);
        for _ in 0..4 {
            let again = stage.begin(Extent::Full).await;
            let again = stage.ended(again).await;
            assert_eq!((again.state, again.counts.deleted), (State::Done, 0), "{:?}", again.why);
            run.counts.stored += again.counts.stored;
        }
        stage.proxy.trouble(0);
        assert!(stage.proxy.met().len() > 5, "{:?}", stage.proxy.met());
        // From the time of the export on, searches tell what changed.
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        assert_eq!(stage.differences(&next).await, [""; 0]);
        let ended = "SELECT COUNT(*) FROM audit_event WHERE act = 'export.ended'";
        let (ended,): (i64,) = stage.db.read().await.unwrap().one(ended, store::binds![]).await.unwrap();
        assert!(ended > 0, "there was no export, or it was not taken away");
        assert_eq!(run.counts.quarantined + run.counts.deleted + next.counts.deleted, 0);
        let versions: i64 = stage.records(HERE).await.values().map(|(_, version)| version).sum();
        assert_eq!(versions, run.counts.stored + next.counts.stored);
        // A full one deletes what is gone, by asking for each that the export did not have.
        stage.delete(THERE, "Patient", "p0100").await;
        let full = stage.begin(Extent::Full).await;
        let full = stage.ended(full).await;
        assert_eq!((full.state, full.counts.deleted), (State::Done, 1), "{:?} {:?}", full.counts, full.why);
        assert_eq!(stage.differences(&full).await, [""; 0]);
    }
);

/// Takes an outage for the end: the guard that this crate stands on, taken away.
struct Credulous(Arc<dyn Connector>);

impl Connector for Credulous {
    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }
    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings> {
        self.0.check(world)
    }
    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>> {
        Box::pin(async move { Ok(self.0.pull(cursor).await.unwrap_or_default()) })
    }
    fn ask<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>> {
        self.0.ask(name)
    }
}

on_sync!(
    async fn without_the_guard_the_same_ordeal_loses_records(db) {
        let stage = Stage::wrapped(db, 7, |honest| Arc::new(Credulous(honest))).await;
        let run = ordeal(&stage, 7).await;
        assert!(!stage.differences(&run).await.is_empty(), "the test sees no loss: {:?}", run.counts);
    }
);
