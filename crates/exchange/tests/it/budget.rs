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
use kernel::Timestamp;
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
        let turn = if is_free {
            Ok(Turn::uncounted())
        } else {
            Err(PullFault::Later { after: Duration::from_secs(7) })
        };
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

fn later<T>(entered: Result<T, PullFault>) -> Option<Duration> {
    match entered {
        Err(PullFault::Later { after }) => Some(after),
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
        assert_eq!(later(one.enter().await), Some(Duration::from_secs(1)), "both places are held");
        one.leave(first).await;
        let _third = other.enter().await.ok().unwrap();
        assert_eq!(later(other.enter().await), Some(Duration::from_secs(1)));
        // Whoever died gives back nothing: the places are free again after their time.
        stage.clock.advance(PLACE_LEASE);
        assert!(one.enter().await.is_ok() && one.enter().await.is_ok());

        let per_hour = Some(1.0 / 3600.0);
        let (one, other) = (node(&stage, &limiter, per_hour, None), node(&stage, &limiter, per_hour, None));
        assert!(one.enter().await.is_ok());
        assert_eq!(later(other.enter().await), Some(Duration::from_hours(1)), "the hour's call was made");
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
        budget(&stage).pause(wait.as_secs() + 100).await;
        budget(&stage).pause(1).await;
        stage.clock.advance(wait + Duration::from_millis(1));
        assert!(later(way(&stage).read(&call, 1 << 20).await).is_some());
        stage.clock.advance(Duration::from_secs(100));
        assert!(way(&stage).read(&call, 1 << 20).await.is_ok());
    }
);

on_sync!(
    async fn as_many_calls_come_through_as_the_budget_says(db) {
        const WATCHED: Duration = Duration::from_secs(10);
        let stage = Stage::new(db, 1).await;
        for (per_second, in_ten) in [(0.1, 1), (0.5, 5), (1.0, 10), (3.0, 30), (7.5, 75), (10.0, 100), (50.0, 500)] {
            let limiter = RateLimiter::memory(&stage.exchange.world);
            let nodes = [(); 2].map(|()| node(&stage, &limiter, Some(per_second), None));
            let began = stage.exchange.world.now();
            // Five callers at two nodes, each of which asks for its next turn as soon as it has had one.
            let mut asks = [began; 5];
            let mut calls = Vec::new();
            loop {
                let (caller, at) = asks.iter().copied().enumerate().min_by_key(|(_, at)| *at).unwrap();
                stage.clock.advance(at.since(stage.exchange.world.now()));
                if at.since(began) >= WATCHED {
                    break;
                }
                asks[caller] = match nodes[caller % 2].turn().await {
                    Ok(wait) => {
                        calls.push(at + wait);
                        at + wait
                    }
                    Err(later) => at + self::later::<()>(Err(later)).unwrap(),
                };
            }
            let within = |from: Timestamp, time: Duration| {
                calls.iter().filter(|call| **call >= from && call.since(from) < time).count()
            };
            assert_eq!(within(began, WATCHED), in_ten, "{per_second} a second");
            let most = calls.iter().map(|call| within(*call, Duration::from_secs(1))).max();
            assert!(most.is_some_and(|most| most as f64 <= per_second.ceil()), "{per_second} a second: {most:?}");
        }
    }
);
