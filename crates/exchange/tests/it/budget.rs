//! Budgets that two nodes share: one database, one count of calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use exchange::connector::{
    Paced, PullFault, SignIn, Way,
    budget::{Budget, PLACE_LEASE, SharedBudget, Turn},
};
use futures_util::future::BoxFuture;
use outbound::{Call, Outbound, SystemLookup};
use testkit::Trouble;
use web::RateLimiter;

use crate::stage::{INTEGRATION, Stage, on_sync};

/// A budget of so many calls at once, that counts them.
pub struct Counted {
    at_once: usize,
    taken: AtomicUsize,
    given: AtomicUsize,
}

impl Counted {
    pub fn of(at_once: usize) -> Arc<Self> {
        Arc::new(Self { at_once, taken: AtomicUsize::new(0), given: AtomicUsize::new(0) })
    }
    /// Turns that were had.
    pub fn given(&self) -> usize {
        self.given.load(Relaxed)
    }
    /// Those that are not over.
    pub fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }
}

impl Budget for Counted {
    fn enter(&self) -> BoxFuture<'_, Result<Turn, PullFault>> {
        let more = |taken: usize| (taken < self.at_once).then_some(taken + 1);
        let is_free = self.taken.fetch_update(Relaxed, Relaxed, more).is_ok();
        self.given.fetch_add(usize::from(is_free), Relaxed);
        let turn = if is_free { Ok(Turn::uncounted()) } else { Err(PullFault::Later { after_s: 7 }) };
        Box::pin(std::future::ready(turn))
    }
    fn leave(&self, _: Turn) -> BoxFuture<'_, ()> {
        self.taken.fetch_sub(1, Relaxed);
        Box::pin(std::future::ready(()))
    }
    fn pause(&self, _: u64) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

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
        let way = |stage: &Stage| {
            let paced = Paced::new(outbound.clone(), stage.exchange.world.clone()).within(budget(stage));
            Way::new(paced, SignIn::Open)
        };
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
