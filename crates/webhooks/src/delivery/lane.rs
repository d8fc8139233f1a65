//! One endpoint's lane, from taking it to giving it back.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use kernel::Id;
use store::DbError;
use tokio::time::{Instant, sleep_until};

use super::{
    call::{Called, Came, Due, call},
    places::{ENDPOINT_SLOTS, Sort, Taken},
    queries,
};
use crate::{
    WebhookFault, Webhooks,
    endpoint::{self, Endpoint, EndpointRow, Secrets, State},
};

/// Deliveries that are read at once.
pub const BATCH: i64 = 64;
/// How long a lane is held: so soon another node goes on if this one dies.
pub const LEASE: Duration = Duration::from_secs(30);
/// How long calls are begun under one lease: with the longest call they end before it does.
pub const START_FOR: Duration = Duration::from_secs(8);

/// A lane that is held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane {
    pub endpoint: Id<Endpoint>,
    pub fence: i64,
    pub told: i64,
    pub sort: Sort,
}

/// What was done for a lane that is still held, and is to be written down.
pub(super) struct Served {
    pub lane: Lane,
    /// None if the endpoint is not to be called.
    pub row: Option<EndpointRow>,
    pub called: Vec<Called>,
    /// Its place is taken until then.
    pub _taken: Taken,
}

/// Make the calls that are due.
pub(super) async fn serve(webhooks: &Webhooks, lane: Lane, mut taken: Taken) -> Result<Served, WebhookFault> {
    let row = endpoint::queries::by_id(&mut webhooks.db.read().await?, lane.endpoint).await?;
    let Some(row) = row.filter(|row| row.state == State::Enabled) else {
        return Ok(Served { lane, row: None, called: Vec::new(), _taken: taken });
    };
    let secrets = secrets(webhooks, &row).await?;
    let rows = if lane.sort == Sort::Suspect { 1 } else { BATCH };
    let due = due(webhooks, lane, rows).await?;
    let called = make(webhooks, (&row, &secrets), (lane, due), &mut taken).await;
    Ok(Served { lane, row: Some(row), called, _taken: taken })
}

async fn secrets(webhooks: &Webhooks, row: &EndpointRow) -> Result<Secrets, WebhookFault> {
    let vault = webhooks.vault.tenant(row.organisation).await?;
    Ok(Secrets::open(&vault, row.id, &row.secrets)?)
}

async fn due(webhooks: &Webhooks, lane: Lane, rows: i64) -> Result<Vec<Due>, DbError> {
    let now = webhooks.world.now();
    queries::due(&mut webhooks.db.read().await?, lane.endpoint, now, rows).await
}

/// One call at first, and with each that is taken one more beside it. None is begun after one that failed, or when the time to begin is
/// over: what was not called stays due.
async fn make(
    webhooks: &Webhooks,
    (row, secrets): (&EndpointRow, &Secrets),
    (lane, due): (Lane, Vec<Due>),
    taken: &mut Taken,
) -> Vec<Called> {
    let longest = webhooks.pace.call_max.min(Duration::from_secs(u64::from(row.timeout_s)));
    let (began, mut waiting) = (Instant::now(), due.into_iter());
    let (mut under_way, mut all) = (FuturesUnordered::new(), Vec::new());
    let (mut slots, mut is_well) = (1_usize, true);
    let mut patience = began + webhooks.pace.patience;
    loop {
        let may_begin = is_well && began.elapsed() < START_FOR && !webhooks.shutdown.has_begun();
        while may_begin && under_way.len() < slots {
            let Some(next) = waiting.next() else { break };
            under_way.push(call(webhooks, (row, secrets), next, longest));
        }
        let called = tokio::select! {
            biased;
            called = under_way.next() => called,
            () = sleep_until(patience), if lane.sort == Sort::Prompt => {
                taken.step_aside();
                patience = began + LEASE;
                continue;
            }
        };
        let Some(called) = called else { return all };
        match called.came {
            Came::Taken => slots = (slots * 2).min(ENDPOINT_SLOTS),
            Came::Gone | Came::Failed { .. } => is_well = false,
        }
        patience = patience.max(Instant::now() + webhooks.pace.patience);
        all.push(called);
    }
}
