//! The budget of an integration, kept by all nodes: pauses and places in rows, calls a second where requests are counted (in Redis, where there is one).

use std::time::Duration;

use futures_util::future::BoxFuture;
use kernel::{Id, Integration, Timestamp, World};
use store::{Db, DbError, Writer, binds};
use web::RateLimiter;

use super::{Budget, PullFault, TURN_WAIT_MAX, Turn};

/// The most calls of one integration that may be under way at once.
pub const CALLS_AT_ONCE_MAX: u32 = 16;
/// How long a call holds its place if nobody says that it is over.
pub const PLACE_LEASE: Duration = Duration::from_secs(90);
/// The longest that a source may keep all waiting.
pub const PAUSE_MAX: Duration = Duration::from_hours(24);
/// The wait where all places are held, or where the rows cannot be asked.
const BUSY: Duration = Duration::from_secs(1);

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
    /// So many calls in any second, at least 0.0001; none for as many as there are.
    pub calls_per_second: Option<f64>,
    /// So many calls at once; none for as many as there are.
    pub calls_at_once: Option<u32>,
}

/// Calls follow one another so long apart: then no second has more of them, and every second that they are wanted in has as many.
fn pace(calls_per_second: f64) -> Duration {
    Duration::from_micros((1e6 / calls_per_second.max(1e-4)).ceil() as u64)
}

impl SharedBudget {
    /// How long until there is a turn for one call, of those that the pace and the source leave. It is taken.
    ///
    /// # Errors
    /// [`PullFault::Later`] where that is further away than [`TURN_WAIT_MAX`], and after which time to ask again.
    pub async fn turn(&self) -> Result<Duration, PullFault> {
        self.paused().await?;
        let Some(calls) = self.calls_per_second else { return Ok(Duration::ZERO) };
        let key = format!("source:{}", self.integration);
        let turn = self.limiter.turn(&key, (pace(calls), TURN_WAIT_MAX)).await;
        turn.map_err(|after| PullFault::Later { after })
    }

    async fn entered(&self) -> Result<Turn, PullFault> {
        let wait = self.turn().await?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let Some(places) = self.calls_at_once else { return Ok(Turn::uncounted()) };
        let holder = self.world.random::<16>();
        match self.take(places.clamp(1, CALLS_AT_ONCE_MAX), holder).await {
            Ok(Some(place)) => Ok(Turn { place: Some((place, holder)) }),
            Ok(None) => Err(PullFault::Later { after: BUSY }),
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
            false => Err(PullFault::Later { after: left }),
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
    PullFault::Later { after: BUSY }
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
    fn a_pace_is_never_too_fast_and_hardly_too_slow() {
        for calls in [1e-4, 0.1, 0.5, 1.0, 1.5, 3.0, 7.5, 10.0, 333.0, 1000.0] {
            let a_second = 1.0 / pace(calls).as_secs_f64();
            assert!(a_second <= calls + 1e-9 && a_second > calls * 0.999, "{calls}: {a_second}");
        }
    }
}
