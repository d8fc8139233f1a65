//! The round of a node: take lanes that are due, serve them, wait.

use std::time::Duration;

use store::{Db, DbError};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    OPENED, PATIENCE,
    lane::{LEASE, Lane, Served, serve},
    places::{Sort, Taken},
    queries,
    settle::{SETTLED_AT_ONCE, settle, settle_all},
};
use crate::{Webhooks, endpoint::TIMEOUT_S_MAX, event::PLACED};

/// The longest that nobody looks for lanes that are due.
const POLL: Duration = Duration::from_secs(1);
/// The shortest, so that what cannot be taken makes no busy loop.
const WAIT_MIN: Duration = Duration::from_millis(5);
/// Lanes that are taken at once.
const CLAIMED_MAX: usize = 64;
/// How often it is looked whether endpoints that do not answer are to be called, and what became of such calls.
pub const SUSPECTS_EVERY: Duration = Duration::from_millis(250);
const UNSERVED: &str = "an endpoint is not served; it will be tried again";
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

/// Serve lanes until the shutdown begins. Those whose endpoints do not answer have a round of their own, which nobody else waits for.
pub(crate) async fn keep_delivering(webhooks: Webhooks) {
    let probed = Notify::new();
    tokio::join!(serve_prompt(&webhooks, &probed), serve_suspects(&webhooks, &probed));
}

async fn serve_prompt(webhooks: &Webhooks, probed: &Notify) {
    let mut placed = webhooks.db.notify().subscribe(PLACED);
    let mut opened = webhooks.db.notify().subscribe(OPENED);
    let mut serving = JoinSet::new();
    while !webhooks.shutdown.has_begun() {
        while serving.try_join_next().is_some() {}
        let taken = taken_of(webhooks, Sort::Prompt).await;
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
            () = probed.notified(), if !is_more => {}
            () = sleep(wait) => {}
        }
    }
    // Whoever does not come back in time is followed by another node when its lease has run out.
    drop(timeout(DRAIN, async { while serving.join_next().await.is_some() {} }).await);
}

/// They are taken, and it is written down what became of their calls, for several at a time.
async fn serve_suspects(webhooks: &Webhooks, probed: &Notify) {
    let mut serving = JoinSet::new();
    while !webhooks.shutdown.has_begun() {
        for (lane, place) in taken_of(webhooks, Sort::Suspect).await {
            let webhooks = webhooks.clone();
            serving.spawn(async move { served(&webhooks, lane, place).await });
        }
        tokio::select! {
            () = webhooks.shutdown.begun() => {}
            () = sleep(SUSPECTS_EVERY) => {}
        }
        let ended = std::iter::from_fn(|| serving.try_join_next());
        let all: Vec<Served> = ended.filter_map(|one| one.ok().flatten()).take(SETTLED_AT_ONCE).collect();
        settled(webhooks, all, probed).await;
    }
    let drained = async {
        while let Some(one) = serving.join_next().await {
            settled(webhooks, one.ok().flatten().into_iter().collect(), probed).await;
        }
    };
    drop(timeout(DRAIN, drained).await);
}

async fn settled(webhooks: &Webhooks, all: Vec<Served>, probed: &Notify) {
    if all.is_empty() {
        return;
    }
    if let Err(why) = settle_all(webhooks, all).await {
        tracing::warn!(%why, "it is not written down what became of calls; they will be made again");
    }
    probed.notify_one();
}

async fn served(webhooks: &Webhooks, lane: Lane, place: Taken) -> Option<Served> {
    let served = serve(webhooks, lane, place).await;
    let served = served.inspect_err(|why| tracing::warn!(%why, endpoint = %lane.endpoint, "{UNSERVED}"));
    served.ok()
}

async fn one(webhooks: &Webhooks, lane: Lane, place: Taken) -> usize {
    let Some(served) = served(webhooks, lane, place).await else { return 0 };
    match settle(webhooks, served).await {
        Ok(called) => called,
        Err(why) => {
            tracing::warn!(%why, endpoint = %lane.endpoint, "{UNSERVED}");
            0
        }
    }
}

/// The same; that it cannot be known is logged.
async fn taken_of(webhooks: &Webhooks, sort: Sort) -> Vec<(Lane, Taken)> {
    take(webhooks, sort).await.unwrap_or_else(|why| {
        tracing::warn!(%why, "lanes are not taken; it will be tried again");
        Vec::new()
    })
}

/// Lanes that are due, as many as there are places for.
async fn take(webhooks: &Webhooks, sort: Sort) -> Result<Vec<(Lane, Taken)>, DbError> {
    let room = webhooks.places.free(sort).min(CLAIMED_MAX);
    if room == 0 || !is_due(&webhooks.db, webhooks, sort).await? {
        return Ok(Vec::new());
    }
    let now = webhooks.world.now();
    let claimed = queries::claim(&webhooks.db, sort, (now, now + LEASE), room).await?;
    // One for which there is no place after all comes up again when its lease has run out.
    Ok(claimed.into_iter().filter_map(|lane| Some((lane, webhooks.places.take(sort)?))).collect())
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
            let mut taken = take(self, Sort::Prompt).await?;
            taken.extend(take(self, Sort::Suspect).await?);
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
