//! How a run ends.

use ::jobs::Cancelled;
use audit::{Entry, Outcome, Subject};
use kernel::{Actor, Event, Id, Organisation, RequestId};
use serde_json::json;
use store::{DbError, Writer};
use watch::{Line, What};

use super::{Counts, Run, RunFault, State, SyncRun, queries};
use crate::{Exchange, api::id::write};

/// Say in this unit how a run ended. Whether it had not ended before.
pub(super) async fn settle(
    exchange: &Exchange,
    tx: &mut Writer,
    id: Id<SyncRun>,
    (state, why): (State, Option<&'static str>),
    (actor, request): (Actor, Option<RequestId>),
) -> Result<bool, DbError> {
    if !queries::settle(tx, id, (state, why), exchange.world.now()).await? {
        return Ok(false);
    }
    let Some(run) = queries::by_id(tx, id).await? else { return Ok(false) };
    if state == State::Done {
        exchange.sources.synced(tx, run.integration, exchange.world.now()).await?;
    }
    let act = match state {
        State::Cancelled => "sync.cancelled",
        _ => "sync.finished",
    };
    let outcome =
        if state == State::Failed { Outcome::Failed(why.unwrap_or("failed")) } else { Outcome::Done };
    let entry = Entry {
        organisation: Some(run.organisation),
        actor,
        act,
        subject: Subject::of(run.integration),
        outcome,
        request,
        details: told(&run),
    };
    audit::record(tx, &exchange.world, &entry).await?;
    tell(exchange, tx, &run, why).await?;
    Ok(true)
}

/// The integration's log and whoever subscribed hear of it.
async fn tell(
    exchange: &Exchange,
    tx: &mut Writer,
    run: &Run,
    why: Option<&'static str>,
) -> Result<(), DbError> {
    let (what, name) = match run.state {
        State::Failed => (What::SyncFailed, "sync.failed"),
        State::Cancelled => (What::SyncCancelled, "sync.cancelled"),
        State::Queued | State::Running | State::Done => (What::SyncCompleted, "sync.completed"),
    };
    let began = run.started_at.unwrap_or(run.created_at);
    let took = exchange.world.now().since(began);
    let line =
        Line::of(run.integration, what).because(why).about(run.id).took(took).with(run.counts.numbers());
    exchange.log.note_in(tx, line);
    let studies = exchange.sources.studies(tx, run.integration).await?;
    let Counts { received, stored, unchanged, quarantined, deleted } = run.counts;
    let event = Event {
        organisation: run.organisation,
        name,
        subject: write(run.integration),
        data: json!({
            "integration_id": write(run.integration),
            "job_id": write(run.id),
            "studies": studies,
            "sync_type": run.extent.as_str(),
            "report": {
                "received": received, "stored": stored, "unchanged": unchanged, "quarantined": quarantined,
                "deleted": deleted,
            },
            "reason": why,
        }),
    };
    ::jobs::publish(tx, &exchange.world, &event).await
}

fn told(run: &Run) -> serde_json::Value {
    let counts = run.counts;
    json!({
        "run": run.id.to_string(),
        "sync_type": run.extent.as_str(),
        "received": counts.received,
        "stored": counts.stored,
        "unchanged": counts.unchanged,
        "quarantined": counts.quarantined,
        "deleted": counts.deleted,
    })
}

/// The same as a unit of its own, in nobody's name.
pub(super) async fn ended(
    exchange: &Exchange,
    id: Id<SyncRun>,
    state: State,
    why: Option<&'static str>,
) -> Result<(), DbError> {
    let (own, db) = (exchange.clone(), exchange.db.clone());
    db.write(async move |tx: &mut Writer| {
        settle(&own, tx, id, (state, why), (Actor::System, None)).await.map(|_| ())
    })
    .await
}

/// Let a run end. One that is under way ends between two pages; what is stored by then stays, and a later run goes on from there.
///
/// # Errors
/// [`RunFault::Unknown`], [`RunFault::NotNow`].
pub async fn cancel(
    exchange: &Exchange,
    organisation: Id<Organisation>,
    id: Id<SyncRun>,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<(), RunFault> {
    let (own, db) = (exchange.clone(), exchange.db.clone());
    db.write(async move |tx: &mut Writer| {
        let run = queries::find(tx, organisation, id).await?.ok_or(RunFault::Unknown)?;
        if run.finished_at.is_some() {
            return Err(RunFault::NotNow);
        }
        match jobs::cancel(tx, run.job, own.world.now()).await? {
            Cancelled::Soon => Ok(()),
            Cancelled::Now | Cancelled::NotOpen => {
                let ended = (State::Cancelled, None);
                settle(&own, tx, id, ended, (actor, request.clone())).await?;
                Ok(())
            }
        }
    })
    .await
}
