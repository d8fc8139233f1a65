//! Bringing a deployment in line with its declarations, in the order in which they refer to one another.

use auth::{Acting, organisation::Named};
use kernel::{Id, Organisation, Site, Study};

use super::{
    Declarations, OrganisationDeclared, Report, api_key, application, id_of, integration, person, site,
    upstream,
};
use crate::wire::House;

/// Declare everything. Repeating it changes nothing.
///
/// # Errors
/// The declaration at fault, by its name, and what is wrong with it. What came before it is in place.
pub async fn declare(house: &House, declared: &Declarations) -> anyhow::Result<Report> {
    let acting = organisation(house, &declared.organisation).await?;
    for person in &declared.people {
        person::declare(house, &acting, person).await?;
    }
    for encounter in &declared.encounters {
        person::declare_encounter(house, &acting, encounter).await?;
    }
    for client in &declared.clients {
        application::declare(house, &acting, client).await?;
    }
    site::declare(house, acting.organisation, &declared.organisation).await?;
    let mut api_keys = Vec::new();
    for key in &declared.api_keys {
        api_keys.push(api_key::declare(house, &acting, key).await?);
    }
    for provider in &declared.upstreams {
        upstream::declare(house, &acting, provider).await?;
    }
    for integration in &declared.integrations {
        integration::declare(house, &acting, integration).await?;
    }
    for trust in &declared.trusts {
        integration::declare_trust(house, &acting, trust).await?;
    }
    Ok(Report {
        people: declared.people.len(),
        clients: declared.clients.len(),
        integrations: declared.integrations.len(),
        trusts: declared.trusts.len(),
        api_keys,
    })
}

/// The organisation with its sites and studies.
async fn organisation(house: &House, declared: &OrganisationDeclared) -> anyhow::Result<Acting> {
    let id: Id<Organisation> = id_of(&declared.slug);
    let acting = Acting::system(id);
    let named = Named { id: Some(id), slug: declared.slug.clone(), name: declared.name.clone() };
    auth::organisation::create(&house.auth, &acting, &named).await?;
    let key = |slug: &str| format!("{}/{slug}", declared.slug);
    let mut sites = Vec::new();
    for (slug, name) in &declared.sites {
        let named = Named { id: Some(id_of::<Site>(&key(slug))), slug: slug.clone(), name: name.clone() };
        sites.push(auth::organisation::add_site(&house.auth, &acting, &named).await?.id);
    }
    for (slug, name) in &declared.studies {
        let named = Named { id: Some(id_of::<Study>(&key(slug))), slug: slug.clone(), name: name.clone() };
        auth::organisation::add_study(&house.auth, &acting, &named, &sites).await?;
    }
    Ok(acting)
}
