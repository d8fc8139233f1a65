//! Two sites of one deployment: the one is asked over HTTP, through a proxy that makes trouble; the records come into the other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Extension;
use exchange::{
    About, Exchange, Source, SourceFault, Sources, ToTest,
    connector::{
        Connector, Paced, SignIn, Way,
        fhir::{FhirServer, bulk::Bulk},
    },
    run::{self, Extent, Run},
};
use fhir::{
    By, Context, Fhir, NamedSite, Parts, People, PortFault, Sites, Standing, Still, Tenant,
    access::Sight,
    consent::Who,
    package::Packages,
    parameter::ResourceType,
    resource::{Absent, Author, Condition, Draft, LogicalId, Method},
    site::{Assigned, Plan, Policy, SiteCode, Subscription, Validation, assign, subscribe},
    tenant,
};
use futures_util::future::{BoxFuture, ready};
use http::HeaderValue;
use jobs::Worker;
use kernel::{Actor, Caller, Grants, Id, Integration, Organisation, Secret, Site, Study, Timestamp, World};
use outbound::{Outbound, SystemLookup};
use store::{Db, DbError, Writer, binds};
use testkit::{FaultProxy, MockClock, SeededEntropy};
use tokio::task::JoinSet;
use vault::{RootKeySource, Vault};
use watch::TestStatus;
use web::{AuthFault, Authenticate, Dialect, Manners, Metrics, Networks, Presented, Shutdown, Tasks};

pub const THERE: &str = "HCSOUTH";
pub const HERE: &str = "HCNORTH";
pub const INTEGRATION: Id<Integration> = Id::from_bytes([9; 16]);
pub const STUDY: Id<Study> = Id::from_bytes([8; 16]);

pub fn organisation(nth: u8) -> Id<Organisation> {
    Id::from_bytes([nth; 16])
}
fn site(nth: u8) -> Id<Site> {
    Id::from_bytes([100 + nth; 16])
}

struct Everybody;

impl Authenticate for Everybody {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let caller = (presented.token == "open").then(|| Caller {
            organisation: organisation(2),
            client: Id::from_bytes([50; 16]),
            person: None,
            scopes: "system/*.rs".parse().unwrap(),
            grants: Grants::none(),
            token: Id::from_bytes([1; 16]),
        });
        Box::pin(ready(caller.ok_or(AuthFault::Invalid)))
    }
}

struct Nobody;

impl People for Nobody {
    fn context<'a>(&'a self, _: &'a Caller, _: &'a str) -> BoxFuture<'a, Result<Context, PortFault>> {
        let context =
            Context { patient: None, sight: Sight::Site, origin: String::new(), who: Who::default() };
        Box::pin(ready(Ok(context)))
    }
    fn standing<'a>(&'a self, _: &'a Caller, _: &'a str) -> BoxFuture<'a, Result<Option<Sight>, PortFault>> {
        Box::pin(ready(Ok(Some(Sight::Site))))
    }
    fn still<'a>(&'a self, _: &'a Standing) -> BoxFuture<'a, Result<Option<Still>, PortFault>> {
        Box::pin(ready(Ok(None)))
    }
}

impl Sites for Nobody {
    fn of(&self, _: Id<Organisation>) -> BoxFuture<'_, Result<Vec<NamedSite>, PortFault>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

/// What is written down of the one integration.
pub struct Book {
    pub version: i64,
    pub tested: Option<TestStatus>,
    pub synced: Option<Timestamp>,
    pub due: Option<Timestamp>,
}

struct One(Source, Arc<Mutex<Book>>);

impl Sources for One {
    fn about(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, SourceFault>> {
        let about = About { organisation: self.0.organisation, studies: Vec::new() };
        Box::pin(ready(Ok((integration == INTEGRATION).then_some(about))))
    }

    fn of(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<Source>, SourceFault>> {
        Box::pin(ready(Ok((integration == INTEGRATION).then(|| self.0.clone()))))
    }

    fn to_test(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<ToTest>, SourceFault>> {
        let to_test = ToTest { version: 1, source: Ok(self.0.clone()) };
        Box::pin(ready(Ok((integration == INTEGRATION).then_some(to_test))))
    }

    fn tested<'a>(
        &'a self,
        _: &'a mut Writer,
        (_, version): (Id<Integration>, i64),
        _: Timestamp,
        how: TestStatus,
    ) -> BoxFuture<'a, Result<bool, DbError>> {
        let mut book = self.1.lock().unwrap();
        let counts = book.version == version;
        book.tested = counts.then_some(how);
        Box::pin(ready(Ok(counts)))
    }

    fn studies<'a>(
        &'a self,
        _: &'a mut Writer,
        _: Id<Integration>,
    ) -> BoxFuture<'a, Result<Vec<Id<Study>>, DbError>> {
        Box::pin(ready(Ok(vec![STUDY])))
    }

