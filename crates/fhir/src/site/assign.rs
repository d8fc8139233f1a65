//! Giving a site its code, and how it takes what is written.

use audit::Subject;
use kernel::{Id, World};
use serde_json::{Value, json};
use store::{Db, Writer};

use super::{
    BreakGlass, CHANGED, Policy, SiteCode, SiteFault, Switched,
    queries::{self, Terms},
};
use crate::{
    By,
    reindex::{self, Wanted},
    tenant,
};

/// How often a code is drawn before it is given up: with a million sites, four are taken one time in 300,000.
const DRAWS_MAX: usize = 8;

/// What a site is to have.
#[derive(Debug, Clone, Default)]
pub struct Assigned {
    /// Its code; one is drawn where none is said.
    pub code: Option<SiteCode>,
    /// How it takes what is written; as it is, where nothing is said.
    pub policy: Option<Policy>,
    /// What it validates with, which is there; as it is, where nothing is said.
    pub packages: Option<Switched>,
    /// What its packages say that it is searched by; as it is, where nothing is said.
    pub parameters: Option<Vec<Wanted>>,
    /// Who may ask past what patients withhold; as it is, where nothing is said.
    pub break_glass: Option<BreakGlass>,
}

/// A site as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// The site.
    pub site: Id<kernel::Site>,
    /// What callers name it by.
    pub code: SiteCode,
    /// How it takes what is written.
    pub policy: Policy,
    /// What it validates with.
    pub packages: Switched,
    /// Who may ask past what patients withhold.
    pub break_glass: BreakGlass,
}

impl Coded {
    pub(super) fn of(terms: Terms) -> Self {
        let Terms { site, code, policy, packages, break_glass, .. } = terms;
        Self { site, code, policy, packages, break_glass }
    }
}

/// Give a site of the organisation its code, or change how it takes what is written. A code stays for good: records are kept
/// under it. Asked for again, nothing changes. Whether the site is the organisation's is the caller's to know.
///
/// # Errors
/// [`SiteFault::Taken`], [`SiteFault::HasCode`].
pub async fn assign(
    db: &Db,
    world: &World,
    by: &By,
    site: Id<kernel::Site>,
    wanted: Assigned,
) -> Result<Coded, SiteFault> {
    let (world, by) = (world.clone(), by.clone());
    db.write(async move |tx| {
        let before = queries::of_site(tx, by.organisation, site).await?;
        match (&before, &wanted.code) {
            (Some(there), Some(code)) if there.code != *code => return Err(SiteFault::HasCode),
            (Some(_), _) => {}
            (None, code) => {
                let code = free(tx, &world, code.clone()).await?;
                tenant::open(tx, &world, by.organisation, site, code.as_str()).await?;
            }
        }
        let there = queries::of_site(tx, by.organisation, site).await?.ok_or(SiteFault::NoSite)?;
        let policy = wanted.policy.unwrap_or(there.policy);
        let packages = wanted.packages.clone().map_or_else(|| there.packages.clone(), Switched::sorted);
        let break_glass = wanted.break_glass.clone().unwrap_or_else(|| there.break_glass.clone());
        if (policy, &packages, &break_glass) != (there.policy, &there.packages, &there.break_glass) {
            let terms = (policy, &packages, &break_glass);
            queries::set_policy(tx, there.tenant, terms, world.now()).await?;
        }
        if let Some(parameters) = &wanted.parameters {
            reindex::settle(tx, &world, there.tenant, parameters).await?;
        }
        let now = queries::of_site(tx, by.organisation, site).await?.ok_or(SiteFault::NoSite)?;
        if before.as_ref() != Some(&now) {
            let act = if before.is_some() { "fhir_site.changed" } else { "fhir_site.assigned" };
            audit::record(tx, &world, &by.did(act, Subject::of(site), details(&now))).await?;
            tx.publish(CHANGED, now.code.as_str()).await?;
        }
        Ok(Coded::of(now))
    })
    .await
}

fn details(terms: &Terms) -> Value {
    json!({
        "code": terms.code.as_str(),
        "validation": terms.policy.validation.as_str(),
        "upsert": terms.policy.upsert.as_str(),
        "packages": terms.packages.packages_kept(),
        "profiles": terms.packages.profiles,
        "consent": terms.policy.consent.as_str(),
        "break_glass": terms.break_glass.names().len(),
    })
}

async fn free(tx: &mut Writer, world: &World, said: Option<SiteCode>) -> Result<SiteCode, SiteFault> {
    if let Some(code) = said {
        return if queries::is_taken(tx, &code).await? { Err(SiteFault::Taken) } else { Ok(code) };
    }
    for _ in 0..DRAWS_MAX {
        let drawn = SiteCode::draw(world);
        if !queries::is_taken(tx, &drawn).await? {
            return Ok(drawn);
        }
    }
    Err(SiteFault::NoneFree)
}
