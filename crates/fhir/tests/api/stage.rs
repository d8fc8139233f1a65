//! A deployment in miniature: the routes, two organisations with a site each, callers that are what their token says.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Extension, Router, body::Body};
use fhir::{
    By, Context, Fhir, NamedSite, Parts, People, PortFault, Sites, Standing, Still,
    access::Sight,
    audit_event::AUDIT_KEPT,
    consent::Who,
    package::Packages,
    site::{
        Assigned, Consents, Plan, Policy, SiteCode, Subscription, Switched, Validation, assign, subscribe,
    },
};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request};
use jobs::Worker;
use kernel::{Caller, Client, Id, Organisation, Person, Scopes, Site, World};
use outbound::{InternalHost, Outbound, SystemLookup};
use serde_json::{Value, json};
use store::Db;
use testkit::{MockClock, SeededEntropy};
use tower::ServiceExt;
use validator::Package;
use vault::{RootKeySource, Vault};
use web::{AuthFault, Authenticate, Dialect, Manners, Metrics, Networks, Presented, Shutdown, Tasks};

pub const NORTH: &str = "HCNORTH";
pub const NORTH_TWO: &str = "HCNORT2";
pub const SOUTH: &str = "HCSOUTH";
/// Sites of the third organisation.
pub const TWINS: u8 = 20;
pub const BASE: &str = "https://hilum.example/fhir";

pub fn organisation(nth: u8) -> Id<Organisation> {
    Id::from_bytes([nth; 16])
}
pub fn site(nth: u8) -> Id<Site> {
    Id::from_bytes([100 + nth; 16])
}

/// `<organisation>~<scopes, with , between>~<patient>~<patients of the person, with , between>`: without a fourth word, no
/// person; with `site` a practitioner. Behind a `|` stands the record that the caller is, and behind others the purposes of use.
struct Bearers;

fn words(token: &str) -> Option<(u8, String, Option<String>, Option<String>)> {
    let (token, _) = token.split_once('|').unwrap_or((token, ""));
    let mut words = token.split('~');
    let number = words.next()?.parse().ok()?;
    let scopes = words.next().unwrap_or_default().replace(',', " ");
    let some = |word: Option<&str>| word.filter(|word| !word.is_empty()).map(str::to_owned);
    Some((number, scopes, some(words.next()), some(words.next())))
}

/// Tokens have few characters.
pub fn token(organisation: u8, scopes: &str, patient: &str, sight: &str) -> String {
    token_of(organisation, scopes, patient, sight, "")
}

/// The same for somebody who is a record: `Practitioner/m0`, with a purpose of use behind another `|`.
pub fn token_of(organisation: u8, scopes: &str, patient: &str, sight: &str, who: &str) -> String {
    let hex: String = format!("{organisation}~{}~{patient}~{sight}|{who}", scopes.replace(' ', ","))
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex
}

fn who(token: &str) -> Who {
    let mut words = token.split('|').skip(1);
    let record = words.next().filter(|word| !word.is_empty());
    Who {
        references: record.into_iter().map(str::to_owned).collect(),
        identifiers: record
            .map(|record| (Some("urn:who".to_owned()), record.to_owned()))
            .into_iter()
            .collect(),
        own: record
            .into_iter()
            .flat_map(|all| all.split(','))
            .filter_map(|one| one.strip_prefix("Patient/"))
            .map(str::to_owned)
            .collect(),
        purposes: words.map(str::to_owned).collect(),
    }
}

fn unhex(text: &str) -> String {
    let bytes =
        text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or(""), 16));
    String::from_utf8(bytes.collect::<Result<_, _>>().unwrap_or_default()).unwrap_or_default()
}

impl Authenticate for Bearers {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let read = words(&unhex(presented.token)).map(|(number, scopes, _, sight)| Caller {
            organisation: organisation(number),
            client: Id::from_bytes([50 + number; 16]),
            person: sight.map(|_| Id::from_bytes([70 + number; 16])),
            scopes: scopes.parse().unwrap_or_else(|_| kernel::Scopes::none()),
            grants: kernel::Grants::none(),
            token: Id::from_bytes([1; 16]),
        });
        Box::pin(std::future::ready(read.ok_or(AuthFault::Invalid)))
    }
}

