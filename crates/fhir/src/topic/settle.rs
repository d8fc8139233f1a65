//! What comes of an attempt to tell a subscriber: counts, the next attempt, and the state that the record shows, in one unit.

use std::time::Duration;

use kernel::Timestamp;
use serde_json::{Value, json};
use store::Writer;

use super::{
    State, deliver,
    deliver::Deliver,
    of_subscription,
    pause::{self, Next},
    queries::{self, SubscriptionRow},
};
use crate::{
    Fhir,
    resource::{Author, Draft, Method, Records, Sheet, Version, WriteFault, newest_version},
    tenant::Tenant,
};

/// What came of an attempt.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// The endpoint has taken the handshake.
    Shaken,
    /// The endpoint has taken everything up to this number.
    Taken { to: i64 },
    /// It was told that nothing has happened.
    Beaten,
    /// There was nothing to tell.
    Nothing,
    /// Others are telling the same endpoint already.
    Busy,
    /// It was not taken; the endpoint may have asked for a pause.
    Failed { why: String, asked: Option<Duration> },
    /// Nobody is to be told any more.
    Over(String),
}

/// How long one waits that finds its endpoint busy.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Write down what came of an attempt. What another attempt, or the owner, has changed meanwhile stays.
pub(super) async fn settle(
    fhir: &Fhir,
    tenant: &Tenant,
    row: &SubscriptionRow,
    outcome: Outcome,
) -> Result<(), WriteFault> {
    let (fhir, tenant, seen, turn) = (fhir.clone(), tenant.clone(), row.clone(), tenant.number());
    let chance = u64::from_le_bytes(fhir.world.random());
    let db = fhir.db.clone();
    db.write_in_turn(turn, async move |tx: &mut Writer| {
        let Some(row) = queries::subscription(tx, tenant.number(), &seen.id).await? else { return Ok(()) };
        let is_mine = row.generation == seen.generation && row.epoch == seen.epoch;
        if !is_mine || row.state == State::Off {
            return Ok(());
        }
        let now = fhir.world.now();
        let before = row.state;
        let (mut row, again) = after(row, &outcome, now, chance);
        if row.state != before {
            let told = restated(tx, &fhir.records, &tenant, &row).await?;
            let Some(version) = told else { return Ok(()) };
            row.version = version.version;
            if before != State::Error || row.since.is_none() {
                let is_told = row.state == State::Active;
                row.since = if is_told { Some(version.rid.number()) } else { row.since };
            }
            if let Some(since) = row.since {
                queries::begin_feed(tx, &tenant, since).await?;
            }
        }
        row.epoch += 1;
        queries::settle(tx, &tenant, &row).await?;
        if let Some(at) = again {
            let job = Deliver::new(tenant.number(), &row.id, row.epoch);
            deliver::ask(tx, &fhir.world, &job, at).await?;
        }
        Ok(())
    })
    .await
}

/// The row that follows, and when the next attempt is.
fn after(
    row: SubscriptionRow,
    outcome: &Outcome,
    now: Timestamp,
    chance: u64,
) -> (SubscriptionRow, Option<Timestamp>) {
    let good = |row| SubscriptionRow {
        state: State::Active,
        failures: 0,
        failing_since: None,
        reason: None,
        sent_at: now,
        ..row
    };
    let row = match outcome {
        Outcome::Shaken | Outcome::Beaten => good(row),
        Outcome::Taken { to } => {
            let delivered = row.delivered.max(*to);
            good(SubscriptionRow { delivered, ..row })
        }
        Outcome::Nothing => row,
        Outcome::Busy => return (row, Some(now + BUSY_PAUSE)),
        Outcome::Over(why) => {
            let row = SubscriptionRow { state: State::Off, reason: Some(why.clone()), since: None, ..row };
            return (row, None);
        }
        Outcome::Failed { why, asked } => return failed(row, why, *asked, (now, chance)),
    };
    let is_more = row.delivered < row.events;
    (row, is_more.then_some(now))
}

fn failed(
    row: SubscriptionRow,
    why: &str,
    asked: Option<Duration>,
    (now, chance): (Timestamp, u64),
) -> (SubscriptionRow, Option<Timestamp>) {
    let since = row.failing_since.unwrap_or(now);
    let failures = row.failures.saturating_add(1);
    let row = SubscriptionRow { failures, failing_since: Some(since), ..row };
    match pause::next(failures, (since, now), asked, chance) {
        Next::After(pause) => {
            (SubscriptionRow { state: State::Error, reason: Some(why.to_owned()), ..row }, Some(now + pause))
        }
        Next::GiveUp => {
            let reason = Some(format!("{why}, and has not taken anything for three days"));
            (SubscriptionRow { state: State::Off, reason, since: None, ..row }, None)
        }
    }
}

/// The next version of the record, with this status and why; none if the record is gone or is another one by now.
async fn restated(
    tx: &mut Writer,
    records: &Records,
    tenant: &Tenant,
    row: &SubscriptionRow,
) -> Result<Option<Version>, WriteFault> {
    let Some(of) = of_subscription() else { return Ok(None) };
    let stored = newest_version(tx, tenant, of, &row.id).await?;
    let Some(stored) = stored.filter(|stored| stored.version == row.version) else { return Ok(None) };
    let Some(body) = &stored.body else { return Ok(None) };
    let mut text: Value = serde_json::from_str(body.as_str()).unwrap_or_default();
    let Some(members) = text.as_object_mut() else { return Ok(None) };
    members.insert("status".to_owned(), json!(row.state.as_str()));
    match &row.reason {
        Some(reason) => members.insert("error".to_owned(), json!(reason)),
        None => members.remove("error"),
    };
    let ready = Draft::parse(&text.to_string(), row.id.clone())?.ready(tenant, records);
    let mut sheet = Sheet::draw(tx, records, tenant, 1).await?;
    let version = sheet.put(&ready, Method::Put, Some(&stored))?;
    sheet.write(tx, &Author::system()).await?;
    Ok(Some(version))
}
