//! Who gets what: the parts of the house, opened in order, and every family of routes with its dialect.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use auth::{Auth, udap::Communities};
use axum::{Extension, Router};
use broker::{Broker, Parts, credential::RefreshPolicy, provider::Catalogue};
use console::{Console, Languages};
use crypto::x509::Certificate;
use exchange::{Exchange, connector::PerSource};
use fhir::{Fhir, discovery::Discovery, package::Packages};
use jobs::Worker;
use kernel::World;
use store::{Db, MigrationSet, StoreConfig, StoreUrl};
use utoipa_axum::router::OpenApiRouter;
use vault::{RootKeySource, Vault};
use web::{
    AllowedOrigins, Authenticate, Dialect, Families, Guards, Health, Manners, Metrics, Quota, RateLimiter,
    Shutdown, TakesApiKeys, Tasks,
};

use crate::{
    config::{Config, Durability, FhirConfig, SelfRegistration},
    events::EVENT_TYPES,
    ports::{
        AuthClients, AuthPeople, AuthReach, AuthSites, BrokerIntegrations, BrokerSources, CatalogueRecipes,
        ExchangeSyncs, HeardOfIntegrations,
    },
    validate::{
        compiled::Compiled,
        packages::{self, Folders},
    },
};
use outbound::{Outbound, SystemLookup};
use watch::{Log, Watch};
use webhooks::Webhooks;

/// The tables of every crate, in the order in which they refer to one another.
pub const MIGRATIONS: [MigrationSet; 10] = [
    vault::MIGRATIONS,
    audit::MIGRATIONS,
    jobs::MIGRATIONS,
    auth::MIGRATIONS,
    broker::MIGRATIONS,
    fhir::MIGRATIONS,
    webhooks::MIGRATIONS,
    exchange::MIGRATIONS,
    watch::MIGRATIONS,
    watch::LOG_MIGRATIONS,
];

const TITLE: &str = "Hilum";
/// Connections that read logs by key.
const LOG_READERS: u16 = 4;

/// Everything that a command may need, opened.
pub struct House {
    /// The database.
    pub db: Db,
    /// The authorization server.
    pub auth: Auth,
    /// The broker.
    pub broker: Broker,
    /// Records of sites.
    pub fhir: Fhir,
    /// Events told to others.
    pub webhooks: Webhooks,
    /// Records of other systems.
    pub exchange: Exchange,
    /// What goes on with integrations.
    pub watch: Watch,
    /// Where everything is.
    pub discovery: Discovery,
    /// Tasks that shutdown waits for.
    pub tasks: Tasks,
    /// Begins when the process is told to stop.
    pub shutdown: Shutdown,
    /// Where requests are counted.
    pub limiter: RateLimiter,
    /// Calls a minute where a declared trust says nothing.
    pub calls_per_minute: u32,
    /// Time and chance.
    pub world: World,
}

/// Open the database.
///
/// # Errors
/// The settings, or a database that does not open.
pub async fn open_store(config: &Config) -> anyhow::Result<Db> {
    let url = store_url(config)?;
    let durability = match config.store.durability {
        Durability::Full => store::Durability::Full,
        Durability::Relaxed => store::Durability::Relaxed,
    };
    let settings = StoreConfig {
        durability,
        connections_max: config.store.connections_max,
        ..StoreConfig::new(url.clone())
    };
    Db::open(&settings).await.with_context(|| format!("opening the database {url}"))
}

/// Open the database of logs and numbers: on SQLite a file beside the other, `hilum.log.db`, so that neither keeps the other waiting.
///
/// # Errors
/// The settings, or a database that does not open.
pub async fn open_log_store(config: &Config, db: &Db) -> anyhow::Result<Db> {
    let Some(path) = config.store.url.expose().strip_prefix("sqlite:") else { return Ok(db.clone()) };
    open_logs(log_file(Path::new(path))).await
}

/// The file of logs and numbers beside that of a SQLite database.
pub fn log_file(database: &Path) -> PathBuf {
    database.with_extension("log.db")
}

