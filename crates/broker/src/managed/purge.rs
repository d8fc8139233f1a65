//! An administrator removes an archived integration for good, once nothing stands in the way.

use std::time::Duration;

use audit::{Outcome, Subject};
use kernel::{Issue, Kind as Sort, Permission, Timestamp};
use serde_json::json;
use store::Writer;
use web::Problem;

use super::{Managed, Status, change, door::Asking, queries};
use crate::Broker;

/// For how long an archived integration is kept at the least.
pub const RETENTION: Duration = Duration::from_hours(24 * 365 * 2);

/// What stands in the way, each with what would mend it.
fn missing(there: &Managed, dependents: i64, reason: Option<&str>, now: Timestamp) -> Vec<Issue> {
    let mut missing = Vec::new();
    match (there.status, there.archived_at) {
        (Status::Archived, Some(at)) if now >= at + RETENTION => {}
        (Status::Archived, Some(at)) => {
            missing.push(Issue::at("archived_at", format!("is kept until {}", at + RETENTION)));
        }
        _ => missing.push(Issue::at("status", "must be archived first")),
    }
    if dependents > 0 {
        missing.push(Issue::at("connections", "people's accounts or clients' leaves hang on it"));
    }
    if reason.is_none() {
        missing.push(Issue::at("X-Change-Reason", "must say why"));
    }
    missing
}

impl Broker {
    pub(super) async fn purge(
        &self,
        asking: &Asking,
        id: &str,
        reason: Option<String>,
    ) -> Result<(), Problem> {
        let (world, asking, id) = (self.world.clone(), asking.clone(), id.to_owned());
        self.db
            .write(async move |tx: &mut Writer| -> Result<(), Problem> {
                let there = asking.find(tx, &id, Permission::Purge).await?;
                let dependents = queries::dependents(tx, there.id).await?;
                let missing = missing(&there, dependents, reason.as_deref(), world.now());
                if !missing.is_empty() {
                    let problem = Problem::new(Sort::Conflict, "the integration cannot be purged yet");
                    return Err(problem.with_issues(missing));
                }
                queries::purge(tx, there.id).await?;
                let details = json!({ "version": there.version, "has_reason": true });
                let entry = asking.by().did(
                    there.organisation,
                    change::PURGED.0,
                    Subject::of(there.id),
                    Outcome::Done,
                    details,
                );
                audit::record(tx, &world, &entry).await?;
                Ok(())
            })
            .await
    }
}
