//! A deployment for one test: organisation, routes, and how to call them.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use auth::{
    Acting, Auth, Config, Parts,
    client::{self, Client, register::Registration},
    organisation::{self, Named},
    person::{self, NewPerson, Person, Proven, Role, Shown},
    session,
};
use axum::{Router, body::Body};
use crypto::{b64, pkce, sha256};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use kernel::{Id, Organisation, Secret, World};
use outbound::{Outbound, SystemLookup};
use store::Db;
use testkit::MockClock;
use tower::ServiceExt;
use url::Url;
use vault::{RootKeySource, Vault};
use web::{Cookies, Dialect, ErrorView, family};

pub const BASE: &str = "http://127.0.0.1:8080";
pub const CALLBACK: &str = "https://app.example/callback";
pub const PASSWORD: &str = "correct horse battery staple";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// One test on each engine, with every table that there is.
macro_rules! on_each_engine {
    ($(async fn $name:ident($db:ident: Db) $body:block)*) => {$(
        testkit::on_each_engine!(async fn $name($db: store::Db) $body,
            migrations = [vault::MIGRATIONS, audit::MIGRATIONS, jobs::MIGRATIONS, auth::MIGRATIONS]);
    )*};
}
pub(crate) use on_each_engine;

pub struct House {
    pub auth: Auth,
    pub db: Db,
    pub world: World,
    pub clock: MockClock,
    pub organisation: Id<Organisation>,
    pub app: Router,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// A parameter of the address that the browser is sent to.
    pub fn sent(&self, name: &str) -> Option<String> {
        let address = Url::parse(BASE).unwrap().join(self.location()).unwrap();
        address.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

impl House {
    pub async fn open(db: Db) -> Self {
        Self::at(BASE, db).await
    }

    /// A deployment under another address.
    pub async fn at(base: &str, db: Db) -> Self {
        let (world, clock) = testkit::world();
        let base = Url::parse(base).unwrap();
        Self::tuned(db, world, clock, &[], |config| config.public_url = base).await
    }

    /// Under other settings.
    pub async fn open_with(db: Db, tune: impl FnOnce(&mut Config)) -> Self {
        let (world, clock) = testkit::world();
        Self::tuned(db, world, clock, &[], tune).await
    }

    /// Another node on the same database.
    pub async fn beside(db: Db, world: World, clock: MockClock) -> Self {
        Self::tuned(db, world, clock, &[], |_| {}).await
    }

    /// A node that may call these hosts of the inside, under other settings.
    pub async fn tuned(
        db: Db,
        world: World,
        clock: MockClock,
        allow_internal: &[String],
        tune: impl FnOnce(&mut Config),
    ) -> Self {
        let root = Secret::new(b64::encode_standard(sha256(b"a root key for tests")));
        let vault = Vault::unlock(&db, &RootKeySource::Env(root), &world).await.unwrap();
        let mut config = Config {
            scopes: "a b system/Observation.read".parse().unwrap(),
            ..Config::new(Url::parse(BASE).unwrap())
        };
        tune(&mut config);
        let allow_internal = allow_internal.iter().map(|host| host.parse().unwrap()).collect();
        let outbound = Outbound::new(allow_internal, Arc::new(SystemLookup)).unwrap();
        let parts = Parts { db: db.clone(), vault, world: world.clone(), outbound, config };
        let auth = Auth::open(parts).await.unwrap();
        let organisation = Id::from_bytes([7; 16]);
        let named = Named { id: Some(organisation), slug: "northwind".into(), name: "Northwind".into() };
        organisation::create(&auth, &Acting::system(organisation), &named).await.unwrap();
        let (machines, _) = auth::routes(auth.clone()).split_for_parts();
        let app = family(Dialect::OAuth, machines)
            .merge(family(Dialect::Page(page), auth::browser_routes(auth.clone())));
        Self { auth, db, world, clock, organisation, app }
    }

    pub fn acting(&self) -> Acting {
        Acting::system(self.organisation)
    }

    pub async fn person(&self, email: &str, roles: &[Role]) -> Person {
        let new = NewPerson {
            id: None,
            email: email.into(),
            display_name: "Mira Lind".into(),
            password: Secret::new(PASSWORD.into()),
            roles: roles.iter().map(|role| (*role).into()).collect(),
        };
        person::register(&self.auth, &self.acting(), new).await.unwrap()
    }

    /// Shows the right password.
    pub async fn shown(&self, email: &str) -> Shown {
        let password = Secret::new(PASSWORD.to_owned());
        person::authenticate_password(&self.auth, email, password, SOURCE, None).await.unwrap()
    }

    /// Signs in and gives what the browser sends from then on.
    pub async fn sign_in(&self, email: &str) -> String {
        let Shown::Enough(proven) = self.shown(email).await else { panic!("{email} has a second factor") };
        self.begin(proven).await
    }

    /// The same in the browser that sends this.
    pub async fn sign_in_at(&self, email: &str, cookie: &str) -> String {
        let Shown::Enough(proven) = self.shown(email).await else { panic!("{email} has a second factor") };
        self.begin_at(proven, HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())])).await
    }

    /// Begins a session in a new browser.
    pub async fn begin(&self, proven: Proven) -> String {
        self.begin_at(proven, HeaderMap::new()).await
    }

    /// Begins a session in the browser that sends this.
    pub async fn begin_at(&self, proven: Proven, headers: HeaderMap) -> String {
        let change = session::begin(&self.auth, proven, &Cookies::of(&headers), None).await.unwrap();
        let set = change.set_cookie.to_str().unwrap().to_owned();
        set.split(';').next().unwrap().to_owned()
    }

    pub async fn signed_in(&self, cookie: &str) -> Option<auth::SignedIn> {
        let headers = HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())]);
        session::current(&self.auth, &Cookies::of(&headers), None).await.unwrap()
    }

    pub async fn client(&self, suffix: &str, kind: &str) -> (Client, String) {
        let (client, secret) =
            client::register(&self.auth, &self.acting(), suffix, &registration(kind)).await.unwrap();
        (client, secret.map(|secret| secret.text.expose().clone()).unwrap_or_default())
    }

    pub async fn get(&self, path: &str, cookie: Option<&str>) -> Reply {
        let mut request = Request::get(path);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.call(request.body(Body::empty()).unwrap()).await
    }

    pub async fn get_with_bearer(&self, path: &str, token: &str) -> Reply {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        self.call(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, basic: Option<(&str, &str)>, form: &[(&str, &str)]) -> Reply {
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            let pair = b64::encode_standard(format!("{id}:{secret}"));
            request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
        }
        self.call(request.body(Body::from(encoded(form))).unwrap()).await
    }

    pub async fn call(&self, request: Request<Body>) -> Reply {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// The whole way to a code: the person signs in and allows everything that is asked.
    pub async fn code(&self, client: &Client, cookie: &str, scope: &str) -> String {
        let asked = self.get(&authorize(client, scope, &[]), Some(cookie)).await;
        let answered = match asked.sent("request") {
            Some(request) => self.allow(cookie, &request).await,
            None => asked.location().to_owned(),
        };
        let address = Url::parse(&answered).unwrap();
        let (_, code) = address.query_pairs().find(|(name, _)| name == "code").unwrap();
        code.into_owned()
    }

    pub async fn allow(&self, cookie: &str, request: &str) -> String {
        let signed_in = self.signed_in(cookie).await.unwrap();
        let pending =
            auth::authorize::pending(&self.auth, &signed_in, request.parse().unwrap()).await.unwrap();
        let decision = auth::authorize::Decision::Allow(pending.scopes);
        let onward = auth::authorize::decide(&self.auth, &signed_in, pending.id, &decision).await;
        onward.unwrap_or_else(|fault| panic!("{fault}")).address().to_owned()
    }

    pub async fn redeem(&self, client: &Client, secret: &str, code: &str) -> Reply {
        let basic = Some((client.client_id.as_str(), secret)).filter(|_| !secret.is_empty());
        let id = [("client_id", client.client_id.as_str())];
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post("/oauth2/token", basic, &[&form[..], &id[..]].concat()).await
    }

    /// A token of a person for this client.
    pub async fn token(&self, client: &Client, secret: &str, cookie: &str, scope: &str) -> String {
        let code = self.code(client, cookie, scope).await;
        let reply = self.redeem(client, secret, &code).await;
        reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
    }

    /// Acts and outcomes on record, the oldest first.
    pub async fn acts(&self) -> Vec<(String, String)> {
        let mut tx = self.db.read().await.unwrap();
        tx.all("SELECT act, outcome FROM audit_event ORDER BY at, id", store::binds![]).await.unwrap()
    }
}

pub fn registration(kind: &str) -> Registration {
    let grants: &[&str] = if kind == "public" {
        &["authorization_code"]
    } else {
        &["authorization_code", "client_credentials"]
    };
    Registration {
        name: "Sleep diary".into(),
        uri: "https://app.example".into(),
        confidentiality: kind.into(),
        redirect_uris: vec![CALLBACK.into(), "http://127.0.0.1/callback".into()],
        post_logout_redirect_uris: vec!["https://app.example/bye".into()],
        grant_types: grants.iter().map(|grant| (*grant).to_owned()).collect(),
        scopes: "openid profile email a".into(),
        ..Registration::default()
    }
}

/// The address that a client sends a browser to.
pub fn authorize(client: &Client, scope: &str, more: &[(&str, &str)]) -> String {
    let challenge = pkce::s256_challenge(VERIFIER);
    let asked = [
        ("response_type", "code"),
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("scope", scope),
        ("state", "st&te"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let asked = asked.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let all: Vec<(&str, &str)> =
        asked.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
    format!("/oauth2/authorize?{}", encoded(&all))
}

pub fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn page(view: &ErrorView<'_>) -> String {
    format!("page: {} {}", view.status.as_u16(), view.message)
}
