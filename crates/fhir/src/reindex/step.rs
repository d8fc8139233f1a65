//! A bounded number of records, in the turn of their site: nobody writes to it meanwhile, and searches go on.

use std::collections::BTreeSet;

use serde_json::json;
use store::{DbError, Writer};

use super::{REINDEX_RECORDS, queries};
use crate::{
    By, Fhir,
    parameter::{ParameterId, ResourceType, Standing},
    resource::{index_anew, versions_at},
    site::CHANGED,
    tenant::{self, Tenant},
};

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// There is more.
    On,
    /// That was the last record.
    Through,
    /// The parameters were changed again, or another has done it.
    Overtaken,
}

pub(super) async fn step(fhir: &Fhir, (number, generation): (i64, i64)) -> Result<Stepped, DbError> {
    let owned = fhir.clone();
    fhir.db
        .write_in_turn(number, async move |tx: &mut Writer| {
            let way = queries::way(tx, number).await?;
            let Some(way) = way.filter(|way| way.is_running && way.generation == generation) else {
                return Ok(Stepped::Overtaken);
            };
            let Some(tenant) = tenant::by_number(tx, number).await? else { return Ok(Stepped::Overtaken) };
            let types = tenant.added().moving_types();
            let of = types.iter().copied().find(|of| i64::from(of.number()) >= way.of);
            let Some(of) = of else {
                finish(tx, &owned, &tenant).await?;
                return Ok(Stepped::Through);
            };
            let place = if i64::from(of.number()) == way.of { way.place } else { -1 };
            walk(tx, &owned, &tenant, of, (place, way.horizon)).await?;
            Ok::<_, DbError>(Stepped::On)
        })
        .await
}

async fn walk(
    tx: &mut Writer,
    fhir: &Fhir,
    tenant: &Tenant,
    of: ResourceType,
    (place, horizon): (i64, i64),
) -> Result<(), DbError> {
    let rows = i64::try_from(REINDEX_RECORDS).unwrap_or(i64::MAX);
    let places = queries::places(tx, tenant, of, (place, horizon, rows)).await?;
    let versions = versions_at(tx, tenant, &places).await?;
    let ids = |standing| tenant.added().that_are(standing).into_iter().collect::<BTreeSet<ParameterId>>();
    let (coming, leaving) = (ids(Standing::Building), ids(Standing::Leaving));
    index_anew(tx, &fhir.records, tenant, &versions, (&coming, &leaving)).await?;
    let looked = i64::try_from(places.len()).unwrap_or(i64::MAX);
    let next = match places.last() {
        Some(last) if looked == rows => (i64::from(of.number()), last.number(), looked),
        _ => (i64::from(of.number()) + 1, -1, looked),
    };
    queries::went(tx, tenant.number(), next, fhir.world.now()).await
}

async fn finish(tx: &mut Writer, fhir: &Fhir, tenant: &Tenant) -> Result<(), DbError> {
    queries::finish(tx, tenant.number(), fhir.world.now()).await?;
    queries::change(tx, tenant.number()).await?;
    let by = By::system(tenant.organisation());
    let details = json!({ "parameters": tenant.added().that_are(Standing::Building).len() });
    audit::record(
        tx,
        &fhir.world,
        &by.did("fhir_site.reindexed", audit::Subject::of(tenant.site()), details),
    )
    .await?;
    tx.publish(CHANGED, "").await
}
