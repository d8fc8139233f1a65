//! A deployment in miniature: the broker's routes, two clients, two people, a third party.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ::outbound::{Outbound, SystemLookup};
use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderMap, Method, Request},
};
use broker::{
    Broker, By, Clients, KnownClient, Parts, People, PortFault, Syncs, Visitor, credential::RefreshPolicy,
    integration::IntegrationIn, provider::Catalogue, trust::Terms,
};
use futures_util::future::BoxFuture;
use jobs::Schedule;
use kernel::{
    Caller, Client, Digest, Id, Integration, Organisation, Person, Scopes, Secret, Site, Study, Timestamp,
    World,
};
use serde_json::Value;
use store::{Db, DbError, Reader, Writer};
use testkit::MockClock;
use tower::ServiceExt;
use url::Url;
use vault::{RootKeySource, Vault};
use web::{
    AuthFault, Authenticate, ClientCertificates, Dialect, ErrorView, LocalPath, Manners, Metrics, Networks,
    Presented, RateLimiter, Shutdown, Tasks,
};

use crate::provider::Provider;

pub const PUBLIC_URL: &str = "https://identity.example";
pub const ORGANISATION: Id<Organisation> = Id::from_bytes([9; 16]);

pub fn client(n: u8) -> Id<Client> {
    Id::from_bytes([n; 16])
}
pub fn person(n: u8) -> Id<Person> {
    Id::from_bytes([100 + n; 16])
}

/// 1: the contract's own application. 2: a web application. 3: nobody trusts it.
struct Registry;

fn known(n: u8) -> Option<KnownClient> {
    let (client_id, uri) = match n {
        1 => ("abc.myapplication", "myapplication://"),
        2 => ("def.web", "https://app.example/base?a=b"),
        3 => ("ghi.untrusted", "https://evil.example"),
        _ => return None,
    };
    let name = format!("Application {n}");
    Some(KnownClient {
        id: client(n),
        client_id: client_id.to_owned(),
        name,
        uri: uri.to_owned(),
        is_verified: n != 3,
    })
}

impl Clients for Registry {
    fn by_client_id<'a>(
        &'a self,
        client_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<KnownClient>, PortFault>> {
        Box::pin(async move { Ok((1..=3).filter_map(known).find(|client| client.client_id == client_id)) })
    }
    fn by_id(&self, id: Id<Client>) -> BoxFuture<'_, Result<Option<KnownClient>, PortFault>> {
        Box::pin(async move { Ok((1..=3).filter_map(known).find(|client| client.id == id)) })
    }
}

/// Browsers say who they are: `x-browser: <person>.<session>`. Person 9 is of another organisation.
struct Browsers;

impl People for Browsers {
    fn visitor<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Option<Visitor>, PortFault>> {
        let said = headers
            .get("x-browser")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split_once('.'));
        let visitor = said.map(|(who, session)| Visitor {
            person: person(who.parse().unwrap()),
            organisation: if who == "9" { Id::from_bytes([8; 16]) } else { ORGANISATION },
            session: Digest::from_bytes([session.parse().unwrap(); 32]),
        });
        Box::pin(async move { Ok(visitor) })
    }
    fn sign_in(&self, return_to: &LocalPath) -> LocalPath {
        let encoded: String = url::form_urlencoded::byte_serialize(return_to.as_str().as_bytes()).collect();
        LocalPath::parse(&format!("/sign-in?return_to={encoded}")).unwrap()
    }
    /// Studies of the stage's organisation begin with 5.
    fn has_studies<'a>(
        &'a self,
        organisation: Id<Organisation>,
        studies: &'a [Id<Study>],
    ) -> BoxFuture<'a, Result<bool, PortFault>> {
        let has = organisation == ORGANISATION && studies.iter().all(|study| study.as_bytes()[0] == 5);
        Box::pin(async move { Ok(has) })
    }
    /// So do its sites.
    fn has_site(
        &self,
        organisation: Id<Organisation>,
        site: Id<Site>,
    ) -> BoxFuture<'_, Result<bool, PortFault>> {
        let has = organisation == ORGANISATION && site.as_bytes()[0] == 5;
        Box::pin(async move { Ok(has) })
    }
}

/// What is done for an integration by the clock.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Fetch;

