//! Codes of declared sites, and what their organisation has subscribed to.

use anyhow::{Context, bail};
use fhir::{
    By,
    site::{Assigned, BreakGlass, Plan, Policy, SiteCode, Subscription, Switched, assign, subscribe},
};
use kernel::{Id, Organisation, Site};

use super::{LoadFault, OrganisationDeclared, id_of};
use crate::wire::House;

/// Declare codes and subscriptions.
pub(super) async fn declare(
    house: &House,
    organisation: Id<Organisation>,
    declared: &OrganisationDeclared,
) -> anyhow::Result<()> {
    let by = By::system(organisation);
    let packages = switched(house, declared)?;
    let break_glass = declared.break_glass.as_deref().map(BreakGlass::new).transpose();
    let break_glass = break_glass.map_err(|wrong| {
        let words: Vec<String> = wrong.iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
        anyhow::anyhow!("{}", words.join("; "))
    })?;
    for (slug, code) in &declared.codes {
        if !declared.sites.contains_key(slug) {
            return Err(LoadFault::Unknown { what: "site", name: slug.clone() }.into());
        }
        let code = SiteCode::parse(code)
            .with_context(|| format!("codes.{slug} must be HC and five letters or digits"))?;
        let site: Id<Site> = id_of(&format!("{}/{slug}", declared.slug));
        let parameters = packages.as_ref().and_then(|switched| house.fhir.searched_by(switched));
        let policy = policy(house, organisation, (site, declared)).await?;
        let (packages, break_glass) = (packages.clone(), break_glass.clone());
        let wanted = Assigned { code: Some(code), policy, packages, parameters, break_glass };
        assign(&house.db, &house.world, &by, site, wanted).await.with_context(|| format!("codes.{slug}"))?;
    }
    if let Some(words) = &declared.subscriptions {
        let named = words.iter().map(|word| word.parse::<Subscription>().with_context(|| word.clone()));
        let plan: Plan = named.collect::<anyhow::Result<_>>().context("subscriptions")?;
        subscribe(&house.db, &house.world, &by, plan).await.context("subscriptions")?;
    }
    Ok(())
}

/// How a site takes what is written: as it is, but for what is said; nothing where nothing is.
async fn policy(
    house: &House,
    organisation: Id<Organisation>,
    (site, declared): (Id<Site>, &OrganisationDeclared),
) -> anyhow::Result<Option<Policy>> {
    let (validation, upsert, consent) = (&declared.validation, &declared.upsert, &declared.consent);
    if validation.is_none() && upsert.is_none() && consent.is_none() {
        return Ok(None);
    }
    let there = house.fhir.sites_of(organisation).await.context("sites")?;
    let before = there.into_iter().find(|(named, _)| named.id == site).and_then(|(_, coded)| coded);
    let mut policy = before.map(|coded| coded.policy).unwrap_or_default();
    if let Some(word) = validation {
        policy.validation = word.parse().context("validation")?;
    }
    if let Some(word) = upsert {
        policy.upsert = word.parse().context("upsert")?;
    }
    if let Some(word) = consent {
        policy.consent = word.parse().context("consent")?;
    }
    Ok(Some(policy))
}

/// What the sites validate with; nothing where nothing is said.
fn switched(house: &House, declared: &OrganisationDeclared) -> anyhow::Result<Option<Switched>> {
    if declared.packages.is_none() && declared.profiles.is_empty() {
        return Ok(None);
    }
    let ids =
        |names: &Vec<String>| names.iter().map(|name| name.parse().with_context(|| name.clone())).collect();
    let packages = declared.packages.as_ref().map(ids).transpose().context("packages")?;
    let profiles = declared.profiles.iter().map(|profile| profile.as_str().into()).collect();
    let switched = Switched { packages, profiles };
    match switched.faults(house.fhir.packages()).first() {
        None => Ok(Some(switched)),
        Some(issue) => bail!("{}: {}", issue.path, issue.message),
    }
}
