//! A deployment in miniature: two organisations, webhooks, and a receiver.

use std::{sync::Arc, time::Duration};

use ::outbound::{Outbound, SystemLookup};
use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderMap, Method, Request, Response},
};
use futures_util::future::BoxFuture;
use kernel::{Caller, Event, Grant, Id, Organisation, Secret, World};
use serde_json::{Value, json};
use store::{Db, DbError, Writer};
use testkit::MockClock;
use tower::ServiceExt;
use vault::{RootKeySource, Vault};
use web::{AuthFault, Authenticate, Dialect, Manners, Metrics, Networks, Presented, Shutdown, Tasks};
use webhooks::{
    Parts, Webhooks,
    delivery::Pace,
    event::EventType,
    inbound::{self, Became, Recipe, Recipes},
};

use crate::receiver::Receiver;

pub const BASE: &str = "/api/v1/integrations/webhooks";

pub const TYPES: &[EventType] = &[
    EventType { name: "connection.linked", description: "a person has linked an account", data: "{}" },
    EventType { name: "connection.revoked", description: "it was unlinked", data: "{}" },
    EventType { name: "sync.done", description: "data came in", data: "{}" },
];

pub fn organisation(n: u8) -> Id<Organisation> {
    Id::from_bytes([n; 16])
}

/// Bearer `<organisation>`, `<organisation>.<scopes with / for :>` or the same with `.<role>` behind it, and `/` and a study's id behind that. Where
/// the organisation has `_<number>` behind it, this person asks, through the organisation's client.
struct Bearers;

fn caller(token: &str) -> Option<Caller> {
    let mut words = token.split('.');
    let (number, person) = words.next().map(|word| word.split_once('_').unwrap_or((word, "")))?;
    let number: u8 = number.parse().ok()?;
    let scopes = words.next().unwrap_or("webhook/read+webhook/write").replace('/', ":").replace('+', " ");
    let grants = words.next().unwrap_or("org_admin").replace('/', ":");
    Some(Caller {
        organisation: organisation(number),
        client: Id::from_bytes([number; 16]),
        person: person.parse().ok().map(|person: u8| Id::from_bytes([person; 16])),
        scopes: scopes.parse().unwrap(),
        grants: grants.split('+').map(|grant| grant.parse::<Grant>().unwrap()).collect(),
        token: Id::from_bytes([1; 16]),
    })
}

impl Authenticate for Bearers {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        Box::pin(async move { caller(presented.token).ok_or(AuthFault::Invalid) })
    }
}

/// The recipe of one provider.
struct Known;

impl Recipes for Known {
    fn of(&self, provider: &str) -> Option<Recipe> {
        let headers = ["x-oura-signature".to_owned(), "x-oura-timestamp".to_owned()];
        (provider == "oura").then(|| {
            let words = ("hmac_sha256", "timestamp + body");
            Recipe::in_words(&headers, words, (Some("hex_upper"), None), None).unwrap()
        })
    }
}

impl inbound::Heard for Known {
    fn hear<'a>(&'a self, _: Id<Organisation>, _: &'a str, _: Became) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

pub struct Stage {
    pub db: Db,
    pub clock: MockClock,
    pub world: World,
    pub webhooks: Webhooks,
    pub receiver: Receiver,
    pub tasks: Tasks,
    pub shutdown: Shutdown,
    vault: Vault,
    app: Router,
}

/// An answer, read to its end.
pub struct Heard {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Heard {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
    pub fn field(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, field: Option<&str>) {
        let error = self.expect(status).json()["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["field"].as_str(), field, "{error}");
    }
}

fn pace() -> Pace {
    Pace { call_max: Duration::from_millis(300), patience: Duration::from_millis(20) }
}

impl Stage {
    pub async fn new(db: Db) -> Self {
        let (world, clock) = testkit::world();
        let key = Secret::new(crypto::b64::encode_standard(crypto::sha256(b"the root key of a test")));
        let vault = Vault::unlock(&db, &RootKeySource::Env(key), &world).await.unwrap();
        let receiver = Receiver::start().await;
        let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
        let webhooks = make((&db, &world, &vault), &receiver, (&tasks, &shutdown));
        let app = routes(&webhooks, &world);
        Self { db, clock, world, webhooks, receiver, tasks, shutdown, vault, app }
    }

