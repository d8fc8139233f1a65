//! A worker that dies, or seems to: another one goes on where it was, nothing is lost and nothing is there twice.

use std::time::Duration;

use fhir::bulk::STEP_VERSIONS;
use serde_json::json;
use store::binds;

use super::{files, kick_off, patient};
use crate::stage::{Calls, Stage};

/// So many patients, a transaction at a time.
async fn many(system: &Calls<'_>, patients: usize) {
    for from in (0..patients).step_by(1_000) {
        let entries: Vec<_> = (from..patients.min(from + 1_000))
            .map(|nth| {
                let resource: serde_json::Value = serde_json::from_str(&patient(&format!("p{nth}"))).unwrap();
                json!({"resource": resource, "request": {"method": "PUT", "url": format!("Patient/p{nth}")}})
            })
            .collect();
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        system.post("/fhir", &bundle.to_string()).await.expect(200);
    }
}

async fn place(stage: &Stage) -> i64 {
    let sql = "SELECT place FROM fhir_bulk";
    stage.db.read().await.unwrap().one::<(i64,)>(sql, binds![]).await.unwrap().0
}

async fn has_begun(stage: &Stage) {
    while place(stage).await == 0 {
        tokio::task::yield_now().await;
    }
}

on_stage!(
    async fn a_worker_that_is_lost_is_followed_by_another(stage) {
        let system = stage.north();
        let patients = usize::try_from(STEP_VERSIONS).unwrap() * 2 + 100;
        many(&system, patients).await;
        let status = kick_off(&system, "/fhir/$export").await;
        // Cut off while it works: it has the lease and never says how it ended.
        let worker = stage.worker();
        tokio::select! {
            () = has_begun(&stage) => {}
            done = worker.run_due() => panic!("it was through before it could be cut off: {done:?}"),
        }
        let reached = place(&stage).await;
        stage.clock.advance(Duration::from_secs(3_600));
        // Two nodes at once, one of which only seemed dead.
        let (one, two) = (stage.worker(), stage.worker());
        let (one, two) = tokio::join!(one.run_due(), two.run_due());
        one.and(two).unwrap();
        assert!(reached <= place(&stage).await);
        let manifest = system.get(&status).await.expect(200).json();
        let files = files(&system, &manifest).await;
        let mut ids: Vec<&str> = files["output Patient"].lines().collect();
        assert_eq!(ids.len(), patients);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), patients, "none twice");
    }
);
