//! Finding an integration, ready to use.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Id, Integration as IntegrationKind, Secret};

use super::{
    Integration, IntegrationFault,
    queries::{self, IntegrationRow},
};
use crate::{
    Broker,
    credential::{ClientProof, places},
};

impl Broker {
    /// The integration of this slug, enabled or not.
    ///
    /// # Errors
    /// [`IntegrationFault`], when it cannot be told whether there is one, or it cannot be used.
    pub async fn integration_by_slug(
        &self,
        slug: &str,
    ) -> Result<Option<Arc<Integration>>, IntegrationFault> {
        let load = async {
            let mut reader = self.db.read().await?;
            let row = queries::by_slug(&mut reader, slug).await?;
            drop(reader);
            match row {
                Some(row) => self.made_ready(row).await.map(Some),
                None => Ok(None),
            }
        };
        self.integrations.get(&slug.to_owned(), self.world.now(), load).await
    }

    /// The integration of this slug, if people can link at it.
    pub(crate) async fn enabled_integration(&self, slug: &str) -> Result<Arc<Integration>, IntegrationFault> {
        let found = self.integration_by_slug(slug).await?;
        found.filter(|integration| integration.enabled).ok_or(IntegrationFault::Unknown)
    }

    pub(crate) async fn integration_of(
        &self,
        id: Id<IntegrationKind>,
    ) -> Result<Arc<Integration>, IntegrationFault> {
        let mut reader = self.db.read().await?;
        let row = queries::by_id(&mut reader, id).await?;
        drop(reader);
        Ok(Arc::new(self.made_ready(row.ok_or(IntegrationFault::Unknown)?).await?))
    }

    /// All integrations, by slug, disabled ones too.
    ///
    /// # Errors
    /// [`IntegrationFault`], when they cannot be told.
    pub async fn integrations_all(&self) -> Result<Vec<Arc<Integration>>, IntegrationFault> {
        let slugs = self.db.scan(async move |tx: &mut store::Reader| queries::slugs(tx).await).await?;
        let mut all = Vec::new();
        for (slug,) in slugs {
            match self.integration_by_slug(&slug).await {
                Ok(found) => all.extend(found),
                // One that a changed catalogue has broken must not hide the others.
                Err(fault) => tracing::error!(slug, %fault, "an integration cannot be used"),
            }
        }
        Ok(all)
    }

    async fn made_ready(&self, row: IntegrationRow) -> Result<Integration, IntegrationFault> {
        let known = self.catalogue.get(&row.provider);
        let provider = known.ok_or_else(|| IntegrationFault::UnknownProvider(row.provider.clone()))?;
        let environment = row.settings.get("environment").map(String::as_str);
        let provider = Arc::new(provider.in_environment(environment)?.into_owned());
        let mut stated: Vec<(String, Secret<String>)> =
            row.settings.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        stated.extend(self.secret_settings(row.id, row.organisation).await?);
        let settings = provider.settings(stated)?;
        let api = provider.api.as_ref().and_then(|api| api.base_url.as_ref().or(api.fhir_base_url.as_ref()));
        Ok(Integration {
            id: row.id,
            organisation: row.organisation,
            slug: row.slug,
            name: row.name,
            // An optional setting may be missing: then there is no API to call.
            api_base: api.and_then(|base| base.fill(&settings).ok()),
            provider,
            client_id: row.client_id,
            settings,
            scopes: row.scopes,
            enabled: row.enabled,
            version: row.version,
        })
    }

    async fn secret_settings(
        &self,
        id: Id<IntegrationKind>,
        organisation: Id<kernel::Organisation>,
    ) -> Result<BTreeMap<String, Secret<String>>, IntegrationFault> {
        let mut reader = self.db.read().await?;
        let sealed = queries::secret(&mut reader, id, "settings").await?;
        drop(reader);
        let Some(sealed) = sealed else { return Ok(BTreeMap::new()) };
        let plain = self.vault.tenant(organisation).await?.open(places::settings(id), &sealed)?;
        serde_json::from_slice(plain.expose()).map_err(|_| IntegrationFault::Catalogue("settings"))
    }

    /// What proves this deployment at the integration's third party.
    pub(crate) async fn client_proof(
        &self,
        integration: &Integration,
    ) -> Result<ClientProof, IntegrationFault> {
        let vault = self.vault.tenant(integration.organisation).await?;
        let mut reader = self.db.read().await?;
        let secret = queries::secret(&mut reader, integration.id, "client_secret").await?;
        let key = queries::secret(&mut reader, integration.id, "private_key").await?;
        drop(reader);
        let secret = secret.map(|sealed| vault.open_text(places::client_secret(integration.id), &sealed));
        let key = key.map(|sealed| vault.open(places::private_key(integration.id), &sealed));
        Ok(ClientProof {
            client_id: integration.client_id.clone(),
            secret: secret.transpose()?,
            private_key: key.transpose()?,
        })
    }
}
