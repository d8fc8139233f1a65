//! The round of a node: take lanes that are due, serve them, wait.

use std::time::Duration;

use store::{Db, DbError};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    OPENED, PATIENCE,
    lane::{LEASE, Lane, serve},
    places::{Sort, Taken},
    queries,
};
use crate::{Webhooks, endpoint::TIMEOUT_S_MAX, event::PLACED};

/// The longest that nobody looks for lanes that are due.
const POLL: Duration = Duration::from_secs(1);
/// The shortest, so that what cannot be taken makes no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(5);
/// Lanes that are taken at once.
const CLAIMED_MAX: usize = 64;
/// How long calls under way may go on after the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(5);

/// How long things take that are waited for by the machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The longest that a call takes, whatever its endpoint says.
    pub call_max: Duration,
    /// How long an endpoint may take to answer before it leaves its place to another.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { call_max: Duration::from_secs(u64::from(TIMEOUT_S_MAX)), patience: PATIENCE }
    }
}

/// Serve lanes until the shutdown begins.
pub(crate) async fn keep_delivering(webhooks: Webhooks) {
    let mut placed = webhooks.db.notify().subscribe(PLACED);
    let mut opened = webhooks.db.notify().subscribe(OPENED);
    let mut serving = JoinSet::new();
    while !webhooks.shutdown.has_begun() {
        while serving.try_join_next().is_some() {}
        let taken = take(&webhooks).await.unwrap_or_else(|why| {
            tracing::warn!(%why, "lanes are not taken; it will be tried again");
            Vec::new()
        });
        let is_more = !taken.is_empty();
        for (lane, place) in taken {
            let webhooks = webhooks.clone();
            serving.spawn(async move { one(&webhooks, lane, place).await });
        }
        let wait = if is_more { WAIT_MIN } else { POLL };
        tokio::select! {
            () = webhooks.shutdown.begun() => {}
            Some(_) = serving.join_next() => {}
            Some(_) = placed.next(), if !is_more => {}
            Some(_) = opened.next(), if !is_more => {}
            () = sleep(wait) => {}
        }
    }
    // Whoever does not come back in time is followed by another node when its lease has run out.
    drop(timeout(DRAIN, async { while serving.join_next().await.is_some() {} }).await);
}

async fn one(webhooks: &Webhooks, lane: Lane, place: Taken) -> usize {
    match serve(webhooks, lane, place).await {
        Ok(called) => called,
        Err(why) => {
            tracing::warn!(%why, endpoint = %lane.endpoint, "an endpoint is not served; it will be tried again");
            0
        }
    }
}

/// Lanes that are due, as many as there are places for.
async fn take(webhooks: &Webhooks) -> Result<Vec<(Lane, Taken)>, DbError> {
    let mut all = Vec::new();
    for sort in [Sort::Prompt, Sort::Suspect] {
        let room = webhooks.places.free(sort).min(CLAIMED_MAX);
        if room == 0 || !is_due(&webhooks.db, webhooks, sort).await? {
            continue;
        }
        let now = webhooks.world.now();
        for lane in queries::claim(&webhooks.db, sort, (now, now + LEASE), room).await? {
            // One for which there is no place after all comes up again when its lease has run out.
            all.extend(webhooks.places.take(sort).map(|place| (lane, place)));
        }
    }
    Ok(all)
}

async fn is_due(db: &Db, webhooks: &Webhooks, sort: Sort) -> Result<bool, DbError> {
    queries::is_due(&mut db.read().await?, sort, webhooks.world.now()).await
}

impl Webhooks {
    /// Serve what is due now, and what becomes due meanwhile at the same time; how many calls were made. For tests, and for commands of
    /// the operator.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn deliver_due(&self) -> Result<usize, DbError> {
        let mut made = 0;
        loop {
            let taken = take(self).await?;
            if taken.is_empty() {
                return Ok(made);
            }
            let mut serving = JoinSet::new();
            for (lane, place) in taken {
                let webhooks = self.clone();
                serving.spawn(async move { one(&webhooks, lane, place).await });
            }
            while let Some(served) = serving.join_next().await {
                made += served.unwrap_or_default();
            }
        }
    }
}
