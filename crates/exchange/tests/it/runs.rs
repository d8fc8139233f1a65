//! Full and incremental runs, and who may begin, end and repeat them.

use std::time::Duration;

use exchange::run::{self, Counts, Extent, RunFault, State};
use jobs::State as JobState;
use kernel::Actor;
use testkit::Trouble;

use crate::stage::{HERE, INTEGRATION, Stage, THERE, on_sync, organisation};

const NOBODY: (Actor, Option<kernel::RequestId>) = (Actor::System, None);

on_sync!(
    async fn what_is_there_comes_here_and_then_only_what_changed(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 53).await;
        stage.put(THERE, "Observation", "o1", r#","status":"final","code":{"text":"x"}"#).await;
        let first = stage.begin(Extent::Full).await;
        assert_eq!(first.state, State::Queued);
        let first = stage.ended(first).await;
        assert_eq!((first.state, first.why.as_deref()), (State::Done, None));
        assert_eq!(first.counts, Counts { received: 54, stored: 54, ..Counts::default() });
        assert_eq!(stage.differences(&first).await, [""; 0]);

        stage.clock.advance(Duration::from_secs(3_600));
        stage.patients(THERE, 53, 55).await;
        stage.put(THERE, "Patient", "p0007", r#","name":[{"family":"Changed"}]"#).await;
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        let Counts { received, stored, unchanged, quarantined, deleted } = next.counts;
        assert_eq!((stored, quarantined, deleted), (3, 0, 0), "{:?}", next.counts);
        assert!(received == stored + unchanged && unchanged < 54, "{:?}", next.counts);
        assert_eq!(stage.differences(&next).await, [""; 0]);
        let version = |id: &str| stage_version(&stage, id.to_owned());
        assert_eq!((version("Patient/p0007").await, version("Patient/p0008").await), (2, 1));
    }
);

async fn stage_version(stage: &Stage, name: String) -> i64 {
    stage.records(HERE).await.get(&name).unwrap().1
}

on_sync!(
    async fn a_full_run_deletes_what_is_gone_and_nothing_else(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 25).await;
        stage.put(HERE, "Patient", "own", "").await;
        let run = stage.begin(Extent::Full).await;
        stage.ended(run).await;
        stage.clock.advance(Duration::from_secs(3_600));
        stage.delete(THERE, "Patient", "p0003").await;
        stage.delete(THERE, "Patient", "p0024").await;
        let incremental = stage.begin(Extent::Incremental).await;
        let incremental = stage.ended(incremental).await;
        assert_eq!(incremental.counts.deleted, 0, "a search does not tell of deletions");
        let full = stage.begin(Extent::Full).await;
        let full = stage.ended(full).await;
        assert_eq!(full.counts, Counts { received: 25, unchanged: 23, deleted: 2, ..Counts::default() });
        assert_eq!(stage.differences(&full).await, ["Patient/own is too many"], "it did not come from there");
    }
);

on_sync!(
    async fn one_run_of_an_integration_is_under_way(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 3).await;
        let run = stage.begin(Extent::Full).await;
        let of = (organisation(1), INTEGRATION);
        let second = run::begin(&stage.exchange, of, Extent::Full, NOBODY).await;
        assert!(matches!(second, Err(RunFault::UnderWay)));
        let other = (organisation(2), INTEGRATION);
        let others = run::begin(&stage.exchange, other, Extent::Full, NOBODY).await;
        assert!(matches!(others, Err(RunFault::Unknown)));
        let others = run::cancel(&stage.exchange, organisation(2), run.id, NOBODY).await;
        assert!(matches!(others, Err(RunFault::Unknown)));
        let ended = stage.ended(run).await;
        assert_eq!(ended.state, State::Done);
        let late = run::cancel(&stage.exchange, organisation(1), ended.id, NOBODY).await;
        assert!(matches!(late, Err(RunFault::NotNow)));
        let again = run::retry(&stage.exchange, organisation(1), ended.id, NOBODY).await;
        assert!(matches!(again, Err(RunFault::NotNow)));
    }
);

on_sync!(
    async fn a_run_that_was_cancelled_goes_on_where_it_was(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 30).await;
        let run = stage.begin(Extent::Full).await;
        run::cancel(&stage.exchange, organisation(1), run.id, NOBODY).await.unwrap();
        let ended = stage.ended(run).await;
        assert_eq!((ended.state, ended.counts), (State::Cancelled, Counts::default()));
        let again = run::retry(&stage.exchange, organisation(1), ended.id, NOBODY).await.unwrap();
        assert_eq!((again.id, again.state), (ended.id, State::Queued));
        let ended = stage.ended(again).await;
        assert_eq!((ended.state, ended.counts.stored), (State::Done, 30));
        assert_eq!(stage.differences(&ended).await, [""; 0]);
    }
);

on_sync!(
    async fn a_source_that_is_down_for_good_is_told_of_and_tried_again_by_hand(db) {
        let stage = Stage::new(db, 1).await;
        stage.patients(THERE, 0, 3).await;
        stage.proxy.always(Some(Trouble::Reset));
        let run = stage.begin(Extent::Full).await;
        let failed = stage.ended(run).await;
        assert_eq!((failed.state, failed.counts.stored), (State::Failed, 0));
        assert!(failed.why.is_some());
        let work = jobs::find(&mut stage.db.read().await.unwrap(), failed.job).await.unwrap().unwrap();
        assert_eq!(work.state, JobState::Dead);
        stage.proxy.always(None);
        let again = run::retry(&stage.exchange, organisation(1), failed.id, NOBODY).await.unwrap();
        let ended = stage.ended(again).await;
        assert_eq!((ended.state, ended.counts.stored), (State::Done, 3));
    }
);
