//! What syncs draw from: integrations as the broker keeps them.

use std::sync::Arc;

use broker::{
    Broker,
    managed::{Credentials, Kind, Managed, Status, TestStatus},
};
use exchange::{
    About, Source, SourceFault, Sources, Tested, ToTest,
    connector::fhir::{FhirServer, SignIn},
};
use futures_util::{FutureExt, future::BoxFuture};
use kernel::{Id, Integration, Secret, Timestamp};
use outbound::Outbound;
use serde_json::Value;
use store::{DbError, Writer};

/// Integrations of the broker, and the way to what is behind them.
pub struct BrokerSources {
    /// Where they are kept.
    pub broker: Broker,
    /// The way out.
    pub outbound: Outbound,
}

fn fault(cause: impl std::error::Error + Send + Sync + 'static) -> SourceFault {
    SourceFault(Box::new(cause))
}

impl BrokerSources {
    async fn live(&self, id: Id<Integration>) -> Result<Option<Managed>, SourceFault> {
        let found = self.broker.managed(id).await.map_err(fault)?;
        Ok(found.filter(|found| found.status != Status::Archived))
    }

    async fn opened(&self, id: Id<Integration>) -> Result<Option<(Managed, Credentials)>, SourceFault> {
        let found = self.broker.managed_with_credentials(id).await;
        let found = found.map_err(|_| SourceFault("its credentials cannot be opened".into()))?;
        Ok(found.filter(|(found, _)| found.status != Status::Archived))
    }

    /// The way to it, or why there is none.
    fn source(&self, of: &Managed, credentials: &Credentials) -> Result<Source, &'static str> {
        match of.kind {
            Kind::Fhir => self.fhir(of, credentials),
            _ => Err("systems of this type cannot be pulled from yet"),
        }
    }

    fn fhir(&self, of: &Managed, credentials: &Credentials) -> Result<Source, &'static str> {
        let text = |name: &str| of.config.get(name).and_then(Value::as_str);
        let site = text("site_id").and_then(|text| text.parse().ok());
        let site = site.ok_or("config.site_id names no site that records come into")?;
        let base = text("base_url").and_then(|text| text.parse().ok());
        let base = base.ok_or("config.base_url is no address")?;
        let types = of.config.get("resource_types").and_then(Value::as_array).into_iter().flatten();
        let types: Vec<String> = types.filter_map(Value::as_str).map(str::to_owned).collect();
        if types.is_empty() {
            return Err("config.resource_types names nothing to pull");
        }
        let sign_in = sign_in(text("auth_type").unwrap_or_default(), credentials)?;
        let server = FhirServer::new(self.outbound.clone(), base, types, sign_in);
        let page_records = of.config.get("page_size").and_then(Value::as_u64);
        let server = match page_records.and_then(|records| u32::try_from(records).ok()) {
            Some(records) => server.by(records),
            None => server,
        };
        Ok(Source { organisation: of.organisation, site, connector: Arc::new(server) })
    }
}

fn sign_in(auth_type: &str, credentials: &Credentials) -> Result<SignIn, &'static str> {
    let get = |name: &str, missing: &'static str| -> Result<Secret<String>, &'static str> {
        credentials.get(name).cloned().ok_or(missing)
    };
    match auth_type {
        "none" => Ok(SignIn::Open),
        "bearer" => Ok(SignIn::Bearer(get("token", "credentials.token is not set")?)),
        "basic" => Ok(SignIn::Basic {
            name: get("username", "credentials.username is not set")?.expose().clone(),
            password: get("password", "credentials.password is not set")?,
        }),
        _ => Err("config.auth_type: this way of signing in cannot be used for syncs yet"),
    }
}

impl Sources for BrokerSources {
    fn about(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, SourceFault>> {
        async move {
            let found = self.live(integration).await?;
            Ok(found.map(|found| About { organisation: found.organisation, studies: found.studies }))
        }
        .boxed()
    }

    fn of(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<Source>, SourceFault>> {
        async move {
            let found = self.opened(integration).await?;
            let found = found.filter(|(found, _)| found.status == Status::Active);
            Ok(found.and_then(|(found, credentials)| self.source(&found, &credentials).ok()))
        }
        .boxed()
    }

    fn to_test(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<ToTest>, SourceFault>> {
        async move {
            let found = self.opened(integration).await?;
            Ok(found.map(|(found, credentials)| ToTest {
                version: found.version,
                source: self.source(&found, &credentials),
            }))
        }
        .boxed()
    }

    fn tested<'a>(
        &'a self,
        tx: &'a mut Writer,
        (integration, version): (Id<Integration>, i64),
        at: Timestamp,
        how: Tested,
    ) -> BoxFuture<'a, Result<bool, DbError>> {
        let how = match how {
            Tested::Success => TestStatus::Success,
            Tested::Warning => TestStatus::Warning,
            Tested::Error => TestStatus::Error,
        };
        broker::managed::tested(tx, integration, version, at, how).boxed()
    }

    fn synced<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        broker::managed::synced(tx, integration, at).boxed()
    }

    fn due<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
        next: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        broker::managed::due(tx, integration, next).boxed()
    }
}