/// What was taken away: tokens that were revoked since they were used, clients that are switched off, all tokens.
#[derive(Clone, Default)]
pub struct Persons {
    revoked: Arc<Mutex<BTreeSet<String>>>,
    off: Arc<Mutex<BTreeSet<Id<Client>>>>,
    expired: Arc<AtomicBool>,
    /// What was said of callers with a token, for when they are asked about without one.
    said: Arc<Mutex<BTreeMap<String, (Sight, Who)>>>,
}

/// Whom a caller and what was kept of one have in common.
fn alike(person: Option<Id<Person>>, scopes: &Scopes, patient: Option<&str>) -> String {
    format!("{person:?} {scopes:?} {patient:?}")
}

impl Persons {
    /// Switch the client of an organisation off.
    pub fn switch_off(&self, nth: u8) {
        self.off.lock().unwrap().insert(Id::from_bytes([50 + nth; 16]));
    }

    /// No token is good any more.
    pub fn expire(&self) {
        self.expired.store(true, Ordering::SeqCst);
    }
}

fn sight(token: &str) -> Sight {
    match words(&unhex(token)).unwrap_or_default().3.as_deref() {
        Some("site") => Sight::Site,
        Some(patients) => Sight::Patients(patients.split(',').map(Box::from).collect()),
        None => Sight::Patients(Arc::from([])),
    }
}

impl People for Persons {
    fn context<'a>(
        &'a self,
        caller: &'a Caller,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Context, PortFault>> {
        if self.expired.load(Ordering::SeqCst) {
            let fault = PortFault { what: "token", cause: "it has expired".into() };
            return Box::pin(std::future::ready(Err(fault)));
        }
        let patient = words(&unhex(token)).unwrap_or_default().2;
        let (sight, who) = (sight(token), who(&unhex(token)));
        let caller = alike(caller.person, &caller.scopes, patient.as_deref());
        self.said.lock().unwrap().insert(caller, (sight.clone(), who.clone()));
        Box::pin(std::future::ready(Ok(Context { patient, sight, origin: token.to_owned(), who })))
    }

    fn standing<'a>(
        &'a self,
        _: &'a Caller,
        origin: &'a str,
    ) -> BoxFuture<'a, Result<Option<Sight>, PortFault>> {
        let is_revoked = self.revoked.lock().unwrap().contains(origin);
        Box::pin(std::future::ready(Ok((!is_revoked).then(|| sight(origin)))))
    }

    fn still<'a>(&'a self, standing: &'a Standing) -> BoxFuture<'a, Result<Option<Still>, PortFault>> {
        let is_off = self.off.lock().unwrap().contains(&standing.client);
        let own = alike(standing.person, &standing.scopes, standing.patient.as_deref());
        let (sight, who) = self.said.lock().unwrap().get(&own).cloned().unwrap();
        let still = Still { scopes: standing.scopes.clone(), sight, who };
        Box::pin(std::future::ready(Ok((!is_off).then_some(still))))
    }
}

struct Named;

impl Sites for Named {
    fn of(&self, of: Id<Organisation>) -> BoxFuture<'_, Result<Vec<NamedSite>, PortFault>> {
        let named = |nth: u8, name: &str| NamedSite { id: site(nth), name: name.to_owned() };
        let all = match of {
            of if of == organisation(1) => {
                vec![named(1, "North"), named(3, "North two"), named(9, "North nine")]
            }
            of if of == organisation(2) => vec![named(2, "South")],
            of if of == organisation(3) => (20..20 + TWINS).map(|nth| named(nth, "Twin")).collect(),
            _ => Vec::new(),
        };
        Box::pin(std::future::ready(Ok(all)))
    }
}

/// R4 and two guides of our own: in `guide.status#1.0.0` observations are final, in `guide.code#2.0.0` they have a code of its system.
pub static PACKAGES: LazyLock<Arc<Packages>> = LazyLock::new(|| {
    let guides = ["guide.status#1.0.0", "guide.code#2.0.0"].map(guide);
    Arc::new(Packages::new([Package::r4().unwrap()].into_iter().chain(guides).map(Arc::new).collect()))
});