/// Open a file of logs and numbers; it is made where there is none.
///
/// # Errors
/// A database that does not open.
pub async fn open_logs(file: PathBuf) -> anyhow::Result<Db> {
    let url = StoreUrl::sqlite(file);
    // The last lines before a power cut may be lost; what must not be is in the audit trail.
    let settings = StoreConfig {
        durability: store::Durability::Relaxed,
        connections_max: LOG_READERS,
        ..StoreConfig::new(url.clone())
    };
    let log_db = Db::open(&settings).await.with_context(|| format!("opening the logs {url}"))?;
    log_db.migrate(&[watch::LOG_MIGRATIONS]).await.context("migrating the logs")?;
    Ok(log_db)
}

/// Where the database is, fit to be shown.
///
/// # Errors
/// The setting is not a database URL.
pub fn store_url(config: &Config) -> anyhow::Result<StoreUrl> {
    Ok(StoreUrl::parse(config.store.url.expose())?)
}

/// Bring the database to this version's shape; the names of what was applied.
///
/// # Errors
/// The database, or a migration that was changed after it had been applied.
pub async fn migrate(db: &Db) -> anyhow::Result<Vec<String>> {
    db.migrate(&MIGRATIONS).await.context("migrating the database")
}

/// Open the vault with the root key of the settings.
///
/// # Errors
/// No key, a key that others can read, a wrong key.
pub async fn open_vault(config: &Config, db: &Db, world: &World) -> anyhow::Result<Vault> {
    let source = match &config.vault.root_key {
        Some(key) => RootKeySource::Env(key.clone()),
        None => RootKeySource::File(config.vault.root_key_file.clone()),
    };
    Vault::unlock(db, &source, world).await.context("unlocking the vault")
}

impl House {
    /// Open all parts on a migrated database.
    ///
    /// # Errors
    /// The first part that does not open, and why.
    pub async fn open(config: &Config, world: &World) -> anyhow::Result<Self> {
        let db = open_store(config).await?;
        migrate(&db).await?;
        let vault = open_vault(config, &db, world).await?;
        let limiter = match &config.redis.url {
            Some(url) => RateLimiter::redis(url, world).context("redis.url")?,
            None => RateLimiter::memory(world),
        };
        let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
        let outbound = outbound(config)?;
        let log_db = open_log_store(config, &db).await?;
        let log: Log = watch::open_log(&log_db, world, &tasks, &shutdown);
        let auth = Auth::open(auth::Parts {
            db: db.clone(),
            vault: vault.clone(),
            world: world.clone(),
            outbound: outbound.clone(),
            config: auth_config(config)?,
        })
        .await
        .context("opening auth")?;
        let fhir = Fhir::new(fhir::Parts {
            db: db.clone(),
            vault: vault.clone(),
            world: world.clone(),
            people: Arc::new(AuthReach(auth.clone())),
            sites: Arc::new(AuthSites(auth.clone())),
            outbound: outbound.clone(),
            packages: Arc::new(fhir_packages(config)?),
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
            issuer: auth.issuer().to_owned(),
            public_url: config.server.public_url.clone(),
            bundle_entries_max: config.fhir.bundle_entries_max,
            audit_kept: config.fhir.audit_kept(),
        });
        let broker = Broker::new(Parts {
            db: db.clone(),
            vault: vault.clone(),
            world: world.clone(),
            catalogue: catalogue(config)?,
            clients: Arc::new(AuthClients(auth.clone())),
            clients_channel: auth::client::CHANGED,
            people: Arc::new(AuthPeople(auth.clone())),
            syncs: Arc::new(ExchangeSyncs),
            log: log.clone(),
            limiter: limiter.clone(),
            outbound: outbound.clone(),
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
            public_url: config.server.public_url.clone(),
            refresh: RefreshPolicy::default(),
        });
        let webhooks = Webhooks::new(webhooks::Parts {
            db: db.clone(),
            vault: vault.clone(),
            world: world.clone(),
            outbound: outbound.clone(),
            event_types: EVENT_TYPES,
            recipes: Arc::new(CatalogueRecipes(catalogue(config)?)),
            heard: Arc::new(HeardOfIntegrations { broker: broker.clone(), log: log.clone() }),
            pace: webhooks::delivery::Pace::default(),
            tasks: tasks.clone(),
            shutdown: shutdown.clone(),
        });
        let exchange = Exchange::new(exchange::Parts {
            db: db.clone(),
            vault: vault.clone(),
            world: world.clone(),
            fhir: fhir.clone(),
            sources: Arc::new(BrokerSources {
                broker: broker.clone(),
                auth: auth.clone(),
                outbound,
                db: db.clone(),
                limiter: limiter.clone(),
                vault,
                world: world.clone(),
                tokens: PerSource::default(),
                files: PerSource::default(),
            }),
            log: log.clone(),
        });
        let watch = Watch::new(watch::Parts {
            db: db.clone(),
            log_db,
            world: world.clone(),
            integrations: Arc::new(BrokerIntegrations(broker.clone())),
            log,
            kept: config.integrations.log_kept(),
            mailer: config.mail.mailer().context("mail")?,
            shutdown: shutdown.clone(),
        });
        let calls_per_minute = config.integrations.calls_per_minute;
        Ok(Self {
            db,
            auth,
            broker,
            fhir,
            webhooks,
            exchange,
            watch,
            discovery: Discovery::default(),
            tasks,
            shutdown,
            limiter,
            calls_per_minute,
            world: world.clone(),
        })
    }

