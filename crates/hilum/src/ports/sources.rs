//! What syncs draw from: integrations as the broker keeps them.

mod api;
mod edc;
mod fhir;
mod files;
mod linked;
mod sign_in;

use std::sync::Arc;

use auth::Auth;
use broker::{
    Broker,
    managed::{Credentials, Kind, Managed, Status},
};
use exchange::{
    About, Source, SourceFault, Sources, ToTest,
    connector::{
        Connector, Paced, PerSource, SignIn, Way,
        budget::SharedBudget,
        fhir::{bulk::Reading, declared as headers},
        files::declared,
        rest,
        sign_in::Token,
        subjects::mapping,
    },
};
use futures_util::{FutureExt, future::BoxFuture};
use kernel::{Id, Integration, Issue, Secret, Site, Study, Timestamp, World};
use outbound::Outbound;
use serde_json::{Map, Value};
use store::{Db, DbError, Writer};
use url::Url;
use vault::{TenantVault, Vault};
use watch::TestStatus;
use web::RateLimiter;

/// Integrations of the broker, and the way to what is behind them.
pub struct BrokerSources {
    /// Where they are kept.
    pub broker: Broker,
    /// Who people are.
    pub auth: Auth,
    /// The way out.
    pub outbound: Outbound,
    /// Where pauses of sources are kept.
    pub db: Db,
    /// Where calls are counted.
    pub limiter: RateLimiter,
    /// The keys: of ids that mappings make.
    pub vault: Vault,
    /// Time and chance.
    pub world: World,
    /// Tokens of sources, while they are good.
    pub tokens: PerSource<Token>,
    /// Files of exports that are being read.
    pub files: PerSource<Reading>,
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
    async fn source(
        &self,
        of: &Managed,
        credentials: &Credentials,
    ) -> Result<Result<Source, &'static str>, SourceFault> {
        let vault = self.vault.tenant(of.organisation).await.map_err(fault)?;
        let asked = Asked { sources: self, of, credentials, vault };
        let connector = match of.kind {
            Kind::Fhir => fhir::connector(&asked),
            Kind::Api => api::connector(&asked),
            Kind::Sftp => files::sftp(&asked),
            Kind::CloudStorage => files::bucket(&asked),
            Kind::Edc => edc::connector(&asked),
            _ => Err("systems of this type cannot be pulled from yet"),
        };
        let source = |connector| Ok(Source { organisation: of.organisation, site: asked.site()?, connector });
        Ok(connector.and_then(source))
    }
}

/// What is wrong with a configuration that its schema cannot tell.
pub(super) fn issues(kind: Kind, config: &Map<String, Value>) -> Vec<Issue> {
    match kind {
        Kind::Api => rest::declared(config).err().unwrap_or_default(),
        Kind::Sftp | Kind::CloudStorage => declared(config).err().unwrap_or_default(),
        Kind::Fhir => headers(config).err().unwrap_or_default(),
        Kind::Edc => mapping(config).err().unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// What a connector is made of.
struct Asked<'a> {
    sources: &'a BrokerSources,
    of: &'a Managed,
    credentials: &'a Credentials,
    vault: TenantVault,
}

type Made = Result<Arc<dyn Connector>, &'static str>;

impl Asked<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.of.config.get(name).and_then(Value::as_str)
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.of.config.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
    }

    fn site(&self) -> Result<Id<Site>, &'static str> {
        let site = self.text("site_id").and_then(|text| text.parse().ok());
        site.ok_or("config.site_id names no site that records come into")
    }

    fn base(&self) -> Result<Url, &'static str> {
        self.text("base_url").and_then(|text| text.parse().ok()).ok_or("config.base_url is no address")
    }

    fn credential(&self, name: &str, missing: &'static str) -> Result<Secret<String>, &'static str> {
        self.credentials.get(name).cloned().ok_or(missing)
    }

    /// The way there, signed as `config.auth_type` says.
    fn way(&self) -> Result<Way, &'static str> {
        sign_in::of(self).map(|sign_in| self.way_by(sign_in))
    }

    /// The same, signed so.
    fn way_by(&self, sign_in: SignIn) -> Way {
        Way::new(self.paced(), sign_in)
    }

    /// The way out, within the integration's budget.
    fn paced(&self) -> Paced {
        let declared = self.of.config.get("budget");
        let budget = SharedBudget {
            db: self.sources.db.clone(),
            world: self.sources.world.clone(),
            limiter: self.sources.limiter.clone(),
            integration: self.of.id,
            calls_per_second: declared.and_then(|budget| budget.get("calls_per_second")?.as_f64()),
            calls_at_once: declared.and_then(|budget| budget.get("calls_at_once")?.as_u64()?.try_into().ok()),
        };
        Paced::new(self.sources.outbound.clone(), self.sources.world.clone()).within(Arc::new(budget))
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
            let Some((found, credentials)) = found else { return Ok(None) };
            Ok(self.source(&found, &credentials).await?.ok())
        }
        .boxed()
    }

    fn to_test(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<ToTest>, SourceFault>> {
        async move {
            let found = self.opened(integration).await?;
            let Some((found, credentials)) = found else { return Ok(None) };
            let source = self.source(&found, &credentials).await?;
            Ok(Some(ToTest { version: found.version, source }))
        }
        .boxed()
    }

    fn tested<'a>(
        &'a self,
        tx: &'a mut Writer,
        (integration, version): (Id<Integration>, i64),
        at: Timestamp,
        how: TestStatus,
    ) -> BoxFuture<'a, Result<bool, DbError>> {
        broker::managed::tested(tx, integration, version, at, how).boxed()
    }

    fn studies<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
    ) -> BoxFuture<'a, Result<Vec<Id<Study>>, DbError>> {
        broker::managed::studies_of(tx, integration).boxed()
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