    fn synced<'a>(
        &'a self,
        _: &'a mut Writer,
        _: Id<Integration>,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        self.1.lock().unwrap().synced = Some(at);
        Box::pin(ready(Ok(())))
    }

    fn due<'a>(
        &'a self,
        _: &'a mut Writer,
        _: Id<Integration>,
        next: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        self.1.lock().unwrap().due = next;
        Box::pin(ready(Ok(())))
    }
}

pub struct Stage {
    pub db: Db,
    pub clock: MockClock,
    pub proxy: FaultProxy,
    pub exchange: Exchange,
    pub book: Arc<Mutex<Book>>,
    fhir: Fhir,
    full: Full,
    _serving: JoinSet<()>,
    _folder: tempfile::TempDir,
}

/// How the other site is pulled from when everything is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Full {
    Search,
    Export,
}

impl Stage {
    pub async fn new(db: Db, seed: u64) -> Self {
        Self::wrapped(db, seed, |honest| honest).await
    }

    /// With another connector, perhaps one that is made of the honest one.
    pub async fn wrapped(
        db: Db,
        seed: u64,
        wrap: impl FnOnce(Arc<dyn Connector>) -> Arc<dyn Connector>,
    ) -> Self {
        Self::built(db, (seed, Full::Search), |honest, _| wrap(honest)).await
    }

    /// With another source than the site over there.
    pub async fn sourced(db: Db, make: impl FnOnce(&World) -> Arc<dyn Connector>) -> Self {
        Self::built(db, (1, Full::Search), |_, world| make(world)).await
    }

    pub async fn exporting(db: Db, seed: u64) -> Self {
        Self::built(db, (seed, Full::Export), |honest, _| honest).await
    }

