//! Integrations of two organisations, and their logs behind the real doors.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::{Body, BodyDataStream},
    http::{HeaderMap, Request, Response},
};
use futures_util::{
    StreamExt as _,
    future::{BoxFuture, ready},
};
use jobs::Worker;
use kernel::{Caller, Grant, Id, Integration, Organisation, Study, Timestamp, World};
use serde_json::Value;
use store::Db;
use testkit::MockClock;
use tokio::time::timeout;
use tower::ServiceExt as _;
use watch::{
    About, Integrations, Line, Log, Parts, PortFault, Standing, Watch, What,
    alert::{MailSettings, MailTls, Mailer},
};
use web::{AuthFault, Authenticate, Dialect, Manners, Metrics, Networks, Presented, Shutdown, Tasks};

pub const OURS: Id<Integration> = Id::from_bytes([0xa1; 16]);
pub const OTHER: Id<Integration> = Id::from_bytes([0xa2; 16]);
pub const THEIRS: Id<Integration> = Id::from_bytes([0xb1; 16]);
pub const STUDY: Id<Study> = Id::from_bytes([0xc1; 16]);
/// As addresses name them.
pub const OUR_LOGS: &str = "/api/v1/integrations/int_a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1/logs";
pub const THEIR_LOGS: &str = "/api/v1/integrations/int_b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1/logs";
/// How long lines are kept.
pub const KEPT: Duration = Duration::from_hours(24 * 90);

pub fn organisation(nth: u8) -> Id<Organisation> {
    Id::from_bytes([nth; 16])
}

/// They were set up at this time.
struct Known(Timestamp);

impl Integrations for Known {
    fn about(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, PortFault>> {
        let about = |nth, studies: &[Id<Study>]| {
            Some(About { organisation: organisation(nth), studies: studies.to_vec() })
        };
        let known = [(OURS, about(1, &[STUDY])), (OTHER, about(1, &[])), (THEIRS, about(2, &[]))];
        let found = known.into_iter().find(|(id, _)| *id == integration);
        Box::pin(ready(Ok(found.and_then(|(_, about)| about))))
    }

    fn of(&self, owner: Id<Organisation>) -> BoxFuture<'_, Result<Vec<Standing>, PortFault>> {
        let standing = |id, studies: &[Id<Study>], is_active| Standing {
            id,
            studies: studies.to_vec(),
            is_active,
            data_since: self.0,
        };
        Box::pin(ready(Ok(match owner == organisation(1) {
            true => vec![standing(OURS, &[STUDY], true), standing(OTHER, &[], false)],
            false => vec![standing(THEIRS, &[], true)],
        })))
    }
}

/// Bearer `<organisation>.<grant>`, `/` for `:`.
struct Bearers;

impl Authenticate for Bearers {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        let caller = || {
            let (number, grant) = presented.token.split_once('.')?;
            Some(Caller {
                organisation: organisation(number.parse().ok()?),
                client: Id::from_bytes([50; 16]),
                person: None,
                scopes: "integration:read integration:write integration:sync".parse().ok()?,
                grants: [grant.replace('/', ":").parse::<Grant>().ok()?].into_iter().collect(),
                token: Id::from_bytes([1; 16]),
            })
        };
        Box::pin(ready(caller().ok_or(AuthFault::Invalid)))
    }
}

pub struct Stage {
    pub db: Db,
    pub clock: MockClock,
    pub world: World,
    pub watch: Watch,
    pub log: Log,
    pub tasks: Tasks,
    pub shutdown: Shutdown,
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
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, field: Option<&str>) {
        let error = self.expect(status).json()["error"].clone();
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["field"].as_str(), field, "{error}");
    }
}

impl Stage {
    pub fn new(db: Db) -> Self {
        let (world, clock) = testkit::world();
        let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
        let log = watch::open_log(&db, &world, &tasks, &shutdown);
        Self::with((db, clock, world), log, (tasks, shutdown), None)
    }

