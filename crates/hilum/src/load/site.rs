//! Codes of declared sites, and what their organisation has subscribed to.

use anyhow::{Context, bail};
use fhir::{
    By,
    site::{Assigned, Plan, Policy, SiteCode, Subscription, Switched, assign, subscribe},
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
    let validation = declared.validation.as_deref().map(str::parse).transpose().context("validation")?;
    let policy = validation.map(|validation| Policy { validation, ..Policy::default() });
    let packages = switched(house, declared)?;
    for (slug, code) in &declared.codes {
        if !declared.sites.contains_key(slug) {
            return Err(LoadFault::Unknown { what: "site", name: slug.clone() }.into());
        }
        let code = SiteCode::parse(code)
            .with_context(|| format!("codes.{slug} must be HC and five letters or digits"))?;
        let site: Id<Site> = id_of(&format!("{}/{slug}", declared.slug));
        let parameters = packages.as_ref().and_then(|switched| house.fhir.searched_by(switched));
        let wanted = Assigned { code: Some(code), policy, packages: packages.clone(), parameters };
        assign(&house.db, &house.world, &by, site, wanted).await.with_context(|| format!("codes.{slug}"))?;
    }
    if let Some(words) = &declared.subscriptions {
        let named = words.iter().map(|word| word.parse::<Subscription>().with_context(|| word.clone()));
        let plan: Plan = named.collect::<anyhow::Result<_>>().context("subscriptions")?;
        subscribe(&house.db, &house.world, &by, plan).await.context("subscriptions")?;
    }
    Ok(())
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
