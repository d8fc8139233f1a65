//! A run is asked for: by somebody, by the clock, or again.

use ::jobs::{enqueue_of, publish};
use audit::{Entry, Outcome, Subject};
use kernel::{Actor, Event, Id, Integration, Organisation, RequestId};
use serde_json::json;
use store::{DbError, Writer};
use watch::{Line, What};

use super::{Extent, Run, RunFault, State, SyncRun, go::Sync, queries};
use crate::{Exchange, api::id::write};

/// Begin a run of an integration that is active, unless one is under way.
///
/// # Errors
/// [`RunFault::Unknown`], [`RunFault::NotActive`], [`RunFault::UnderWay`].
pub async fn begin(
    exchange: &Exchange,
    (organisation, integration): (Id<Organisation>, Id<Integration>),
    extent: Extent,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<Run, RunFault> {
    let about = exchange.sources.about(integration).await?;
    about.filter(|about| about.organisation == organisation).ok_or(RunFault::Unknown)?;
    exchange.sources.of(integration).await?.ok_or(RunFault::NotActive)?;
    let (own, db) = (exchange.clone(), exchange.db.clone());
    let begun = db.write(async move |tx: &mut Writer| {
        let (id, now) = (own.world.new_id::<SyncRun>(), own.world.now());
        let job = enqueue_of(tx, &own.world, organisation, &Sync { run: id }, now).await?;
        queries::insert(tx, (id, integration, organisation), (job, extent), now).await?;
        let details = json!({"run": id.to_string(), "sync_type": extent.as_str()});
        let entry = Entry {
            organisation: Some(organisation),
            actor,
            act: "sync.begun",
            subject: Subject::of(integration),
            outcome: Outcome::Done,
            request: request.clone(),
            details,
        };
        audit::record(tx, &own.world, &entry).await?;
        let studies = own.sources.studies(tx, integration).await?;
        let event = Event {
            organisation,
            name: "sync.begun",
            subject: write(integration),
            data: json!({
                "integration_id": write(integration),
                "job_id": write(id),
                "studies": studies,
                "sync_type": extent.as_str(),
            }),
        };
        publish(tx, &own.world, &event).await?;
        own.log.note_in(tx, Line::of(integration, What::SyncBegun).because(extent.as_str()).about(id));
        queries::by_id(tx, id).await
    });
    match begun.await {
        Ok(run) => run.ok_or(RunFault::Unknown),
        Err(DbError::Unique { .. }) => Err(RunFault::UnderWay),
        Err(fault) => Err(fault.into()),
    }
}

/// Let a run go on that has failed or was ended, from where it was.
///
/// # Errors
/// [`RunFault::Unknown`], [`RunFault::NotNow`], [`RunFault::UnderWay`].
pub async fn retry(
    exchange: &Exchange,
    organisation: Id<Organisation>,
    id: Id<SyncRun>,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<Run, RunFault> {
    let found = queries::find(&mut exchange.db.read().await?, organisation, id).await?;
    let run = found.ok_or(RunFault::Unknown)?;
    if !matches!(run.state, State::Failed | State::Cancelled) {
        return Err(RunFault::NotNow);
    }
    exchange.sources.of(run.integration).await?.ok_or(RunFault::NotActive)?;
    let (own, db) = (exchange.clone(), exchange.db.clone());
    let reopened = db.write(async move |tx: &mut Writer| {
        let job = enqueue_of(tx, &own.world, organisation, &Sync { run: id }, own.world.now()).await?;
        if !queries::reopen(tx, id, job).await? {
            return Err(DbError::Conflict);
        }
        let entry = Entry {
            organisation: Some(organisation),
            actor,
            act: "sync.retried",
            subject: Subject::of(run.integration),
            outcome: Outcome::Done,
            request: request.clone(),
            details: json!({"run": id.to_string()}),
        };
        audit::record(tx, &own.world, &entry).await?;
        own.log.note_in(tx, Line::of(run.integration, What::SyncRetried).about(id));
        queries::by_id(tx, id).await
    });
    match reopened.await {
        Ok(run) => run.ok_or(RunFault::Unknown),
        Err(DbError::Unique { .. }) => Err(RunFault::UnderWay),
        Err(DbError::Conflict) => Err(RunFault::NotNow),
        Err(fault) => Err(fault.into()),
    }
}