    async fn built(
        db: Db,
        (seed, full): (u64, Full),
        wrap: impl FnOnce(Arc<dyn Connector>, &World) -> Arc<dyn Connector>,
    ) -> Self {
        let (world, clock) = testkit::world();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("root.key");
        Vault::create_root_key_file(&key, &world).unwrap();
        let vault = Vault::unlock(&db, &RootKeySource::File(key), &world).await.unwrap();
        for (nth, code) in [(1, HERE), (2, THERE)] {
            let policy = Policy { validation: Validation::Off, ..Policy::default() };
            let wanted =
                Assigned { code: SiteCode::parse(code), policy: Some(policy), ..Assigned::default() };
            let by = By::system(organisation(nth));
            assign(&db, &world, &by, site(nth), wanted).await.unwrap();
            let plan: Plan = [Subscription::Base, Subscription::Clinical].into_iter().collect();
            subscribe(&db, &world, &by, plan).await.unwrap();
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = FaultProxy::open(listener.local_addr().unwrap(), seed, 0).await;
        let base: url::Url = format!("http://{}", proxy.address).parse().unwrap();
        let allowed = [proxy.address.to_string().parse().unwrap()].into_iter().collect();
        let outbound = Outbound::new(allowed, Arc::new(SystemLookup)).unwrap();
        let fhir = Fhir::new(Parts {
            db: db.clone(),
            vault: vault.clone(),
            world: world.clone(),
            people: Arc::new(Nobody),
            sites: Arc::new(Nobody),
            outbound: outbound.clone(),
            packages: Arc::new(Packages::r4()),
            tasks: Tasks::new(),
            shutdown: Shutdown::new(),
            issuer: "https://hilum.example/oauth2".to_owned(),
            public_url: base.clone(),
            bundle_entries_max: fhir::bundle::ENTRIES_MAX,
            audit_kept: Duration::from_secs(6 * 365 * 86_400),
        });
        let (records, _) = fhir::routes(fhir.clone()).split_for_parts();
        let authenticate: Arc<dyn Authenticate> = Arc::new(Everybody);
        let manners = Manners {
            world: world.clone(),
            public_url: base.clone(),
            trusted_proxies: Networks::default(),
            client_certificates: web::ClientCertificates::default(),
            metrics: Metrics::new(),
            numbered: &[],
            body_bytes_max: web::BODY_BYTES_MAX,
        };
        let app = manners.around(web::family(Dialect::Fhir, records).layer(Extension(authenticate)));
        let mut serving = JoinSet::new();
        serving.spawn(async move { drop(axum::serve(listener, app).await) });
        let types = ["Patient", "Observation"].map(str::to_owned).to_vec();
        let sign_in = SignIn::Bearer(Secret::new("open".to_owned()));
        let paced = Paced::new(outbound, world.clone());
        let server = FhirServer::new(Way::new(paced, sign_in), base.join("/fhir").unwrap(), types)
            .by(20)
            .saying([("su-siteid".parse().unwrap(), HeaderValue::from_static(THERE))].into_iter().collect());
        let server = match full {
            Full::Search => server,
            Full::Export => server.exporting(Bulk {
                group: None,
                page_lines: 20,
                world: World::new(clock.clone(), SeededEntropy::new(2)),
                open: Arc::default(),
            }),
        };
        let source = Source {
            organisation: organisation(1),
            site: site(1),
            connector: wrap(Arc::new(server), &world),
        };
        let book = Arc::new(Mutex::new(Book { version: 1, tested: None, synced: None, due: None }));
        let exchange = Exchange::new(exchange::Parts {
            db: db.clone(),
            vault,
            // Another process than the one that fills the source: ids must differ.
            world: World::new(clock.clone(), SeededEntropy::new(1)),
            fhir: fhir.clone(),
            sources: Arc::new(One(source, Arc::clone(&book))),
            log: watch::open_log(&db, &world, &Tasks::new(), &Shutdown::new()),
        });
        Self { db, clock, proxy, exchange, book, fhir, full, _serving: serving, _folder: folder }
    }

    /// What the organisation may have from now on; what was remembered of it is over.
    pub async fn subscribe(&self, plan: &[Subscription]) {
        let by = By::system(organisation(1));
        subscribe(&self.db, &self.exchange.world, &by, plan.iter().copied().collect()).await.unwrap();
        self.clock.advance(Duration::from_secs(60));
    }

    pub fn clock_now(&self) -> Timestamp {
        self.exchange.world.now()
    }

    pub fn worker(&self) -> Worker {
        let worker =
            exchange::jobs(&self.exchange, Worker::new(self.db.clone(), self.exchange.world.clone()));
        // The other site writes its exports by jobs.
        match self.full {
            Full::Search => worker,
            Full::Export => fhir::jobs(&self.fhir, worker),
        }
    }

    async fn tenant(&self, code: &str) -> Tenant {
        tenant::by_code(&mut self.db.read().await.unwrap(), code).await.unwrap().unwrap()
    }

    /// Writes a record at a site.
    pub async fn put(&self, at: &str, of: &str, id: &str, rest: &str) {
        let text = format!(r#"{{"resourceType":"{of}","id":"{id}"{rest}}}"#);
        let draft = Draft::parse(&text, id.parse().unwrap()).unwrap();
        let how = (Absent::Create, Condition::default());
        let (tenant, author) = (self.tenant(at).await, Author::system());
        self.fhir.records().update(&tenant, &author, (draft, Method::Put), how).await.unwrap();
        self.clock.advance(Duration::from_millis(3));
    }

    pub async fn patients(&self, at: &str, from: usize, to: usize) {
        for nth in from..to {
            let rest = format!(r#","name":[{{"family":"F{nth}"}}]"#);
            self.put(at, "Patient", &format!("p{nth:04}"), &rest).await;
        }
    }

    pub async fn delete(&self, at: &str, of: &str, id: &str) {
        let which = (ResourceType::named(of).unwrap(), id.parse().unwrap());
        let (tenant, author) = (self.tenant(at).await, Author::system());
        self.fhir.records().delete(&tenant, &author, which, Condition::default()).await.unwrap();
    }

    pub async fn begin(&self, extent: Extent) -> Run {
        let of = (organisation(1), INTEGRATION);
        run::begin(&self.exchange, of, extent, (Actor::System, None)).await.unwrap()
    }

    pub async fn now(&self, run: &Run) -> Run {
        let mut reader = self.db.read().await.unwrap();
        run::find(&mut reader, organisation(1), run.id).await.unwrap().unwrap()
    }

    /// The run, once it has come to its end.
    pub async fn ended(&self, run: Run) -> Run {
        for _ in 0..400 {
            self.worker().run_due().await.unwrap();
            let now = self.now(&run).await;
            if now.finished_at.is_some() {
                return now;
            }
            self.clock.advance(Duration::from_secs(901));
        }
        panic!("the run does not come to an end");
    }

    /// What a site has: of each record what it says beside its `meta`, and in which version.
    pub async fn records(&self, at: &str) -> BTreeMap<String, (String, i64)> {
        let tenant = self.tenant(at).await;
        let sql = "SELECT c.id, c.version FROM fhir_current AS c JOIN fhir_site AS s ON s.tenant = c.tenant \
                   WHERE s.code = $1 AND c.deleted = 0";
        let rows: Vec<(LogicalId, i64)> = self.db.read().await.unwrap().all(sql, binds![at]).await.unwrap();
        let mut all = BTreeMap::new();
        for (id, version) in rows {
            for of in ["Patient", "Observation"] {
                let named = ResourceType::named(of).unwrap();
                let read = self.fhir.records().read(&tenant, named, &id).await.unwrap();
                if let Some(body) = read.and_then(|read| read.body) {
                    let mut value: serde_json::Value = serde_json::from_str(body.as_str()).unwrap();
                    value.as_object_mut().unwrap().remove("meta");
                    all.insert(format!("{of}/{id}"), (value.to_string(), version));
                }
            }
        }
        all
    }

    /// What the report of a run and the records of both sites have against one another.
    pub async fn differences(&self, run: &Run) -> Vec<String> {
        let counts = run.counts;
        let mut told = Vec::new();
        if counts.received != counts.stored + counts.unchanged + counts.quarantined + counts.deleted {
            told.push(format!("the report does not add up: {counts:?}"));
        }
        let texts = |all: BTreeMap<String, (String, i64)>| -> BTreeMap<String, String> {
            all.into_iter().map(|(name, (text, _))| (name, text)).collect()
        };
        let (here, there) = (texts(self.records(HERE).await), texts(self.records(THERE).await));
        let missing = there.iter().filter(|(name, text)| here.get(*name) != Some(text));
        told.extend(missing.map(|(name, _)| format!("{name} is not as it is there")));
        told.extend(
            here.keys().filter(|name| !there.contains_key(*name)).map(|name| format!("{name} is too many")),
        );
        told
    }
}

/// One test for each engine, on a database with every table.
macro_rules! on_sync {
    (async fn $name:ident($db:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name($db: store::Db) $body,
            migrations = [
                audit::MIGRATIONS,
                vault::MIGRATIONS,
                jobs::MIGRATIONS,
                fhir::MIGRATIONS,
                exchange::MIGRATIONS,
                watch::LOG_MIGRATIONS
            ]
        );
    };
}
pub(crate) use on_sync;
