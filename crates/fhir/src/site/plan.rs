//! What an organisation has subscribed to.  Contract 3 "subscription"

use audit::Subject;
use kernel::{Id, Organisation};
use serde_json::json;
use store::Db;

use super::{CHANGED, Plan, SiteFault, Subscription, queries};
use crate::By;

/// The plan of an organisation.
///
/// # Errors
/// The database.
pub async fn plan(db: &Db, organisation: Id<Organisation>) -> Result<Plan, SiteFault> {
    Ok(queries::plan(&mut db.read().await?, organisation).await?)
}

/// Let the organisation have this plan from now on. One audit row tells what came and what went; asked for again, nothing
/// changes.
///
/// # Errors
/// The database.
pub async fn subscribe(db: &Db, world: &kernel::World, by: &By, wanted: Plan) -> Result<Plan, SiteFault> {
    let (world, by) = (world.clone(), by.clone());
    db.write(async move |tx| {
        let before = queries::plan(tx, by.organisation).await?;
        let added: Vec<Subscription> = wanted.but(&before).collect();
        let removed: Vec<Subscription> = before.but(&wanted).collect();
        for subscription in &added {
            queries::add(tx, by.organisation, *subscription, world.now()).await?;
        }
        for subscription in &removed {
            queries::take_away(tx, by.organisation, *subscription).await?;
        }
        if before != wanted {
            let words = |all: &[Subscription]| -> Vec<&str> { all.iter().map(|one| one.as_str()).collect() };
            let details = json!({"added": words(&added), "removed": words(&removed)});
            audit::record(tx, &world, &by.did("fhir_plan.changed", Subject::of(by.organisation), details))
                .await?;
            tx.publish(CHANGED, "").await?;
        }
        Ok(wanted.clone())
    })
    .await
}
