//! Declared integrations, and what clients may do with them.

use anyhow::Context;
use auth::Acting;
use broker::{By, integration::IntegrationIn, trust::Terms};
use kernel::Scopes;

use super::{IntegrationDeclared, LoadFault, TrustDeclared};
use crate::wire::House;

pub(super) async fn declare(
    house: &House,
    acting: &Acting,
    declared: &IntegrationDeclared,
) -> anyhow::Result<()> {
    let name = || format!("integration `{}`", declared.id);
    let new = IntegrationIn {
        slug: declared.id.clone(),
        provider: declared.provider.clone(),
        name: declared.name.clone(),
        client_id: declared.client_id.clone(),
        client_secret: declared.client_secret.clone(),
        private_key: declared.private_key.clone(),
        settings: declared.settings.clone(),
        scopes: declared.scopes.as_deref().map(str::parse).transpose().with_context(name)?,
        enabled: true,
    };
    house
        .broker
        .set_up_integration(acting.organisation, &new, &By::system())
        .await
        .map(|_| ())
        .with_context(name)
}

pub(super) async fn declare_trust(
    house: &House,
    acting: &Acting,
    declared: &TrustDeclared,
) -> anyhow::Result<()> {
    let name = || format!("trust of `{}` for `{}`", declared.client, declared.integration);
    let client = auth::client::live_by_client_id(&house.auth, &declared.client).await?;
    let client = client.filter(|client| client.organisation == acting.organisation);
    let client =
        client.ok_or_else(|| LoadFault::Unknown { what: "client", name: declared.client.clone() })?;
    let terms = Terms {
        actions: declared.actions.clone(),
        proxy: declared.proxy.iter().map(|rule| rule.parse()).collect::<Result<_, _>>().with_context(name)?,
        scopes: Scopes::none(),
        rate_per_minute: declared.calls_per_minute.unwrap_or(house.calls_per_minute),
    };
    let organisation = acting.organisation;
    house
        .broker
        .grant_trust(organisation, client.id, &declared.integration, terms, &By::system())
        .await
        .with_context(name)
}