    /// What happens by itself.
    pub fn worker(&self) -> Worker {
        let worker = Worker::new(self.db.clone(), self.world.clone());
        let worker = broker::jobs(&self.broker, auth::jobs(&self.auth, worker));
        let worker = webhooks::jobs(&self.webhooks, fhir::jobs(&self.fhir, worker));
        watch::jobs(&self.watch, exchange::jobs(&self.exchange, worker))
    }

    /// The application: every family of routes, each in its dialect, with the manners around it.
    pub fn application(&self, config: &Config, metrics: &Metrics, health: Health) -> anyhow::Result<Router> {
        let pages = Dialect::Page(console::error_page);
        let Described { oauth, clients, integrations, managed, records, sites, discovery, api } =
            self.described();
        let api = web::openapi::titled(TITLE, env!("CARGO_PKG_VERSION"), api);
        self.discovery.settle(&api, config.server.public_url.as_str().trim_end_matches('/'));
        self.watch.log().show(metrics);
        let limits = &config.limits;
        // One count for everything, taken inside each family, so that each refuses in its own words.
        let all = ("all", Quota::per_minute(limits.requests_per_minute));
        let counted = || Guards::none().limited(&self.limiter, metrics, all);
        let authenticate: Arc<dyn Authenticate> = Arc::new(self.auth.clone());
        let origins: Arc<dyn AllowedOrigins> = Arc::new(self.auth.clone());
        let console = Console::new(console::Parts {
            auth: self.auth.clone(),
            broker: self.broker.clone(),
            fhir: self.fhir.clone(),
            webhooks: self.webhooks.clone(),
            managed: managed.clone(),
            db: self.db.clone(),
            world: self.world.clone(),
            config: console_config(config)?,
        });
        let token = ("token", Quota::per_minute(limits.token_per_minute));
        let tokens = counted().limited(&self.limiter, metrics, token).read_from(Arc::clone(&origins));
        let sign_in = ("sign-in", Quota::per_minute(limits.sign_in_per_minute));
        let entrance = counted().limited(&self.limiter, metrics, sign_in);
        let families = Families::new()
            .guarded(Dialect::OAuth, tokens, oauth)
            .guarded(Dialect::Meta, counted(), clients)
            .guarded(
                Dialect::Fhir,
                counted().read_from(Arc::clone(&origins)),
                records.layer(Extension(Arc::clone(&authenticate))),
            )
            .guarded(Dialect::ProblemJson, counted(), sites.layer(Extension(Arc::clone(&authenticate))))
            .guarded(Dialect::ProblemJson, counted(), discovery)
            .guarded(
                Dialect::ProblemJson,
                counted(),
                integrations.layer(Extension(Arc::clone(&authenticate))),
            )
            .guarded(
                Dialect::Int,
                counted(),
                managed.layer(Extension(authenticate)).layer(Extension(TakesApiKeys)),
            )
            .guarded(pages, counted(), auth::browser_routes(self.auth.clone()))
            .guarded(pages, counted(), broker::browser_routes(self.broker.clone()))
            .guarded(pages, entrance, console::entrance(console.clone()))
            .guarded(pages, counted(), console::routes(console.clone()))
            .guarded(pages, counted(), web::openapi::document(TITLE, env!("CARGO_PKG_VERSION"), api))
            .with(Dialect::ProblemJson, health.routes())
            .unmatched("/oauth2", Dialect::OAuth)
            .unmatched("/fhir", Dialect::Fhir)
            .unmatched("/admin/fhir", Dialect::ProblemJson)
            .guarded(Dialect::Int, counted(), webhooks::inbound::inbound_routes(self.webhooks.clone()))
            .unmatched("/webhooks/in", Dialect::Int)
            .unmatched("/api/v1/integrations", Dialect::Int)
            .unmatched("/integrations/v1", Dialect::ProblemJson);
        let families = auth::CLIENT_PATHS
            .into_iter()
            .fold(families, |families, path| families.unmatched(path, Dialect::Meta));
        let manners = Manners {
            world: self.world.clone(),
            public_url: config.server.public_url.clone(),
            trusted_proxies: config.server.proxies()?,
            client_certificates: config.server.tls_client_certificates.into(),
            metrics: metrics.clone(),
            numbered: &auth::CLIENT_PATHS,
            body_bytes_max: usize::try_from(config.server.body_bytes_max).unwrap_or(web::BODY_BYTES_MAX),
        };
        Ok(manners.around(console::in_language(&console, families.build(pages))))
    }

