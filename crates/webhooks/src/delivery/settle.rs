//! What became of calls: deliveries, their log, how the endpoint stands, and when its lane is due next, in one unit.

use std::time::Duration;

use audit::Subject;
use kernel::{Event, EventRow, Id, Timestamp};
use serde_json::json;
use store::{Composed, DbError, Writer};
use vault::{Place, Sealed, TenantVault};

use super::{
    call::{Called, Came},
    lane::{Lane, Served},
    queries::{self, Attempt, LaneRow, Retried},
    schedule::{Next, SUSPECT_AFTER, next, probe},
};
use crate::{
    By, WebhookFault, Webhooks,
    endpoint::{self, Endpoint, EndpointRow},
};

/// How long an endpoint fails without taking anything until it is not called any more.
pub const FAILING_FOR_MAX: Duration = Duration::from_hours(24 * 5);

/// Where the first bytes of an answer are kept.
pub(super) fn place(attempt: &Attempt) -> Place {
    let mut row = *attempt.event.as_bytes();
    for (to, from) in row.iter_mut().zip(attempt.endpoint.as_bytes()) {
        *to ^= from;
    }
    Place { table: "webhook_attempt", row, column: "answer", purpose: "answer" }
}

/// Lanes of which it is written down in one unit what became of their calls.
pub const SETTLED_AT_ONCE: usize = 64;

/// Write down what became of calls, and give the lane back, unless it is another's by now; how many calls were made.
pub(super) async fn settle(webhooks: &Webhooks, served: Served) -> Result<usize, WebhookFault> {
    let lane = served.lane;
    let Some((report, count)) = reported(webhooks, served).await? else { return Ok(0) };
    let own = webhooks.clone();
    let unit = async move |tx: &mut Writer| write(tx, &own, std::slice::from_ref(&report)).await;
    webhooks.db.write_in_turn(turn(lane), unit).await?;
    Ok(count)
}

/// The same of several lanes in one unit: for those whose endpoints do not answer, which would otherwise cost a commit each.
pub(super) async fn settle_all(webhooks: &Webhooks, all: Vec<Served>) -> Result<(), WebhookFault> {
    let mut reports = Vec::with_capacity(all.len());
    for served in all {
        let endpoint = served.lane.endpoint;
        match reported(webhooks, served).await {
            Ok(report) => reports.extend(report.map(|(report, _)| report)),
            // Its calls are made again when its lease has run out; the others are written down.
            Err(why) => tracing::warn!(%why, %endpoint, "it is not written down what became of calls"),
        }
    }
    // Lanes are written in the order in which others tell them.
    reports.sort_by_key(|report| report.lane.endpoint);
    let own = webhooks.clone();
    let unit = async move |tx: &mut Writer| write(tx, &own, &reports).await;
    webhooks.db.write(unit).await.map_err(WebhookFault::from)
}

/// What is to be written of a lane, and how many calls that is of; none where the endpoint is not to be called: that is written down here.
async fn reported(webhooks: &Webhooks, served: Served) -> Result<Option<(Report, usize)>, WebhookFault> {
    let Served { lane, row, called, _taken } = served;
    let Some(row) = row else {
        webhooks.db.execute(queries::GIVE_BACK, queries::given_back(lane)).await?;
        return Ok(None);
    };
    let vault = webhooks.vault.tenant(row.organisation).await?;
    let (now, chance) = (webhooks.world.now(), u64::from_le_bytes(webhooks.world.random()));
    let count = called.len();
    Ok(Some((Report::of((lane, row), called, (&vault, now, chance)), count)))
}

/// Units of one endpoint come one after another. Numbers of other turns are positive.
fn turn(lane: Lane) -> i64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(lane.endpoint.as_bytes().iter().rev()).for_each(|(to, from)| *to = *from);
    i64::from_le_bytes(bytes) | i64::MIN
}

/// What is written of calls.
struct Report {
    lane: Lane,
    row: EndpointRow,
    now: Timestamp,
    chance: u64,
    attempts: Vec<Attempt>,
    taken: Vec<Id<EventRow>>,
    retried: Vec<Retried>,
    /// Calls that failed after the last one that was taken.
    failures: u32,
    is_gone: bool,
}

impl Report {
    fn of(
        (lane, row): (Lane, EndpointRow),
        called: Vec<Called>,
        (vault, now, chance): (&TenantVault, Timestamp, u64),
    ) -> Self {
        let (mut attempts, mut taken, mut retried) = (Vec::new(), Vec::new(), Vec::new());
        let (mut failures, mut is_gone) = (0, false);
        for (nth, one) in called.into_iter().enumerate() {
            let chance = chance.rotate_left(u32::try_from(nth).unwrap_or(0));
            let event = one.due.event.id;
            let is_notice = one.due.event.name.starts_with("webhook.");
            let tries = one.due.tries + 1;
            let error = match &one.came {
                Came::Taken => None,
                Came::Gone => Some("the endpoint says that it is gone".to_owned()),
                Came::Failed { why, .. } => Some(why.clone()),
            };
            match &one.came {
                Came::Taken => {
                    taken.push(event);
                    failures = 0;
                }
                Came::Gone => {
                    is_gone = true;
                    failures += 1;
                    // It waits until its owner has another address.
                    retried.push(Retried { event, tries: 0, due_at: Some(now), is_notice });
                }
                Came::Failed { asked, .. } => {
                    failures += 1;
                    let due_at = match next(tries, now, *asked, chance) {
                        Next::At(at) => Some(at),
                        Next::GiveUp => None,
                    };
                    retried.push(Retried { event, tries, due_at, is_notice });
                }
            }
            let mut attempt = Attempt {
                endpoint: lane.endpoint,
                event,
                number: one.due.attempts + 1,
                at: one.at,
                duration_ms: i64::try_from(one.took.as_millis()).unwrap_or(i64::MAX),
                status: one.status.map(|status| status.as_u16()),
                error,
                answer: None,
            };
            attempt.answer = sealed(vault, &attempt, &one.answer);
            attempts.push(attempt);
        }
        Self { lane, row, now, chance, attempts, taken, retried, failures, is_gone }
    }
}