impl jobs::Job for Fetch {
    const NAME: &'static str = "fetch";
    const RETRY: jobs::Retry = jobs::Retry { attempts_max: 1, first_s: 1, max_s: 1, jitter_percent: 0 };
    type Context = ();
    async fn run(self, _: &(), _: u32) -> Result<(), jobs::JobFault> {
        Ok(())
    }
}

struct Fetches;

impl Syncs for Fetches {
    fn issues(
        &self,
        _: broker::managed::Kind,
        _: &serde_json::Map<String, serde_json::Value>,
    ) -> Vec<kernel::Issue> {
        Vec::new()
    }
    fn keep<'a>(
        &'a self,
        tx: &'a mut Writer,
        of: (Id<Organisation>, Id<Integration>),
        schedule: &'a Schedule,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, DbError>> {
        Box::pin(jobs::schedule(tx, of, (&Fetch, schedule), now))
    }
    fn end<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move { jobs::unschedule::<Fetch, _>(tx, integration).await.map(|_| ()) })
    }
}

/// Bearer `<client>.<person>` or `<client>.<person>.<scope>`; person 0 is none, person 9 is of another organisation. After a `~` stand
/// roles; `/` is a colon, `+` a space.
struct Bearers;

impl Authenticate for Bearers {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let mut words = presented.token.splitn(3, '.');
        let mut number = || words.next().and_then(|word| word.parse::<u8>().ok());
        let (Some(c), Some(p)) = (number(), number()) else {
            return Box::pin(async { Err(AuthFault::Invalid) });
        };
        let said = words.next().unwrap_or_default().replace('/', ":").replace('+', " ");
        let (scopes, roles) = said.split_once('~').unwrap_or((&said, ""));
        let grants = roles.split_whitespace().map(|role| role.parse().unwrap()).collect();
        let scopes: Scopes = scopes.parse().unwrap();
        let caller = Caller {
            organisation: if p == 9 { Id::from_bytes([8; 16]) } else { ORGANISATION },
            client: client(c),
            person: (p > 0).then(|| person(p)),
            scopes,
            grants,
            token: Id::from_bytes([1; 16]),
        };
        Box::pin(async move { Ok(caller) })
    }
}