fn guide(id: &str) -> Package {
    let (name, version) = id.split_once('#').unwrap();
    let base = format!("https://guide.example/{}", name.trim_start_matches("guide."));
    let manifest = json!({"name": name, "version": version, "fhirVersions": ["4.0.1"], "canonical": base,
        "dependencies": {"hl7.fhir.r4.core": "4.0.1"}});
    let element = match name {
        "guide.status" => {
            json!({"id": "Observation.status", "path": "Observation.status", "fixedCode": "final"})
        }
        _ => json!({"id": "Observation.code", "path": "Observation.code",
            "binding": {"strength": "required", "valueSet": format!("{base}/ValueSet/all")}}),
    };
    let profile = json!({"resourceType": "StructureDefinition", "id": "observation", "url": format!("{base}/observation"),
        "version": version, "name": "Own", "status": "active", "kind": "resource", "abstract": false, "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation", "derivation": "constraint",
        "differential": {"element": [element]}});
    let set = json!({"resourceType": "ValueSet", "id": "all", "url": format!("{base}/ValueSet/all"), "status": "active",
        "compose": {"include": [{"system": format!("{base}/animals")}]}});
    let system = json!({"resourceType": "CodeSystem", "id": "animals", "url": format!("{base}/animals"), "version": version,
        "name": "Animals", "status": "active", "content": "complete", "caseSensitive": true,
        "concept": [{"code": "cat", "display": "Cat", "designation": [{"language": "de", "value": "Katze"}],
            "concept": [{"code": "tabby", "display": "Tabby"}, {"code": "tom", "display": "Tom"}]},
            {"code": "dog", "display": "Dog"}]});
    let file = |name: &str, of: &Value| (format!("package/{name}.json"), of.to_string().into_bytes());
    let files = [("package", &manifest), ("profile", &profile), ("set", &set), ("system", &system)];
    Package::unpacked(files.map(|(name, of)| file(name, of))).unwrap()
}

/// R4 and a guide in two versions that says what can be searched by: in the second shoes are looked for elsewhere.
pub static SEARCHED: LazyLock<Arc<Packages>> = LazyLock::new(|| {
    let guides = [("1.0.0", "shoe"), ("2.0.0", "boot")].map(|(version, shoe)| searched(version, shoe));
    Arc::new(Packages::new([Package::r4().unwrap()].into_iter().chain(guides).map(Arc::new).collect()))
});

fn searched(version: &str, shoe: &str) -> Package {
    let manifest = json!({"name": "guide.search", "version": version, "fhirVersions": ["4.0.1"],
        "canonical": "https://guide.example/search", "dependencies": {"hl7.fhir.r4.core": "4.0.1"}});
    let said = |name: &str| format!("Patient.extension.where(url = 'https://guide.example/{name}').value");
    let parameter = |(code, kind, expression): (&str, &str, String)| {
        let of = json!({"resourceType": "SearchParameter", "id": code, "code": code, "base": ["Patient"], "type": kind,
            "url": format!("https://guide.example/search/SearchParameter/{code}"), "name": code, "status": "active",
            "description": code, "version": version, "target": ["Patient"], "expression": expression});
        (format!("package/{code}.json"), of.to_string().into_bytes())
    };
    let all = [
        ("shoe", "number", said(shoe)),
        ("animal", "token", said("animal")),
        ("helper", "reference", said("helper")),
        ("family", "string", "Patient.name.family".to_owned()),
        ("gender", "string", "Patient.name.given".to_owned()),
        ("broken", "string", "Patient.name.where(".to_owned()),
        ("nothing", "date", "Patient.name".to_owned()),
    ];
    let manifest = ("package/package.json".to_owned(), manifest.to_string().into_bytes());
    Package::unpacked([manifest].into_iter().chain(all.map(parameter))).unwrap()
}

pub struct Stage {
    pub db: Db,
    pub clock: MockClock,
    pub world: World,
    pub app: Router,
    pub api: utoipa::openapi::OpenApi,
    pub fhir: Fhir,
    pub persons: Persons,
    folder: Arc<tempfile::TempDir>,
    packages: Arc<Packages>,
}

