//! Letting go of what has been kept for as long as it has to be.  45 CFR 164.316(b)(2)(i): six years

use std::{collections::BTreeSet, time::Duration};

use jobs::{JobFault, Retry};
use kernel::{EventRow, Id};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer};

use super::{Row, event, name::Part, narrow, queries, targets};
use crate::{
    Fhir,
    resource::Records,
    tenant::{self, Tenant},
};

/// How long audit events are kept where no longer time is set: six years, and a day for clocks that differ. The tables refuse to lose
/// younger ones.
pub const AUDIT_KEPT: Duration = Duration::from_hours(24 * 2_193);
/// How often what is older is looked for.
pub const AUDIT_RETIRED_EVERY: Duration = Duration::from_hours(24);
/// Rows that one transaction takes away.
pub const AUDIT_RETIRED_ROWS: i64 = 200;
/// Transactions for one site in one round; what is left waits for the next.
pub const AUDIT_RETIREMENTS_MAX: usize = 1_000;

/// Takes away what is older.
#[derive(Serialize, Deserialize)]
pub(super) struct Retire {}

impl jobs::Job for Retire {
    const NAME: &'static str = "fhir.audit.retire";
    const RETRY: Retry = Retry { attempts_max: 3, first_s: 30, max_s: 300, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _attempt: u32) -> Result<(), JobFault> {
        let kept = i64::try_from(fhir.audit_kept.as_millis()).unwrap_or(i64::MAX);
        let before = fhir.world.now().as_micros().div_euclid(1_000).saturating_sub(kept);
        if before <= 0 {
            return Ok(());
        }
        let (_, to) = narrow::ids(&(0..=before));
        for code in tenant::codes(&mut fhir.db.read().await?).await? {
            let Some(tenant) = tenant::by_code(&mut fhir.db.read().await?, &code).await? else { continue };
            for _ in 0..AUDIT_RETIREMENTS_MAX {
                if retire(fhir, &tenant, to).await? < AUDIT_RETIRED_ROWS {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The oldest rows up to an id are gone; how many.
async fn retire(fhir: &Fhir, tenant: &Tenant, to: Id<EventRow>) -> Result<i64, DbError> {
    let (records, tenant) = (fhir.records.clone(), tenant.clone());
    let unit = fhir.db.write(async move |tx: &mut Writer| {
        let rows = queries::oldest(tx, &tenant, to, AUDIT_RETIRED_ROWS).await?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        for row in rows {
            let id = row.id;
            let whose = whose(tx, &records, &tenant, &row).await?;
            for target in row.told(&tenant, &whose).targets {
                queries::forget_patient(tx, &tenant, target, id).await?;
            }
            queries::forget(tx, &tenant, id).await?;
        }
        Ok::<_, DbError>(count)
    });
    unit.await
}

/// The identities of the patients of all of a row's events.
async fn whose(
    tx: &mut Writer,
    records: &Records,
    tenant: &Tenant,
    row: &Row,
) -> Result<BTreeSet<i64>, DbError> {
    let (mut patients, mut part) = (BTreeSet::new(), Some(Part::default()));
    while let Some(from) = part {
        let (all, next) = event::of_row(tx, records, tenant, (row, from)).await?;
        patients.extend(all.into_iter().filter_map(|about| about.patient));
        part = next;
    }
    Ok(targets(tenant, &patients))
}
