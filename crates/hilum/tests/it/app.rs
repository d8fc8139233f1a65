//! A whole deployment in this process: real routes with their manners around them, a database of its own, a clock that the
//! test moves, and chance that repeats.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
};

use axum::{Router, body::Body};
use hilum::{
    config::{self, Config},
    load::{self, Declarations},
    wire::House,
};
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt;
use kernel::World;
use tempfile::TempDir;
use testkit::{
    MockClock,
    engine::{server, with_url},
};
use tower::ServiceExt;
use url::{Url, form_urlencoded};
use web::{Metrics, PeerAddr};

use crate::party::Party;

/// Where requests come from, unless a test says otherwise.
pub const PEER: &str = "203.0.113.9:40000";

/// A person of the loaded organisations.
#[derive(Clone, Copy, Debug)]
pub struct Somebody(pub &'static str, pub &'static str);

pub const PATIENT: Somebody = Somebody("nadia@northwind.example", "quiet harbour lantern");
pub const DEVELOPER: Somebody = Somebody("omar@northwind.example", "copper window seventeen");
pub const ADMINISTRATOR: Somebody = Somebody("ines@northwind.example", "winter orchard compass");
pub const FOREIGN_PATIENT: Somebody = Somebody("pavel@southside.example", "amber staircase violin");
pub const FOREIGN_DEVELOPER: Somebody = Somebody("dana@southside.example", "silver meadow anchor");
pub const FOREIGN_ADMINISTRATOR: Somebody = Somebody("rosa@southside.example", "thunder pocket almanac");

/// A client of the loaded organisations.
#[derive(Clone, Copy, Debug)]
pub struct App {
    pub client_id: &'static str,
    pub secret: &'static str,
    pub redirect_uri: &'static str,
}

/// Trusted for `alpha`.
pub const DIARY: App = App {
    client_id: "northwinddiary0000000000000000000.diary",
    secret: "hlm_cs_diary-diary-diary-diary-diary-diary-diary-1",
    redirect_uri: "https://diary.example/signed-in",
};
/// Of the same organisation, trusted for nothing.
pub const STRANGER: App = App {
    client_id: "northwindstranger000000000000000.stranger",
    secret: "hlm_cs_notes-notes-notes-notes-notes-notes-notes-1",
    redirect_uri: "https://notes.example/signed-in",
};
/// Of the other organisation, trusted for `beta`.
pub const RIVAL: App = App {
    client_id: "southsiderival000000000000000000.rival",
    secret: "hlm_cs_rival-rival-rival-rival-rival-rival-rival-1",
    redirect_uri: "https://rival.example/signed-in",
};

