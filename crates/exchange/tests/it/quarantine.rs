//! Records that are not taken.

use std::sync::Arc;

use exchange::{
    check::check,
    connector::{Outcome, Page, StepName},
    quarantine::{discard, kept, replay, waiting},
    run::{Counts, Extent, RunFault},
};
use fhir::{Became, site::Subscription};
use kernel::Actor;

use crate::{
    given::{Given, found},
    stage::{HERE, INTEGRATION, Stage, THERE, on_sync, organisation},
};

const NOBODY: (Actor, Option<kernel::RequestId>) = (Actor::System, None);

on_sync!(
    async fn what_is_not_taken_waits_with_the_reason_and_is_let_in_or_let_go_of(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 3).await;
        // Somebody else's record has this id here.
        stage.put(HERE, "Patient", "p0001", r#","gender":"male""#).await;
        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        assert_eq!(run.counts, Counts { received: 3, stored: 2, quarantined: 1, ..Counts::default() });
        let of = (organisation(1), INTEGRATION);
        let all = waiting(&mut stage.db.read().await.unwrap(), of, None, 10).await.unwrap();
        let one = all.first().unwrap().clone();
        assert_eq!((all.len(), one.name.id.as_str(), one.code.as_str()), (1, "p0001", "conflict"));
        assert!(stage.records(HERE).await.get("Patient/p0001").unwrap().0.contains("male"), "it is as it was");
        let said = kept(&stage.exchange, organisation(1), one.id).await.unwrap();
        assert!(said.text.contains("F1") && said.words.contains("another record"));
        // Another organisation has no such row.
        let others = (organisation(2), INTEGRATION);
        assert!(waiting(&mut stage.db.read().await.unwrap(), others, None, 10).await.unwrap().is_empty());
        assert!(matches!(kept(&stage.exchange, organisation(2), one.id).await, Err(RunFault::Unknown)));
        let refused = discard(&stage.exchange, organisation(2), one.id, NOBODY).await;
        assert!(matches!(refused, Err(RunFault::Unknown)));
        // It is refused again, and goes on waiting; the same of another run takes its place.
        let again = replay(&stage.exchange, organisation(1), one.id, None, NOBODY).await.unwrap();
        assert!(matches!(again, Became::Refused(_)));
        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        assert_eq!(run.counts, Counts { received: 3, unchanged: 2, quarantined: 1, ..Counts::default() });
        let all = waiting(&mut stage.db.read().await.unwrap(), of, None, 10).await.unwrap();
        let newer = all.first().unwrap().clone();
        assert!(all.len() == 1 && newer.id != one.id);
        let gone = replay(&stage.exchange, organisation(1), one.id, None, NOBODY).await;
        assert!(matches!(gone, Err(RunFault::Unknown)));
        discard(&stage.exchange, organisation(1), newer.id, NOBODY).await.unwrap();
        assert!(waiting(&mut stage.db.read().await.unwrap(), of, None, 10).await.unwrap().is_empty());
    }
);

on_sync!(
    async fn what_the_organisation_has_not_subscribed_to_is_not_taken(db) {
        let given = Given::of(&["Claim", "Patient"]);
        let records = vec![found("Claim", "c1", r#","status":"active""#), found("Patient", "p1", "")];
        given.then(Page { records, ..Page::default() });
        let stage = Stage::sourced(db, |_| Arc::new(given)).await;
        let tested = check(&stage.exchange, (organisation(1), INTEGRATION), NOBODY).await.unwrap();
        let site = tested.details.steps.first().unwrap();
        assert_eq!((site.name, site.outcome), (StepName::Site, Outcome::Warning), "{}", site.message);
        let run = stage.begin(Extent::Incremental).await;
        let run = stage.ended(run).await;
        assert_eq!(run.counts, Counts { received: 2, stored: 1, quarantined: 1, ..Counts::default() });
        let of = (organisation(1), INTEGRATION);
        let waits = |stage: &Stage| {
            let db = stage.db.clone();
            async move { waiting(&mut db.read().await.unwrap(), of, None, 10).await.unwrap() }
        };
        let all = waits(&stage).await;
        let one = all.first().unwrap().clone();
        assert_eq!((all.len(), one.name.of.as_str(), one.code.as_str()), (1, "Claim", "forbidden"));
        let said = kept(&stage.exchange, organisation(1), one.id).await.unwrap();
        assert!(said.words.contains("Claim") && said.words.contains("financial"), "{}", said.words);
        // Once the organisation has it, the record that waits can be let in.
        stage.subscribe(&[Subscription::Base, Subscription::Clinical, Subscription::Financial]).await;
        let let_in = replay(&stage.exchange, organisation(1), one.id, None, NOBODY).await.unwrap();
        assert!(matches!(let_in, Became::Stored));
        assert!(waits(&stage).await.is_empty());
        let tested = check(&stage.exchange, of, NOBODY).await.unwrap();
        assert_eq!(tested.details.steps.first().unwrap().outcome, Outcome::Passed);
        // One that brings nothing of what there is a subscription for is not begun with.
        stage.subscribe(&[]).await;
        let tested = check(&stage.exchange, of, NOBODY).await.unwrap();
        assert_eq!(tested.details.steps.first().unwrap().outcome, Outcome::Failed);
    }
);