    /// Whether the database takes writes and the vault opens what it sealed.
    pub fn health(&self) -> Health {
        let db = self.db.clone();
        Health::new(&self.shutdown).check("store", move || {
            let db = db.clone();
            async move {
                let mut reader = db.read().await.map_err(|fault| fault.to_string())?;
                reader
                    .one::<(i64,)>("SELECT 1", store::binds![])
                    .await
                    .map(|_| ())
                    .map_err(|fault| fault.to_string())
            }
        })
    }

    /// Close the database when nobody works any more.
    pub async fn close(self) {
        const LAST_WORDS: Duration = Duration::from_secs(10);
        self.shutdown.begin();
        self.tasks.finish(LAST_WORDS).await;
        self.watch.log_db().clone().close().await;
        self.db.close().await;
    }
}

/// The described families, and the whole document.
struct Described {
    oauth: Router,
    clients: Router,
    integrations: Router,
    managed: Router,
    records: Router,
    sites: Router,
    discovery: Router,
    api: utoipa::openapi::OpenApi,
}

impl House {
    /// The families and the document come from the same routers, so that no endpoint is undocumented.
    fn described(&self) -> Described {
        let parts = |routes: OpenApiRouter| OpenApiRouter::new().merge(routes).split_for_parts();
        let (oauth, mut api) = parts(auth::routes(self.auth.clone()));
        api = web::openapi::with_errors(Dialect::OAuth, api);
        let mut family = |dialect, routes: OpenApiRouter| {
            let (router, described) = parts(routes);
            api.merge(web::openapi::with_errors(dialect, described));
            router
        };
        let clients = family(Dialect::Meta, auth::client_routes(self.auth.clone()));
        let integrations = family(Dialect::ProblemJson, broker::routes(self.broker.clone()));
        let (managed, described) = parts(
            broker::managed_routes(self.broker.clone())
                .merge(webhooks::routes(self.webhooks.clone()))
                .merge(exchange::routes(self.exchange.clone()))
                .merge(watch::routes(self.watch.clone())),
        );
        let described = web::openapi::with_api_keys(web::openapi::with_errors(Dialect::Int, described));
        let records = family(Dialect::Fhir, fhir::routes(self.fhir.clone()));
        let sites = family(Dialect::ProblemJson, fhir::admin_routes(self.fhir.clone()));
        let discovery = family(Dialect::ProblemJson, self.discovery.routes());
        api.merge(described);
        crate::examples::attach(&mut api);
        Described { oauth, clients, integrations, managed, records, sites, discovery, api }
    }

