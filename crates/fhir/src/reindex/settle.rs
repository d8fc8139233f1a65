//! What a site is to be searched by, against what it is searched by.

use kernel::World;
use store::{DbError, Writer};

use super::{queries, run::Reindex};
use crate::{
    Fhir,
    package::{Packages, SetFault, Verdict},
    parameter::{Definition, Registry, Standing},
    site::Switched,
};

/// Sites that are looked at together.
const SITES_AT_ONCE: i64 = 500;

/// A parameter that a site is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whose it is.
    pub package: String,
    /// What it selects.
    pub definition: Definition,
}

/// What the packages that a site has switched on say.
///
/// # Errors
/// A package that is not there.
pub(crate) fn wanted(
    packages: &Packages,
    switched: &Switched,
    r4: &Registry,
) -> Result<Vec<Wanted>, SetFault> {
    let offered = packages.parameters(switched.chosen(), r4)?;
    let wanted = offered.iter().filter_map(|one| match &one.verdict {
        Verdict::Added(definition) => {
            Some(Wanted { package: one.package.to_string(), definition: definition.clone() })
        }
        Verdict::Known | Verdict::Refused(_) => None,
    });
    Ok(wanted.collect())
}

/// Let a site have these parameters beside R4's and no others. Where it has records the work is put down with it.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn settle(
    tx: &mut Writer,
    world: &World,
    tenant: i64,
    wanted: &[Wanted],
) -> Result<(), DbError> {
    let kept = queries::kept(tx, tenant).await?;
    let (leaving, coming) = moves(&kept, wanted);
    if leaving.is_empty() && coming.is_empty() {
        return Ok(());
    }
    let (generation, horizon) = queries::change(tx, tenant).await?;
    let is_empty = horizon.number() == 0;
    for number in leaving {
        queries::turn(tx, (tenant, number), if is_empty { "gone" } else { "leaving" }).await?;
    }
    let mut number = queries::newest_number(tx, tenant).await?;
    for one in coming {
        number += 1;
        if u16::try_from(number).is_err() {
            return Err(DbError::Corrupt {
                why: "a site has had more search parameters than there are numbers".into(),
            });
        }
        let state = if is_empty { "ready" } else { "building" };
        queries::add(tx, (tenant, number), (&one.package, &one.definition), state).await?;
    }
    if !is_empty {
        queries::begin(tx, (tenant, generation), horizon, world.now()).await?;
        Reindex { tenant, generation }.put_down(tx, world).await?;
    }
    Ok(())
}

/// What goes, and what comes in.
fn moves<'w>(kept: &[queries::Kept], wanted: &'w [Wanted]) -> (Vec<i64>, Vec<&'w Wanted>) {
    let stays: Vec<&queries::Kept> = kept.iter().filter(|own| own.standing != Standing::Leaving).collect();
    let is_wanted = |own: &queries::Kept| wanted.iter().any(|one| one.definition == own.definition);
    let is_there = |one: &Wanted| stays.iter().any(|own| own.definition == one.definition);
    let leaving = stays.iter().filter(|own| !is_wanted(own)).map(|own| own.number).collect();
    (leaving, wanted.iter().filter(|one| !is_there(one)).collect())
}

/// Let every site have what its packages say now: at a start, when this deployment may have others than before.
pub(crate) async fn reconcile(fhir: Fhir) {
    if let Err(fault) = reconciled(&fhir).await {
        tracing::warn!(%fault, "the search parameters of sites could not be compared with their packages");
    }
}

pub(super) async fn reconciled(fhir: &Fhir) -> Result<(), DbError> {
    let mut behind = 0;
    loop {
        let sites = queries::sites(&mut fhir.db.read().await?, (behind, SITES_AT_ONCE)).await?;
        for (tenant, packages) in &sites {
            behind = *tenant;
            let switched = Switched::read(packages.as_deref(), "");
            let Ok(wanted) = wanted(&fhir.packages, &switched, &fhir.registry) else {
                tracing::warn!(
                    tenant,
                    "a package that a site has switched on is not loaded: its search parameters stay"
                );
                continue;
            };
            let kept = queries::kept(&mut fhir.db.read().await?, *tenant).await?;
            if moves(&kept, &wanted) == (Vec::new(), Vec::new()) {
                continue;
            }
            let (world, tenant) = (fhir.world.clone(), *tenant);
            let settled =
                fhir.db.write(async move |tx: &mut Writer| settle(tx, &world, tenant, &wanted).await);
            let settled: Result<(), DbError> = settled.await;
            settled?;
        }
        if sites.len() < usize::try_from(SITES_AT_ONCE).unwrap_or(usize::MAX) {
            fhir.shelf.forget();
            return Ok(());
        }
    }
}
