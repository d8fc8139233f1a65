//! Budgets that two nodes share: one database, one count of calls.

use std::{sync::Arc, time::Duration};

use exchange::connector::{
    PullFault, SignIn, Way,
    budget::{Budget, PLACE_LEASE, SharedBudget},
};
use outbound::{Call, Outbound, SystemLookup};
use testkit::Trouble;
use web::RateLimiter;

use crate::stage::{INTEGRATION, Stage, on_sync};

fn node(stage: &Stage, limiter: &RateLimiter, per_second: Option<f64>, at_once: Option<u32>) -> SharedBudget {
    SharedBudget {
        db: stage.db.clone(),
        world: stage.exchange.world.clone(),
        limiter: limiter.clone(),
        integration: INTEGRATION,
        calls_per_second: per_second,
        calls_at_once: at_once,
    }
}

fn later<T>(entered: Result<T, PullFault>) -> Option<u64> {
    match entered {
        Err(PullFault::Later { after_s }) => Some(after_s),
        _ => None,
    }
}

on_sync!(
    async fn two_nodes_keep_to_one_budget(db) {
        let stage = Stage::new(db, 1).await;
        let limiter = RateLimiter::memory(&stage.exchange.world);
        let (one, other) = (node(&stage, &limiter, None, Some(2)), node(&stage, &limiter, None, Some(2)));
        let first = one.enter().await.ok().unwrap();
        let _second = other.enter().await.ok().unwrap();
        assert_eq!(later(one.enter().await), Some(1), "both places are held");
        one.leave(first).await;
        let _third = other.enter().await.ok().unwrap();
        assert_eq!(later(other.enter().await), Some(1));
        // Whoever died gives back nothing: the places are free again after their time.
        stage.clock.advance(PLACE_LEASE);
        assert!(one.enter().await.is_ok() && one.enter().await.is_ok());

        let per_hour = Some(1.0 / 3600.0);
        let (one, other) = (node(&stage, &limiter, per_hour, None), node(&stage, &limiter, per_hour, None));
        assert!(one.enter().await.is_ok());
        assert!(later(other.enter().await).is_some_and(|after_s| after_s > 3_000), "the hour's call was made");
        stage.clock.advance(Duration::from_hours(1));
        assert!(other.enter().await.is_ok());
    }
);

on_sync!(
    async fn a_source_that_has_had_enough_is_left_alone_by_all(db) {
        let stage = Stage::new(db, 1).await;
        let limiter = RateLimiter::memory(&stage.exchange.world);
        let budget = |stage: &Stage| Arc::new(node(stage, &limiter, None, None));
        let allowed = [stage.proxy.address.to_string().parse().unwrap()].into_iter().collect();
        let outbound = Outbound::new(allowed, Arc::new(SystemLookup)).unwrap();
        let way = |stage: &Stage| Way::new(outbound.clone(), SignIn::Open).within(budget(stage));
        let call = Call::get(format!("http://{}/fhir/metadata", stage.proxy.address).parse().unwrap());
        stage.proxy.always(Some(Trouble::Throttled));
        let answer = way(&stage).read(&call, 1 << 20).await.unwrap();
        assert_eq!(answer.status.as_u16(), 429);
        stage.proxy.always(None);
        let answers = stage.proxy.answers();
        let wait = later(way(&stage).read(&call, 1 << 20).await).unwrap();
        assert_eq!(stage.proxy.answers(), answers, "nobody asks it meanwhile");
        // A shorter wait does not take the place of a longer one.
        budget(&stage).pause(wait + 100).await;
        budget(&stage).pause(1).await;
        stage.clock.advance(Duration::from_secs(wait + 1));
        assert!(later(way(&stage).read(&call, 1 << 20).await).is_some());
        stage.clock.advance(Duration::from_secs(100));
        assert!(way(&stage).read(&call, 1 << 20).await.is_ok());
    }
);