    /// The same with a mail server on this port.
    pub fn mailing(&self, port: u16) -> Self {
        let settings = MailSettings {
            host: "127.0.0.1".to_owned(),
            port,
            tls: MailTls::None,
            from: "Hilum <alerts@trial.example>".to_owned(),
            credentials: None,
        };
        let mailer = Mailer::new(settings).unwrap();
        let parts = (self.db.clone(), self.clock.clone(), self.world.clone());
        Self::with(parts, self.log.clone(), (self.tasks.clone(), self.shutdown.clone()), Some(mailer))
    }

    fn with(
        (db, clock, world): (Db, MockClock, World),
        log: Log,
        (tasks, shutdown): (Tasks, Shutdown),
        mailer: Option<Mailer>,
    ) -> Self {
        let watch = Watch::new(Parts {
            db: db.clone(),
            log_db: db.clone(),
            world: world.clone(),
            integrations: Arc::new(Known(world.now())),
            log: log.clone(),
            kept: KEPT,
            mailer,
            shutdown: shutdown.clone(),
        });
        let (api, _) = watch::routes(watch.clone()).split_for_parts();
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
        let app = manners.around(web::family(Dialect::Int, api).layer(Extension(authenticate)));
        Self { db, clock, world, watch, log, tasks, shutdown, app }
    }

    /// Another process on the same database.
    pub fn another_log(&self) -> Log {
        watch::open_log(&self.db, &self.world, &self.tasks, &self.shutdown)
    }

    /// It happens, a second after what was before.
    pub fn happens(&self, what: What) {
        self.say(Line::of(OURS, what));
    }

    pub fn say(&self, line: Line) {
        self.clock.advance(Duration::from_secs(1));
        self.log.note(line);
    }

    pub async fn open(&self, bearer: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::get(path).header("authorization", format!("Bearer {bearer}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub async fn ask(&self, bearer: &str, path: &str) -> Heard {
        self.call(bearer, "GET", path, &[], &Value::Null).await
    }

    pub async fn call(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Heard {
        // No two changes at one time: they are told in order.
        self.clock.advance(Duration::from_secs(1));
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {bearer}"));
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
        let (parts, body) = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Heard { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// What an administrator is told: what was said before is there.
    pub async fn get(&self, path: &str) -> Value {
        self.ask("1.org_admin", path).await.expect(200).json()
    }

    /// The events of a page, as they stand there.
    pub async fn events(&self, query: &str) -> (Vec<String>, i64) {
        let page = self.get(&format!("{OUR_LOGS}?{query}")).await;
        let event = |line: &Value| line["details"]["event"].as_str().unwrap().to_owned();
        (page["logs"].as_array().unwrap().iter().map(event).collect(), page["total_count"].as_i64().unwrap())
    }

    pub async fn work(&self) {
        let worker = Worker::new(self.db.clone(), self.world.clone());
        watch::jobs(&self.watch, worker).run_due().await.unwrap();
    }
}

/// A stream that is read message by message.
pub struct Reading {
    body: BodyDataStream,
    text: String,
}

impl Reading {
    pub fn of(answer: Response<Body>) -> Self {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.into_body().into_data_stream(), text: String::new() }
    }

    /// The next message, as it stands there.
    pub async fn next(&mut self) -> String {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.text = rest;
                return message;
            }
            let piece = timeout(Duration::from_secs(60), self.body.next()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
        }
    }

    /// The next line: its id and what it says.
    pub async fn line(&mut self) -> (String, Value) {
        let message = self.next().await;
        let line = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        (line("id: "), serde_json::from_str(&line("data: ")).unwrap())
    }
}

/// One test for each engine.
macro_rules! on_stage {
    (async fn $name:ident($stage:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name(db: store::Db) {
                let $stage = crate::stage::Stage::new(db);
                $body
                $stage.shutdown.begin();
                assert_eq!($stage.tasks.finish(std::time::Duration::from_secs(30)).await, 0);
            },
            migrations = [audit::MIGRATIONS, jobs::MIGRATIONS, watch::MIGRATIONS, watch::LOG_MIGRATIONS]
        );
    };
}
pub(crate) use on_stage;