/// An answer, read to its end.
pub struct Heard {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Heard {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
    /// It is an OperationOutcome whose first issue has this code and says this.
    #[track_caller]
    pub fn tells(&self, code: &str, words: &str) {
        let outcome = self.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", self.body);
        assert_eq!(outcome["issue"][0]["code"], code, "{}", self.body);
        for issue in outcome["issue"].as_array().unwrap() {
            let is_refusal = ["fatal", "error"].contains(&issue["severity"].as_str().unwrap());
            let system = &issue["details"]["coding"][0]["system"];
            assert!(!is_refusal || system == fhir::outcome::MESSAGES, "{}", self.body);
        }
        let said = outcome["issue"][0].to_string();
        assert!(said.contains(words), "{words}: {}", self.body);
    }
}

impl Stage {
    pub async fn new(db: Db) -> Self {
        Self::calling(db, BTreeSet::new()).await
    }

    /// One that may call these endpoints of this machine.
    pub async fn calling(db: Db, endpoints: BTreeSet<InternalHost>) -> Self {
        Self::made(db, endpoints, (&PACKAGES, None)).await
    }

    /// One whose packages say what can be searched by; no site has any of them.
    pub async fn of_guides(db: Db) -> Self {
        Self::of_guides_calling(db, BTreeSet::new()).await
    }

    /// The same, which may call these endpoints of this machine.
    pub async fn of_guides_calling(db: Db, endpoints: BTreeSet<InternalHost>) -> Self {
        let none = Switched { packages: Some(Vec::new()), profiles: Vec::new() };
        Self::made(db, endpoints, (&SEARCHED, Some(none))).await
    }

    async fn made(
        db: Db,
        endpoints: BTreeSet<InternalHost>,
        (packages, switched): (&Arc<Packages>, Option<Switched>),
    ) -> Self {
        let persons = Persons::default();
        let (world, clock) = testkit::world();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let key = folder.path().join("root.key");
        Vault::create_root_key_file(&key, &world).unwrap();
        let vault = Vault::unlock(&db, &RootKeySource::File(key), &world).await.unwrap();
        let off = Policy { validation: Validation::Off, ..Policy::default() };
        for (of, nth, code) in [(1, 1, NORTH), (1, 3, NORTH_TWO), (2, 2, SOUTH)] {
            let wanted = Assigned {
                code: SiteCode::parse(code),
                policy: Some(off),
                packages: switched.clone(),
                ..Assigned::default()
            };
            assign(&db, &world, &By::system(organisation(of)), site(nth), wanted).await.unwrap();
        }
        let plan: Plan = [Subscription::Base, Subscription::Clinical].into_iter().collect();
        for of in [1, 2, 3] {
            subscribe(&db, &world, &By::system(organisation(of)), plan.clone()).await.unwrap();
        }
        Self::node(
            (db, vault),
            (world, clock),
            (persons, endpoints),
            (folder, Arc::clone(packages), AUDIT_KEPT),
        )
    }

    /// Another node of the same deployment, with connections of its own to the same database.
    pub async fn beside(&self, db: Db) -> Self {
        self.another(db, AUDIT_KEPT).await
    }

    async fn another(&self, db: Db, audit_kept: Duration) -> Self {
        let world = World::new(self.clock.clone(), SeededEntropy::new(1));
        let key = self.folder.path().join("root.key");
        let vault = Vault::unlock(&db, &RootKeySource::File(key), &world).await.unwrap();
        let who = (self.persons.clone(), BTreeSet::new());
        let kept = (Arc::clone(&self.folder), Arc::clone(&self.packages), audit_kept);
        Self::node((db, vault), (world, self.clock.clone()), who, kept)
    }

    /// Another node of the same deployment that keeps audit events for so long.
    pub async fn keeping(&self, audit_kept: Duration) -> Self {
        self.another(self.db.clone(), audit_kept).await
    }