pub struct TestApp {
    pub house: House,
    pub clock: MockClock,
    pub party: Party,
    pub folder: TempDir,
    router: Router,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it sends the browser.
    #[track_caller]
    pub fn location(&self) -> String {
        assert_eq!(self.status, 303, "no redirect: {}", self.text());
        self.header("location").to_owned()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl TestApp {
    /// The list in which this process writes down which of its tokens are good.
    pub async fn status_list(&self) -> String {
        let mut tx = self.house.db.read().await.unwrap();
        let (list,): (kernel::Id<kernel::Token>,) =
            tx.one("SELECT id FROM status_list ORDER BY id DESC LIMIT 1", store::binds![]).await.unwrap();
        list.to_string()
    }

    /// Both organisations.
    pub async fn new() -> Self {
        Self::set(&[]).await
    }

    /// The same with other settings: `("server.public_url", "https://…")`.
    pub async fn set(settings: &[(&str, &str)]) -> Self {
        let app = Self::empty(settings, 0).await;
        app.load(include_str!("northwind.toml")).await;
        app.load(include_str!("southside.toml")).await;
        app
    }

    /// Nobody and nothing yet.
    pub async fn empty(settings: &[(&str, &str)], seed: u64) -> Self {
        Self::at(tempfile::tempdir().unwrap(), settings, seed).await
    }

    /// On what is in this folder: `root.key` and `hilum.db`, made where they are not there.
    pub async fn at(folder: TempDir, settings: &[(&str, &str)], seed: u64) -> Self {
        install_tls_provider();
        let (world, clock) = testkit::world_seeded(seed);
        let tasks = web::Tasks::new();
        let party = Party::start(&tasks).await;
        let config = configured(folder.path(), party.host(), settings, &world);
        let house = House::open(&config, &world).await.unwrap_or_else(|error| panic!("{error:#}"));
        let router = house.application(&config, &Metrics::new(), house.health()).unwrap();
        Self { house, clock, party, folder, router }
    }

    /// Close it; what it has kept stays in the folder.
    pub async fn close(self) -> TempDir {
        self.house.close().await;
        self.folder
    }

    /// Declare an organisation with everything in it, as `hilum load` does.
    pub async fn load(&self, text: &str) {
        let declared = Declarations::parse(&text.replace("{party}", &self.party.url)).unwrap();
        load::declare(&self.house, &declared).await.unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// Let happen what is due by now.
    pub async fn work(&self) -> usize {
        self.house.worker().run_due().await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        self.send_from(PEER, request).await
    }

    pub async fn send_from(&self, peer: &str, mut request: Request<Body>) -> Reply {
        request.extensions_mut().insert(PeerAddr(peer.parse::<SocketAddr>().unwrap()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, bytes }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str, bearer: &str) -> Reply {
        self.call(Method::DELETE, path, bearer, None).await
    }

    /// A machine's call: with a bearer token, unless it is empty, and a JSON body, if there is one.
    pub async fn call(&self, method: Method, path: &str, bearer: &str, json: Option<&str>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !bearer.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        if json.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        self.send(request.body(Body::from(json.unwrap_or_default().to_owned())).unwrap()).await
    }

    /// A client's form, authenticated by `Basic`.
    pub async fn ask_as(&self, client: App, path: &str, fields: &[(&str, &str)]) -> Reply {
        let pair = format!("{}:{}", client.client_id, client.secret);
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Basic {}", crypto::b64::encode_standard(pair)))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form(fields))).unwrap()).await
    }

    pub fn browser(&self) -> Browser<'_> {
        Browser { app: self, cookies: RefCell::default() }
    }

    /// A browser in which this person is signed in, through the page.
    pub async fn signed_in(&self, who: Somebody) -> Browser<'_> {
        let browser = self.browser();
        browser.sign_in(who).await.expect(303);
        assert_eq!(browser.cookies.borrow().len(), 1, "one cookie, the session");
        browser
    }

    /// An access token of this person for this client, through the real flow.
    pub async fn token(&self, who: Somebody, client: App, scopes: &str) -> String {
        let browser = self.signed_in(who).await;
        browser.token(client, scopes).await
    }

    /// An access token of the client itself.
    pub async fn own_token(&self, client: App) -> String {
        let reply =
            self.ask_as(client, "/oauth2/token", &[("grant_type", "client_credentials")]).await.expect(200);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn client_id_of(&self, client: App) -> kernel::Id<kernel::Client> {
        auth::client::live_by_client_id(&self.house.auth, client.client_id).await.unwrap().unwrap().id
    }

    pub async fn organisation_of(&self, slug: &str) -> auth::organisation::Organisation {
        let slug = auth::organisation::Slug::parse(slug).unwrap();
        auth::organisation::by_slug(&self.house.auth, &slug).await.unwrap().unwrap()
    }

    pub async fn person_of(&self, who: Somebody) -> auth::person::Person {
        let slug = who.0.split(['@', '.']).nth(1).unwrap();
        let email = auth::person::Email::parse(who.0).unwrap();
        let organisation = self.organisation_of(slug).await.id;
        auth::person::by_email(&self.house.auth, organisation, &email).await.unwrap().unwrap()
    }
}

/// A browser: it keeps cookies, and says where a request comes from.
pub struct Browser<'a> {
    pub app: &'a TestApp,
    pub cookies: RefCell<BTreeMap<String, String>>,
}

impl Browser<'_> {
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(Method::POST, path, Some(form(fields)), &[("sec-fetch-site", "same-origin")]).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = self.app.send(request.body(Body::from(form.unwrap_or_default())).unwrap()).await;
        for set in reply.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            match rest.split(';').next().unwrap() {
                "" => drop(self.cookies.borrow_mut().remove(name)),
                value => drop(self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned())),
            }
        }
        reply
    }

    pub async fn sign_in(&self, Somebody(email, password): Somebody) -> Reply {
        self.post("/sign-in", &[("email", email), ("password", password), ("return_to", "")]).await
    }

    /// Ask for a code, allow everything, and exchange it.
    pub async fn token(&self, client: App, scopes: &str) -> String {
        let answer = self.exchange(client, scopes).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn exchange(&self, client: App, scopes: &str) -> serde_json::Value {
        let verifier = "v".repeat(43);
        let code = self.code(client, scopes, &verifier).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", client.redirect_uri),
            ("code_verifier", &verifier),
        ];
        self.app.ask_as(client, "/oauth2/token", &fields).await.expect(200).json()
    }

    pub async fn code(&self, client: App, scopes: &str, verifier: &str) -> String {
        let query = form(&[
            ("response_type", "code"),
            ("client_id", client.client_id),
            ("redirect_uri", client.redirect_uri),
            ("scope", scopes),
            ("state", "app-state"),
            ("code_challenge", &crypto::pkce::s256_challenge(verifier)),
            ("code_challenge_method", "S256"),
        ]);
        let mut location = self.get(&format!("/oauth2/authorize?{query}")).await.location();
        if let Some(request) = location.strip_prefix("/consent?request=") {
            self.get(&location).await.expect(200);
            let boxes: Vec<String> = scopes.split(' ').map(|scope| format!("scope.{scope}")).collect();
            let mut fields: Vec<(&str, &str)> = boxes.iter().map(|name| (name.as_str(), "on")).collect();
            fields.extend([("request", request), ("decision", "allow")]);
            location = self.post("/consent", &fields).await.location();
        }
        assert!(location.starts_with(client.redirect_uri), "{location}");
        parameter(&location, "code")
    }

    /// Go to the third party and back, as if the person had agreed there; where the browser is sent in the end.
    pub async fn link(&self, slug: &str, client: App) -> String {
        let state = self.leave_for(slug, client).await;
        let back = form(&[("code", "code-of-the-third-party"), ("state", &state)]);
        self.get(&format!("/integrations/oauth2/{slug}/callback?{back}")).await.location()
    }

    /// The state with which the browser is sent to the third party.
    pub async fn leave_for(&self, slug: &str, client: App) -> String {
        let query = form(&[("client_id", client.client_id), ("returnPath", "/linked")]);
        let away = self.get(&format!("/integrations/oauth2/{slug}/connect?{query}")).await.location();
        assert!(away.starts_with(&format!("{}/oauth2/authorize?", self.app.party.url)), "{away}");
        parameter(&away, "state")
    }
}

