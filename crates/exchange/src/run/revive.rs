//! A job that has failed for good runs again, and the run that it goes on with is open again with it.

use ::jobs::{Job, Work};
use audit::{Entry, Outcome, Subject};
use kernel::{Actor, Id, Organisation, RequestId};
use serde_json::json;
use store::{DbError, Writer};

use super::{RunFault, go::Sync, queries};
use crate::Exchange;

/// Let a job of this organisation run again that has failed for good: the same row, with all its attempts before it. What it is then.
///
/// # Errors
/// [`RunFault::Unknown`] where it is no dead letter of the organisation; [`RunFault::UnderWay`] where other work of the same sort is under way;
/// [`RunFault::NotNow`] where its sync has gone on without it.
pub async fn revive(
    exchange: &Exchange,
    organisation: Id<Organisation>,
    id: Id<kernel::Job>,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<Work, RunFault> {
    let (own, db) = (exchange.clone(), exchange.db.clone());
    let revived = db.write(async move |tx: &mut Writer| {
        let found = jobs::find(tx, id).await?.filter(|work| work.owner == Some(organisation));
        let Some(work) = found.filter(|work| work.state == jobs::State::Dead) else {
            return Err(RunFault::Unknown);
        };
        // Two jobs must not go on with one run, and a run that has ended is not gone on with.
        if work.name == Sync::NAME {
            let run = queries::ended_with(tx, organisation, id).await?.ok_or(RunFault::NotNow)?;
            if !queries::reopen(tx, run, id).await? {
                return Err(RunFault::NotNow);
            }
        }
        if !jobs::replay(tx, id, own.world.now()).await? {
            return Err(RunFault::Unknown);
        }
        let entry = Entry {
            organisation: Some(organisation),
            actor,
            act: "job.replayed",
            subject: Subject::of(id),
            outcome: Outcome::Done,
            request: request.clone(),
            details: json!({"name": work.name, "replays": work.replays.saturating_add(1)}),
        };
        audit::record(tx, &own.world, &entry).await?;
        jobs::find(tx, id).await?.ok_or(RunFault::Unknown)
    });
    match revived.await {
        Err(RunFault::Db(DbError::Unique { .. })) => Err(RunFault::UnderWay),
        other => other,
    }
}