    /// Another process on the same database.
    pub fn another(&self) -> Webhooks {
        make((&self.db, &self.world, &self.vault), &self.receiver, (&self.tasks, &self.shutdown))
    }

    pub async fn call(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Heard {
        let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(path);
        if !bearer.is_empty() {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        let response = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Heard { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A stream that is open: its answer, unread.
    pub async fn open(&self, bearer: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::get(path).header("authorization", format!("Bearer {bearer}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Heard {
        self.call("1", "GET", path, &[], &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Heard {
        self.call("1", "POST", path, &[], body).await
    }

    /// An endpoint of organisation 1 at the receiver, with more members.
    pub async fn endpoint(&self, path: &str, more: &Value) -> Value {
        let mut document = json!({"name": "Ours", "url": self.receiver.url(path)});
        for (name, value) in more.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        self.post(BASE, &document).await.expect(201).json()
    }

    /// Change parts of an endpoint, whatever its version is.
    pub async fn patch(&self, id: &Value, patch: &Value) -> Heard {
        let path = format!("{BASE}/{}", id.as_str().unwrap());
        self.call("1", "PATCH", &path, &[("if-match", "*")], patch).await
    }

    /// Something happens.
    pub async fn happens(&self, n: u8, name: &'static str, subject: &str, data: Value) {
        let (world, subject) = (self.world.clone(), subject.to_owned());
        let published = self.db.write(async move |tx: &mut Writer| -> Result<(), DbError> {
            let event =
                Event { organisation: organisation(n), name, subject: subject.clone(), data: data.clone() };
            jobs::publish(tx, &world, &event).await
        });
        published.await.unwrap();
    }

    /// What happened is told; how many calls that took.
    pub async fn told(&self) -> usize {
        self.webhooks.follow().await.unwrap();
        self.webhooks.deliver_due().await.unwrap()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        self.db.read().await.unwrap().one::<(i64,)>(sql, store::binds![]).await.unwrap().0
    }

    /// The acts of the audit trail, oldest first.
    pub async fn acts(&self) -> Vec<String> {
        let mut reader = self.db.read().await.unwrap();
        let rows = reader.all::<(String,)>("SELECT act FROM audit_event ORDER BY at, id", store::binds![]);
        rows.await.unwrap().into_iter().map(|(act,)| act).collect()
    }
}

fn make(
    (db, world, vault): (&Db, &World, &Vault),
    receiver: &Receiver,
    (tasks, shutdown): (&Tasks, &Shutdown),
) -> Webhooks {
    let allowed = [receiver.address.to_string().parse().unwrap()].into();
    Webhooks::new(Parts {
        db: db.clone(),
        vault: vault.clone(),
        world: world.clone(),
        outbound: Outbound::new(allowed, Arc::new(SystemLookup)).unwrap(),
        event_types: TYPES,
        recipes: Arc::new(Known),
        heard: Arc::new(Known),
        pace: pace(),
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    })
}

fn routes(webhooks: &Webhooks, world: &World) -> Router {
    let (api, _) = webhooks::routes(webhooks.clone()).split_for_parts();
    let authenticate: Arc<dyn Authenticate> = Arc::new(Bearers);
    let manners = Manners {
        world: world.clone(),
        public_url: "https://hilum.example".parse().unwrap(),
        trusted_proxies: Networks::default(),
        client_certificates: web::ClientCertificates::default(),
        metrics: Metrics::new(),
        numbered: &[],
        body_bytes_max: web::BODY_BYTES_MAX,
    };
    let inbound = web::family(Dialect::Int, webhooks::inbound::inbound_routes(webhooks.clone()));
    manners.around(web::family(Dialect::Int, api).layer(Extension(authenticate)).merge(inbound))
}
