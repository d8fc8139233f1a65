//! The budget of an integration, kept by all nodes: pauses and places in rows, calls a second where requests are counted (in Redis, where there is one).

use std::time::Duration;

use futures_util::future::BoxFuture;
use kernel::{Id, Integration, Timestamp, World};
use store::{Db, DbError, Writer, binds};
use web::{Quota, RateLimiter};

use super::{Budget, PullFault, TURN_WAIT_MAX, Turn};

/// The most calls of one integration that may be under way at once.
pub const CALLS_AT_ONCE_MAX: u32 = 16;
/// How long a call holds its place if nobody says that it is over.
pub const PLACE_LEASE: Duration = Duration::from_secs(90);
/// The longest that a source may keep all waiting.
pub const PAUSE_MAX: Duration = Duration::from_hours(24);
/// The wait where all places are held, or where the rows cannot be asked, in seconds.
const BUSY_S: u64 = 1;

/// What an integration may ask of its source, whichever node asks.
pub struct SharedBudget {
    /// The rows.
    pub db: Db,
    /// Time and chance.
    pub world: World,
    /// Where calls are counted.
    pub limiter: RateLimiter,
    /// Whose budget it is.
    pub integration: Id<Integration>,
    /// So many calls in any second; none for as many as there are.
    pub calls_per_second: Option<f64>,
    /// So many calls at once; none for as many as there are.
    pub calls_at_once: Option<u32>,
}

/// Never more than this in any second: what may come at once and what comes back within a second are together what is allowed.
fn quota(calls_per_second: f64) -> Quota {
    if calls_per_second < 2.0 {
        return Quota::new(1, Duration::from_secs_f64(1.0 / calls_per_second.max(1e-4)));
    }
    let at_once = (calls_per_second / 2.0).floor().min(1e6);
    Quota::new(at_once as u32, Duration::from_secs_f64(at_once / (calls_per_second - at_once)))
}

impl SharedBudget {
    async fn entered(&self) -> Result<Turn, PullFault> {
        self.paused().await?;
        if let Some(calls) = self.calls_per_second {
            self.counted(quota(calls)).await?;
        }
        let Some(places) = self.calls_at_once else { return Ok(Turn::uncounted()) };
        let holder = self.world.random::<16>();
        match self.take(places.clamp(1, CALLS_AT_ONCE_MAX), holder).await {
            Ok(Some(place)) => Ok(Turn { place: Some((place, holder)) }),
            Ok(None) => Err(PullFault::Later { after_s: BUSY_S }),
            Err(fault) => Err(unasked(&fault)),
        }
    }

    async fn paused(&self) -> Result<(), PullFault> {
        let sql = "SELECT until_at FROM sync_pause WHERE integration_id = $1";
        let read = async { self.db.read().await?.optional(sql, binds![self.integration]).await };
        let until: Option<(Timestamp,)> = read.await.map_err(|fault: DbError| unasked(&fault))?;
        let left = until.map_or(Duration::ZERO, |(until,)| until.since(self.world.now()));
        match left.is_zero() {
            true => Ok(()),
            false => Err(PullFault::Later { after_s: left.as_secs().max(1) }),
        }
    }

    async fn counted(&self, quota: Quota) -> Result<(), PullFault> {
        let key = format!("source:{}", self.integration);
        let mut waited = Duration::ZERO;
        loop {
            let decision = self.limiter.check(&key, quota).await;
            if decision.is_allowed {
                return Ok(());
            }
            let wait = Duration::from_secs(decision.retry_after_s.max(1));
            if waited + wait > TURN_WAIT_MAX {
                return Err(PullFault::Later { after_s: wait.as_secs() });
            }
            tokio::time::sleep(wait).await;
            waited += wait;
        }
    }

    /// A place that nobody holds; none if all are held.
    async fn take(&self, places: u32, holder: [u8; 16]) -> Result<Option<u32>, DbError> {
        let (now, integration) = (self.world.now(), self.integration);
        let unit = async move |tx: &mut Writer| -> Result<Option<u32>, DbError> {
            let sql = "INSERT INTO sync_call (integration_id, place, holder, until_at) VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (integration_id, place) DO UPDATE \
                       SET holder = excluded.holder, until_at = excluded.until_at WHERE sync_call.until_at <= $5";
            for place in 0..places {
                let values = binds![integration, i64::from(place), holder.as_slice(), now + PLACE_LEASE, now];
                if tx.execute(sql, values).await? == 1 {
                    return Ok(Some(place));
                }
            }
            Ok(None)
        };
        self.db.write(unit).await
    }

    async fn give_back(&self, (place, holder): (u32, [u8; 16])) -> Result<(), DbError> {
        let integration = self.integration;
        let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
            let sql = "DELETE FROM sync_call WHERE integration_id = $1 AND place = $2 AND holder = $3";
            tx.execute(sql, binds![integration, i64::from(place), holder.as_slice()]).await.map(|_| ())
        };
        self.db.write(unit).await
    }

    async fn note_pause(&self, seconds: u64) -> Result<(), DbError> {
        let until = self.world.now() + Duration::from_secs(seconds).min(PAUSE_MAX);
        let integration = self.integration;
        let unit = async move |tx: &mut Writer| -> Result<(), DbError> {
            let sql = "INSERT INTO sync_pause (integration_id, until_at) VALUES ($1, $2) \
                       ON CONFLICT (integration_id) DO UPDATE SET until_at = excluded.until_at \
                       WHERE sync_pause.until_at < excluded.until_at";
            tx.execute(sql, binds![integration, until]).await.map(|_| ())
        };
        self.db.write(unit).await
    }
}

/// The rows cannot be asked: that slows, and stops nothing.
fn unasked(fault: &DbError) -> PullFault {
    tracing::warn!(%fault, "a budget cannot be looked at");
    PullFault::Later { after_s: BUSY_S }
}

impl Budget for SharedBudget {
    fn enter(&self) -> BoxFuture<'_, Result<Turn, PullFault>> {
        Box::pin(self.entered())
    }

    fn leave(&self, turn: Turn) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some(place) = turn.place else { return };
            if let Err(fault) = self.give_back(place).await {
                tracing::warn!(%fault, "a place of a budget is given back when its time is over");
            }
        })
    }

    fn pause(&self, seconds: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(fault) = self.note_pause(seconds).await {
                tracing::warn!(%fault, "other nodes are not told that a source wants to be left alone");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_calls_than_are_allowed() {
        for calls in [0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 100.0, 1000.0] {
            let quota = quota(calls);
            let back_in_a_second = f64::from(quota.requests()) / quota.period().as_secs_f64();
            let most = f64::from(quota.requests()) + back_in_a_second;
            assert!(
                most <= calls.max(1.0) + 1.0 + 1e-3 && (calls < 2.0 || most <= calls + 1e-3),
                "{calls}: {most}"
            );
        }
    }
}