/// A form, or a query.
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[track_caller]
pub fn parameter(address: &str, name: &str) -> String {
    let url = Url::parse(address).unwrap();
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {name} in {address}")).1.into_owned()
}

/// `METHOD path` of everything that the document describes.
pub fn operations(house: &House) -> BTreeSet<String> {
    let document = serde_json::to_value(house.openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &serde_json::Value)| -> Vec<String> {
        item.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())).collect()
    };
    paths.iter().flat_map(of).collect()
}

/// A described path with something in every place.
pub fn filled(path: &str) -> String {
    let mut parts = path.split(['{', '}']);
    let mut filled = parts.next().unwrap().to_owned();
    while let (Some(_), Some(after)) = (parts.next(), parts.next()) {
        filled.push('x');
        filled.push_str(after);
    }
    filled
}

/// A test of a whole deployment, once on each engine.
macro_rules! deployment_on_each_engine {
    ($(async fn $name:ident($app:ident: TestApp) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn case($app: TestApp) $body

            #[test]
            fn sqlite() {
                crate::app::on(testkit::engine::SQLITE, case);
            }

            #[test]
            fn postgres() {
                crate::app::on(testkit::engine::POSTGRES, case);
            }
        }
    )*};
}
pub(crate) use deployment_on_each_engine;

/// Run a test of a whole deployment on a database of this engine.
pub fn on<F: Future<Output = ()>>(engine: store::Engine, case: impl FnOnce(TestApp) -> F) {
    with_url(engine, async |url| {
        // What is shown of the URL has neither user nor password.
        let shown = url.to_string();
        let url = match engine {
            store::Engine::Sqlite => shown,
            store::Engine::Postgres => {
                let mut postgres = Url::parse(&server().unwrap()).unwrap();
                postgres.set_path(Url::parse(&shown).unwrap().path());
                postgres.to_string()
            }
        };
        let app = TestApp::empty(&[("store.url", &url)], 0).await;
        let db = app.house.db.clone();
        case(app).await;
        db.close().await;
    });
}

fn configured(folder: &Path, internal: &str, settings: &[(&str, &str)], world: &World) -> Config {
    let key = folder.join("root.key");
    if !key.exists() {
        vault::Vault::create_root_key_file(&key, world).unwrap();
    }
    let internal = format!("[\"{internal}\"]");
    let (url, key) = (format!("sqlite:{}", folder.join("hilum.db").display()), key.display().to_string());
    let ours = [
        ("store.url", url.as_str()),
        ("vault.root_key_file", &key),
        ("integrations.allow_internal", &internal),
        ("limits.sign_in_per_minute", "10000"),
        ("limits.token_per_minute", "10000"),
    ];
    let variable = |(name, value): &(&str, &str)| {
        (format!("HILUM__{}", name.to_uppercase().replace('.', "__")), (*value).to_owned())
    };
    let environment = ours.iter().chain(settings).map(variable).collect();
    config::load(None, &environment).unwrap().config
}

/// The process has one; whoever comes second finds it there.
fn install_tls_provider() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}