    /// The document that describes every endpoint.
    pub fn openapi(&self) -> utoipa::openapi::OpenApi {
        web::openapi::titled(TITLE, env!("CARGO_PKG_VERSION"), self.described().api)
    }
}

fn auth_config(config: &Config) -> anyhow::Result<auth::Config> {
    let tls_client_authorities = match &config.server.tls_client_authorities {
        Some(file) => {
            let pem = std::fs::read(file)
                .with_context(|| format!("server.tls_client_authorities: {}", file.display()))?;
            Certificate::all_from_pem(&pem).context("server.tls_client_authorities")?
        }
        None => Vec::new(),
    };
    let own = auth::Config::new(config.server.public_url.clone());
    let udap = match &config.udap.folder {
        Some(folder) => Communities::load(folder, own.base()).context("udap.folder")?,
        None => Communities::default(),
    };
    Ok(auth::Config {
        udap: Arc::new(udap),
        client_certificates: config.server.tls_client_certificates.into(),
        tls_client_authorities,
        dpop_nonce: config.tokens.dpop_nonce.into(),
        token_lifetime_s: u32::try_from(config.tokens.access_token_s)
            .unwrap_or(auth::client::TOKEN_LIFETIME_S_MAX),
        key_rotation: Duration::from_hours(24 * config.tokens.key_rotation_days),
        further_algorithms: config.tokens.further_algorithms.clone(),
        pkce_plain: config.tokens.pkce_plain,
        registration: config.clients.policy(),
        handover: console::handover,
        session_idle: Duration::from_secs(config.people.session_idle_s),
        session_absolute: Duration::from_secs(config.people.session_absolute_s),
        ..own
    })
}

/// What records are checked with: R4 as this binary carries it, and the packages of the settings.
fn fhir_packages(config: &Config) -> anyhow::Result<Packages> {
    let FhirConfig { packages_folder, packages, .. } = &config.fhir;
    if packages_folder.is_none() && packages.is_empty() {
        return Ok(Packages::r4());
    }
    let folders: Vec<_> = packages_folder.iter().cloned().collect();
    packages::are_there(&folders).context("fhir.packages_folder")?;
    let folders = Folders::new(folders, Compiled::default());
    let loaded = packages::load(packages, folders).context("fhir.packages")?;
    for note in &loaded.notes {
        tracing::warn!(note, "loading FHIR packages");
    }
    Ok(Packages::new(loaded.library.packages().to_vec()))
}

fn catalogue(config: &Config) -> anyhow::Result<Catalogue> {
    let built_in = Catalogue::built_in().context("reading the catalogue of providers")?;
    match &config.integrations.providers_folder {
        Some(folder) => built_in.with_folder(folder).context("integrations.providers_folder"),
        None => Ok(built_in),
    }
}

fn outbound(config: &Config) -> anyhow::Result<Outbound> {
    let named = config.integrations.allow_internal.iter().map(|text| text.parse()).collect::<Result<_, _>>();
    let named = named.context("integrations.allow_internal")?;
    Outbound::new(named, Arc::new(SystemLookup)).context("setting up outgoing calls")
}

fn console_config(config: &Config) -> anyhow::Result<console::Config> {
    let self_registration = match config.people.self_registration {
        SelfRegistration::Open => console::SelfRegistration::Open,
        SelfRegistration::Closed => console::SelfRegistration::Closed,
    };
    let languages = match &config.pages.languages_folder {
        Some(folder) => Languages::with_folder(folder).context("pages.languages_folder")?,
        None => Languages::built_in(),
    };
    Ok(console::Config { self_registration, languages })
}