pub struct Stage {
    pub db: Db,
    pub clock: MockClock,
    pub world: World,
    pub vault: Vault,
    pub broker: Broker,
    pub app: Router,
    pub provider: Provider,
    policy: RefreshPolicy,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub struct Heard {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Heard {
    /// An error without what is another one for each request: its id, and the address that was asked for.
    pub fn error(&self) -> Value {
        let mut body = self.json();
        for place in ["", "/error"] {
            if let Some(error) = body.pointer_mut(place).and_then(Value::as_object_mut) {
                error.remove("request_id");
                error.remove("instance");
            }
        }
        body
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    pub fn location(&self) -> &str {
        self.headers.get("location").map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

fn page(view: &ErrorView<'_>) -> String {
    format!("page {}: {}", view.status, view.message)
}

/// The address is that of the provider that this test has started.
fn provider_file(id: &str, auth: &str) -> String {
    let sandbox = include_str!("../../providers/sandbox.toml");
    let (head, rest) = sandbox.split_once("[auth.oauth2_code]").unwrap();
    let (_, tail) = rest.split_once("[api]").unwrap();
    let head = head.replace("id = \"sandbox\"", &format!("id = \"{id}\""));
    format!(
        "{head}{auth}\n[api]{}",
        tail.replace("base_url = \"{base_url}\"", "base_url = \"{base_url}/api\"")
    )
}

/// The catalogue's own file for Withings, with addresses of the provider that this test has started.
fn withings_file() -> String {
    let text = include_str!("../../providers/withings.toml");
    let settings = "transport = \"https_or_loopback\"\n\n\
                    [[settings]]\nname = \"base_url\"\ntitle = \"Address\"\n\n[auth.oauth2_code]\n";
    text.replace("id = \"withings\"", "id = \"signed\"")
        .replace("https://account.withings.com/oauth2_user/authorize2", "{base_url}/authorize")
        .replace("https://wbsapi.withings.net", "{base_url}")
        .replace("[auth.oauth2_code]\n", settings)
}

fn code_grant(more: &str, rotation: &str) -> String {
    format!(
        r#"[auth.oauth2_code]
authorize_url = "{{base_url}}/authorize"
token_url = "{{base_url}}/token"
issuer = "{{base_url}}"
client_auth = ["basic"]
pkce = "required_s256"
default_scopes = ["activity", "heartrate", "sleep"]
{more}
[auth.oauth2_code.revoke]
method = "POST"
url = "{{base_url}}/revoke"
how = {{ rfc7009 = {{ token = "refresh_token", client_auth = "as_token" }} }}
[auth.oauth2_code.token]
rotation = {rotation}
[auth.oauth2_code.response]
account_id_field = "user_id"
"#
    )
}

pub fn patient() -> RefreshPolicy {
    RefreshPolicy {
        wait_max: Duration::from_secs(30),
        call_max: Duration::from_secs(60),
        ..RefreshPolicy::default()
    }
}

pub fn impatient() -> RefreshPolicy {
    RefreshPolicy { wait_max: Duration::from_millis(50), ..patient() }
}

pub fn brief() -> RefreshPolicy {
    RefreshPolicy { lease: Duration::from_millis(120), ..patient() }
}

pub fn hasty() -> RefreshPolicy {
    RefreshPolicy {
        wait_max: Duration::from_secs(20),
        call_max: Duration::from_millis(200),
        ..RefreshPolicy::default()
    }
}

impl Stage {
    pub async fn with(db: Db, policy: RefreshPolicy) -> Self {
        let (world, clock) = testkit::world();
        let key = Secret::new(crypto::b64::encode_standard(root_key()));
        let vault = Vault::unlock(&db, &RootKeySource::Env(key), &world).await.unwrap();
        let provider = Provider::start().await;
        let folder = tempfile::tempdir().unwrap();
        for (id, more, rotation) in [
            ("one-time", "", "\"one_time\""),
            ("graceful", "", "{ grace = { window_s = 60 } }"),
            ("open-id", "openid = true", "\"one_time\""),
        ] {
            let text = provider_file(id, &code_grant(more, rotation));
            std::fs::write(folder.path().join(format!("{id}.toml")), text).unwrap();
        }
        std::fs::write(folder.path().join("signed.toml"), withings_file()).unwrap();
        let broker = make(&db, &world, &vault, &provider, folder.path(), policy);
        let stage = Self {
            app: routes(&broker, &world),
            db,
            clock,
            world,
            vault,
            broker,
            provider,
            policy,
            _folder: folder,
        };
        stage.integrate("integration-1", "Integration #1", "one-time", "our-secret").await;
        stage.integrate("integration-2", "Integration #2", "graceful", "our-secret").await;
        stage.integrate("integration-3", "Integration #3", "open-id", "our-secret").await;
        stage.integrate("clinic", "Your clinic", "smart-launcher", "our-secret").await;
        for (n, slugs) in
            [(1, &["integration-1", "integration-2", "integration-3"][..]), (2, &["integration-1"][..])]
        {
            for slug in slugs {
                stage
                    .broker
                    .grant_trust(ORGANISATION, client(n), slug, terms(), &By::system())
                    .await
                    .unwrap();
            }
        }
        stage
    }

    /// Another process on the same database.
    pub fn another(&self) -> (Broker, Router) {
        let broker =
            make(&self.db, &self.world, &self.vault, &self.provider, self._folder.path(), self.policy);
        (broker.clone(), routes(&broker, &self.world))
    }

    pub async fn integrate(&self, slug: &str, name: &str, provider: &str, secret: &str) {
        let (name_of_setting, path) = match provider {
            "smart-launcher" => ("fhir_base_url", "/fhir"),
            _ => ("base_url", ""),
        };
        let settings = BTreeMap::from([(name_of_setting.to_owned(), Secret::new(self.provider.url(path)))]);
        let new = IntegrationIn {
            slug: slug.to_owned(),
            provider: provider.to_owned(),
            name: name.to_owned(),
            client_id: "our-id".to_owned(),
            client_secret: Some(Secret::new(secret.to_owned())),
            private_key: None,
            settings,
            scopes: (provider == "smart-launcher").then(|| "patient/*.rs offline_access".parse().unwrap()),
            enabled: true,
        };
        self.broker.set_up_integration(ORGANISATION, &new, &By::system()).await.unwrap();
    }

    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
        call(&self.app, method, path, headers, body).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Heard {
        self.call(Method::GET, path, headers, "").await
    }

    /// As an application with a person's token.
    pub async fn api(&self, bearer: &str, path: &str) -> Heard {
        self.get(path, &[("authorization", &format!("Bearer {bearer}"))]).await
    }

    /// Begin in this browser; the query that the third party's authorization page gets.
    pub async fn begin(&self, browser: &str, slug: &str, query: &str) -> BTreeMap<String, String> {
        let path = format!("/integrations/oauth2/{slug}/connect{query}");
        let away = self.get(&path, &[("x-browser", browser)]).await;
        assert_eq!(away.status, 303, "{}", away.body);
        let url = Url::parse(away.location()).unwrap();
        assert_eq!(url.path(), "/authorize");
        let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        self.provider.set(|book| book.challenge = asked.get("code_challenge").cloned());
        asked
    }

    /// What a browser gets that wants to link.
    pub async fn begin_status(&self, browser: &str, slug: &str) -> u16 {
        self.get(&format!("/integrations/oauth2/{slug}/connect"), &[("x-browser", browser)]).await.status
    }

    pub async fn back(&self, browser: &str, slug: &str, query: &str) -> Heard {
        let path = format!("/integrations/oauth2/{slug}/callback?{query}");
        self.get(&path, &[("x-browser", browser)]).await
    }

    pub async fn link(&self, browser: &str, slug: &str) {
        let asked = self.begin(browser, slug, "").await;
        let back = self.back(browser, slug, &format!("code=good-code&state={}", asked["state"])).await;
        assert_eq!(back.location(), format!("{PUBLIC_URL}/integrations/"), "{}", back.body);
    }

    pub async fn connected(&self, slug: &str) -> bool {
        self.api("1.1", &format!("/integrations/v1/{slug}")).await.json()["connected"].as_bool().unwrap()
    }

    /// One column of one row.
    pub async fn text(&self, sql: &'static str) -> String {
        let row: Option<(String,)> = self.db.read().await.unwrap().optional(sql, vec![]).await.unwrap();
        row.map(|(text,)| text).unwrap_or_default()
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        let mut reader: Reader = self.db.read().await.unwrap();
        let (number,): (i64,) = reader.one(sql, vec![]).await.unwrap();
        number
    }

    pub fn worker(&self) -> jobs::Worker {
        broker::jobs(&self.broker, jobs::Worker::new(self.db.clone(), self.world.clone()))
    }
}

pub async fn call(app: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Heard {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Heard {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

fn root_key() -> [u8; 32] {
    crypto::sha256(b"the root key of a test")
}

pub fn terms() -> Terms {
    Terms {
        actions: vec!["steps".to_owned(), "heart-rate".to_owned()],
        proxy: vec!["GET /1/**".parse().unwrap(), "POST /1/things".parse().unwrap()],
        scopes: Scopes::none(),
        rate_per_minute: 10_000,
    }
}

fn make(
    db: &Db,
    world: &World,
    vault: &Vault,
    provider: &Provider,
    folder: &std::path::Path,
    refresh: RefreshPolicy,
) -> Broker {
    let allowed = [provider.address.to_string().parse().unwrap()].into();
    Broker::new(Parts {
        db: db.clone(),
        vault: vault.clone(),
        world: world.clone(),
        catalogue: Catalogue::built_in().unwrap().with_folder(folder).unwrap(),
        clients: Arc::new(Registry),
        clients_channel: "client",
        people: Arc::new(Browsers),
        syncs: Arc::new(Fetches),
        log: watch::Log::off(),
        limiter: RateLimiter::memory(world),
        outbound: Outbound::new(allowed, Arc::new(SystemLookup)).unwrap(),
        tasks: Tasks::new(),
        shutdown: Shutdown::new(),
        public_url: PUBLIC_URL.parse().unwrap(),
        refresh,
    })
}

fn routes(broker: &Broker, world: &World) -> Router {
    let (api, _) = broker::routes(broker.clone()).split_for_parts();
    let authenticate: Arc<dyn Authenticate> = Arc::new(Bearers);
    let (managed, _) = broker::managed_routes(broker.clone()).split_for_parts();
    let manners = Manners {
        world: world.clone(),
        public_url: PUBLIC_URL.parse().unwrap(),
        trusted_proxies: Networks::default(),
        client_certificates: ClientCertificates::default(),
        metrics: Metrics::new(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    let families = web::family(Dialect::ProblemJson, api)
        .merge(web::family(Dialect::Int, managed))
        .merge(web::family(Dialect::Page(page), broker::browser_routes(broker.clone())))
        .layer(Extension(authenticate));
    manners.around(families)
}