    fn node(
        (db, vault): (Db, Vault),
        (world, clock): (World, MockClock),
        (persons, endpoints): (Persons, BTreeSet<InternalHost>),
        (folder, packages, audit_kept): (Arc<tempfile::TempDir>, Arc<Packages>, Duration),
    ) -> Self {
        let public_url: url::Url = "https://hilum.example".parse().unwrap();
        let fhir = Fhir::new(Parts {
            db: db.clone(),
            vault,
            world: world.clone(),
            people: Arc::new(persons.clone()),
            sites: Arc::new(Named),
            outbound: Outbound::new(endpoints, Arc::new(SystemLookup)).unwrap(),
            packages: Arc::clone(&packages),
            tasks: Tasks::new(),
            shutdown: Shutdown::new(),
            issuer: "https://hilum.example/oauth2".to_owned(),
            public_url: public_url.clone(),
            bundle_entries_max: fhir::bundle::ENTRIES_MAX,
            audit_kept,
        });
        let (records, api) = fhir::routes(fhir.clone()).split_for_parts();
        let (admin, _) = fhir::admin_routes(fhir.clone()).split_for_parts();
        let authenticate: Arc<dyn Authenticate> = Arc::new(Bearers);
        let app = web::family(Dialect::Fhir, records).merge(web::family(Dialect::ProblemJson, admin));
        let manners = Manners {
            world: world.clone(),
            public_url,
            trusted_proxies: Networks::default(),
            client_certificates: web::ClientCertificates::default(),
            metrics: Metrics::new(),
            numbered: &[],
            body_bytes_max: web::BODY_BYTES_MAX,
        };
        let app = manners.around(app.layer(Extension(authenticate)));
        Self { db, clock, world, fhir, persons, app, api, folder, packages }
    }

    /// What is about security and trust is among what all have subscribed to.
    pub async fn with_foundation(db: Db) -> Self {
        let stage = Self::new(db).await;
        let plan = [Subscription::Foundation, Subscription::Base, Subscription::Clinical];
        for of in [1, 2, 3] {
            let by = By::system(organisation(of));
            subscribe(&stage.db, &stage.world, &by, plan.into_iter().collect()).await.unwrap();
        }
        stage
    }

    pub async fn send(&self, request: Request<Body>) -> Heard {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Heard {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A node that does what is due.
    pub fn worker(&self) -> Worker {
        fhir::jobs(&self.fhir, Worker::new(self.db.clone(), self.world.clone()))
    }

    /// What this token came of does not stand any more.
    pub fn revoke(&self, token: &str) {
        self.persons.revoked.lock().unwrap().insert(token.to_owned());
    }

    pub fn by(&self, token: String) -> Calls<'_> {
        Calls { stage: self, token, site: NORTH.to_owned() }
    }

    /// A system of the first organisation that may do everything.
    pub fn north(&self) -> Calls<'_> {
        self.by(token(1, "system/*.cruds", "", ""))
    }

    /// One of the third, at an empty site of its own.
    pub async fn twin(&self, nth: u8) -> Calls<'_> {
        let code = format!("HCTWN{nth:02}");
        let policy = Policy { validation: Validation::Off, consent: Consents::Off, ..Policy::default() };
        let wanted = Assigned { code: SiteCode::parse(&code), policy: Some(policy), ..Assigned::default() };
        let by = By::system(organisation(3));
        assign(&self.db, &self.world, &by, site(20 + nth), wanted).await.unwrap();
        self.by(token(3, "system/*.cruds", "", "")).at(&code)
    }

    /// One of the second.
    pub fn south(&self) -> Calls<'_> {
        self.by(token(2, "system/*.cruds", "", "")).at(SOUTH)
    }
}

/// Somebody who calls under a site.
#[derive(Clone)]
pub struct Calls<'a> {
    stage: &'a Stage,
    pub token: String,
    pub site: String,
}

impl Calls<'_> {
    pub fn at(mut self, site: &str) -> Self {
        self.site = site.to_owned();
        self
    }

    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {}", self.token));
        if !self.site.is_empty() {
            request = request.header("su-siteid", &self.site);
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/fhir+json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.stage.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Heard {
        self.call(Method::GET, path, &[], "").await
    }
    pub async fn post(&self, path: &str, body: &str) -> Heard {
        self.call(Method::POST, path, &[], body).await
    }
    pub async fn put(&self, path: &str, body: &str) -> Heard {
        self.call(Method::PUT, path, &[], body).await
    }
    pub async fn delete(&self, path: &str) -> Heard {
        self.call(Method::DELETE, path, &[], "").await
    }
}