impl Report {
    /// Deliveries, taken or to be tried again.
    fn changes(&self) -> impl Iterator<Item = Composed> {
        let (endpoint, now) = (self.lane.endpoint, self.now);
        let taken = self.taken.iter().map(move |event| queries::taken(endpoint, *event, now));
        taken.chain(self.retried.iter().map(move |one| queries::retried(endpoint, one, now)))
    }
}

fn sealed(vault: &TenantVault, attempt: &Attempt, answer: &[u8]) -> Option<Sealed> {
    (!answer.is_empty()).then(|| vault.seal(place(attempt), answer))
}

/// What became of the calls of these lanes, by as few statements as there are kinds of rows.
async fn write(tx: &mut Writer, webhooks: &Webhooks, reports: &[Report]) -> Result<(), DbError> {
    let lanes: Vec<Lane> = reports.iter().map(|report| report.lane).collect();
    let before = queries::held(tx, &lanes).await?;
    let held = reports.iter().filter_map(|report| Some((report, *before.get(&report.lane.endpoint)?)));
    let held: Vec<(&Report, LaneRow)> = held.collect();
    let attempts: Vec<&Attempt> = held.iter().flat_map(|(report, _)| &report.attempts).collect();
    queries::log(tx, &attempts).await?;
    let changes: Vec<Composed> = held.iter().flat_map(|(report, _)| report.changes()).collect();
    tx.execute_all(&changes).await?;
    let mut stand = Vec::with_capacity(held.len());
    for (report, before) in held {
        let after = after(before, report);
        tell_of(tx, webhooks, report, &after).await?;
        stand.push((report, after));
    }
    let endpoints: Vec<Id<Endpoint>> = stand.iter().map(|(report, _)| report.lane.endpoint).collect();
    let next = queries::next_due(tx, &endpoints).await?;
    let free = |(report, after): &(&Report, LaneRow)| {
        let least = probe(after.failures, report.chance).map(|pause| report.now + pause);
        let next = next.get(&report.lane.endpoint).copied();
        let due_at = next.map(|at| least.map_or(at, |least| at.max(least)));
        queries::give_back(report.lane, after, (due_at, least.unwrap_or(report.now)))
    };
    tx.execute_all(&stand.iter().map(free).collect::<Vec<_>>()).await
}

/// What follows for its owner: that a delivery is given up, and that the endpoint is not called any more.
async fn tell_of(
    tx: &mut Writer,
    webhooks: &Webhooks,
    report: &Report,
    after: &LaneRow,
) -> Result<(), DbError> {
    // That a notice was not taken is no news of its own: it would never end.
    for one in report.retried.iter().filter(|one| one.due_at.is_none() && !one.is_notice) {
        let data = json!({"endpoint": report.lane.endpoint, "event": one.event});
        tell(tx, webhooks, &report.row, "webhook.delivery_failed", data).await?;
    }
    let over = match after.failing_since {
        _ if report.is_gone => Some("it says that it is gone (410)"),
        Some(since) if report.now.since(since) >= FAILING_FOR_MAX => {
            Some("it has taken nothing for five days")
        }
        _ => None,
    };
    match over {
        Some(why) => disable(tx, webhooks, &report.row, why).await,
        None => Ok(()),
    }
}

/// How the endpoint stands after the calls.
fn after(before: LaneRow, report: &Report) -> LaneRow {
    let now = report.now;
    let (failures, failing_since) = match (report.taken.is_empty(), report.failures) {
        (false, 0) => (0, None),
        (false, failures) => (failures, Some(now)),
        (true, 0) => (before.failures, before.failing_since),
        (true, more) => (before.failures.saturating_add(more), before.failing_since.or(Some(now))),
    };
    LaneRow { failures, failing_since, is_suspect: failures >= SUSPECT_AFTER }
}

/// The endpoint is not called any more, and its owner is told why.
async fn disable(tx: &mut Writer, webhooks: &Webhooks, row: &EndpointRow, why: &str) -> Result<(), DbError> {
    let now = webhooks.world.now();
    if !endpoint::queries::disable(tx, row.id, why, now).await? {
        return Ok(());
    }
    queries::shut(tx, row.id).await?;
    let by = By::system(row.organisation);
    let entry = by.did("webhook_endpoint.disabled", Subject::of(row.id), json!({"reason": why}));
    audit::record(tx, &webhooks.world, &entry).await?;
    tell(tx, webhooks, row, "webhook.endpoint_disabled", json!({"name": row.name, "reason": why})).await
}

async fn tell(
    tx: &mut Writer,
    webhooks: &Webhooks,
    row: &EndpointRow,
    name: &'static str,
    data: serde_json::Value,
) -> Result<(), DbError> {
    let event = Event { organisation: row.organisation, name, subject: row.id.to_string(), data };
    jobs::publish(tx, &webhooks.world, &event).await
}
