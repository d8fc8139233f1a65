//! Telling a subscriber: one call of its endpoint for each job, whose outcome asks for the next one. A call that was made is made again
//! if the node dies before it could say so.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use crypto::webhook::{Message, sign};
use fhirpath::document::{Document, DocumentLimits};
use http::{HeaderMap, Method, StatusCode, header};
use jobs::{Job, JobFault, Retry};
use kernel::{Fault, Timestamp, World};
use outbound::Call;
use serde::{Deserialize, Serialize};
use store::{DbError, Reader as Database, Writer};
use url::Url;

use super::{
    State,
    notification::{Notice, Standing},
    queries::{self, Event, SubscriptionRow},
    remember::read,
    secrets::Secrets,
    settle::{Outcome, settle},
    sight::{Sight, Told, access_of, told},
    site_numbered,
    topics::Topics,
    wanted::{About, Channel, Content, Sends, Wanted},
};
use crate::{
    Fhir,
    index::{Reference, Value, extract},
    outcome::FHIR_JSON,
    parameter::{ParameterId, Registry, ResourceType},
    resource::{LogicalId, Version, newest_version},
    site::Site,
    tenant::{self, Tenant},
};

/// What is read of an endpoint's answer, in bytes: what it says does not count.
pub const ANSWER_BYTES_MAX: usize = 16 << 10;
/// How often a worker takes up one call that it does not bring to an end.
pub const CLAIMS_MAX: u32 = 1_000;
/// Records that go with one event.
const INCLUDED_MAX: usize = 20;

/// Tell one subscriber what it was not told yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Deliver {
    tenant: i64,
    id: String,
    epoch: i64,
}

impl Deliver {
    pub fn new(tenant: i64, id: &LogicalId, epoch: i64) -> Self {
        Self { tenant, id: id.to_string(), epoch }
    }

    fn key(&self) -> String {
        format!("{}/{}/{}", self.tenant, self.id, self.epoch)
    }
}

/// Ask for it, unless it was asked for already since the last attempt.
pub(super) async fn ask(tx: &mut Writer, world: &World, job: &Deliver, at: Timestamp) -> Result<(), DbError> {
    jobs::enqueue(tx, world, job, at, Some(&job.key())).await.map(|_| ())
}

impl Job for Deliver {
    const NAME: &'static str = "fhir.subscription.deliver";
    /// Of what is our own trouble. What the endpoint does is counted with the subscription.
    const RETRY: Retry = Retry { attempts_max: CLAIMS_MAX, first_s: 2, max_s: 300, jitter_percent: 20 };
    type Context = Fhir;

    async fn run(self, fhir: &Fhir, _attempt: u32) -> Result<(), JobFault> {
        let Ok(id) = self.id.parse::<LogicalId>() else { return Ok(()) };
        let row = queries::subscription(&mut fhir.db.read().await?, self.tenant, &id).await?;
        let Some(row) = row.filter(|row| row.epoch == self.epoch && row.state != State::Off) else {
            return Ok(());
        };
        let Some(site) = site_numbered(fhir, self.tenant).await? else { return Ok(()) };
        let outcome = attempt(fhir, &site, &row).await?;
        settle(fhir, &site.tenant, &row, outcome).await?;
        Ok(())
    }
}

async fn attempt(fhir: &Fhir, site: &Site, row: &SubscriptionRow) -> Result<Outcome, JobFault> {
    if row.ends_at.is_some_and(|end| end <= fhir.world.now()) {
        return Ok(Outcome::Over("the end that it named has come".to_owned()));
    }
    let Some(access) = access_of(fhir, site, row).await? else {
        return Ok(Outcome::Over("what its owner was granted is gone".to_owned()));
    };
    let tenant = &tenant::as_now(&mut fhir.db.read().await?, &site.tenant).await?;
    let topics = Topics::of(fhir, tenant).await?;
    let read = read(fhir, &mut fhir.db.read().await?, (tenant, &topics), row).await?;
    let wanted = match read {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Outcome::Over(why)),
    };
    let Channel::Hook(endpoint) = &wanted.channel else { return Ok(Outcome::Nothing) };
    let Some(_slot) = fhir.slots.take(tenant.number(), endpoint) else { return Ok(Outcome::Busy) };
    let teller = Teller { fhir, tenant, registry: &topics.registry, row, wanted: &wanted, endpoint };
    match (row.since, row.delivered < row.events) {
        (None, _) => teller.shake().await,
        (Some(_), true) => teller.tell(Sight::new(fhir, tenant, access)).await,
        (Some(_), false) => teller.beat().await,
    }
}

/// One attempt.
struct Teller<'t> {
    fhir: &'t Fhir,
    tenant: &'t Tenant,
    registry: &'t Arc<Registry>,
    row: &'t SubscriptionRow,
    wanted: &'t Wanted,
    endpoint: &'t Url,
}

/// What is sent.
struct Notification {
    id: String,
    method: Method,
    url: Url,
    body: String,
}

impl Teller<'_> {
    fn standing(&self, status: &'static str) -> Standing<'_> {
        let (base, id) = (self.fhir.base.as_str(), &self.row.id);
        Standing { base, id, topic: self.wanted.topic(), status, events: self.row.events, error: None }
    }

    fn post(&self, id: String, body: String) -> Notification {
        Notification { id, method: Method::POST, url: self.endpoint.clone(), body }
    }

    async fn shake(&self) -> Result<Outcome, JobFault> {
        let body =
            self.standing("requested").bundle(&self.fhir.world, Notice::Handshake, &[], self.wanted.content);
        let message = self.post(format!("{}.{}.handshake", self.row.id, self.row.generation), body);
        self.send(message, Outcome::Shaken).await
    }

    async fn beat(&self) -> Result<Outcome, JobFault> {
        let is_due =
            self.wanted.heartbeat.is_some_and(|every| self.row.sent_at + every <= self.fhir.world.now());
        if !is_due || self.wanted.topic().is_none() {
            return Ok(Outcome::Nothing);
        }
        let body =
            self.standing("active").bundle(&self.fhir.world, Notice::Heartbeat, &[], self.wanted.content);
        let message = self.post(format!("{}.{}.beat", self.row.id, self.row.sent_at.as_micros()), body);
        self.send(message, Outcome::Beaten).await
    }

    async fn tell(&self, sight: Sight) -> Result<Outcome, JobFault> {
        let rows = match &self.wanted.about {
            About::Topic(_) => i64::from(self.wanted.batch),
            About::Criteria { .. } => 1,
        };
        let from = self.row.delivered + 1;
        let to = self.row.events.min(self.row.delivered + rows);
        let all = self.look(sight, (from, to)).await?;
        let taken = Outcome::Taken { to };
        let message = match &self.wanted.about {
            About::Topic(_) => {
                let standing = self.standing("active");
                let body = standing.bundle(&self.fhir.world, Notice::Events, &all, self.wanted.content);
                Some(self.post(format!("{}.{from}-{to}", self.row.id), body))
            }
            About::Criteria { sends, .. } => self.as_before_topics(&all, *sends, to),
        };
        match message {
            Some(message) => self.send(message, taken).await,
            None => Ok(taken),
        }
    }

    /// A call without content, or the record where it would be put.  <https://hl7.org/fhir/R4/subscription.html#2.46.7.1>
    fn as_before_topics(&self, all: &[Told], sends: Sends, to: i64) -> Option<Notification> {
        let version = all.first()?.version.as_ref()?;
        let id = format!("{}.{to}", self.row.id);
        match (sends, &version.body) {
            (Sends::Nothing, _) => Some(self.post(id, String::new())),
            (Sends::Record, Some(body)) => {
                let mut url = self.endpoint.clone();
                let path = format!("{}/{}", url.path().trim_end_matches('/'), version.reference());
                url.set_path(&path);
                Some(Notification { id, method: Method::PUT, url, body: body.as_str().to_owned() })
            }
            (Sends::Record, None) => None,
        }
    }

    /// Events with what may be told of them now.
    async fn look(&self, sight: Sight, (from, to): (i64, i64)) -> Result<Vec<Told>, DbError> {
        let shapes: Vec<_> = match &self.wanted.about {
            About::Topic(topic) if self.wanted.content != Content::Empty => {
                topic.shapes.iter().map(|shape| (shape.of, shape.includes.clone())).collect()
            }
            _ => Vec::new(),
        };
        let (tenant, registry, id) = (self.tenant.clone(), Arc::clone(self.registry), self.row.id.clone());
        let db = self.fhir.db.clone();
        db.snapshot(async move |database: &mut Database| {
            let mut sight = sight.clone();
            let events: Vec<Event> =
                queries::events(database, &tenant, &id, (from, to, to - from + 1)).await?;
            let mut all = told(database, &tenant, &mut sight, &events).await?;
            for told in &mut all {
                let Some(version) = &told.version else { continue };
                for (of, target) in referred(&registry, version, &shapes) {
                    if let Some(included) = newest_version(database, &tenant, of, &target).await?
                        && !included.is_deletion()
                        && sight.reaches(database, &tenant, &included).await?
                    {
                        told.included.push(included);
                    }
                }
            }
            Ok(all)
        })
        .await
    }

    async fn send(&self, message: Notification, taken: Outcome) -> Result<Outcome, JobFault> {
        let Notification { id, method, url, body } = message;
        let (fhir, tenant) = (self.fhir, self.tenant);
        let mut headers = HeaderMap::new();
        if let Some(sealed) = &self.row.secrets {
            let vault = fhir.vault.tenant(tenant.organisation()).await?;
            let secrets = Secrets::open(&vault, (tenant, &self.row.id), sealed)?;
            headers = secrets.headers();
            let at = fhir.world.now();
            let signature = sign(&secrets.key, &Message { id: &id, at, body: body.as_bytes() });
            headers.extend(outbound::webhook::signed(&id, at, &[signature]));
        }
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, FHIR_JSON);
        }
        let call = Call { method, url, headers, body: Bytes::from(body), timeout: self.wanted.timeout };
        Ok(match fhir.outbound.send(call).await {
            Ok(answer) => {
                let (status, asked) =
                    (answer.status, outbound::retry_after(&answer.headers, fhir.world.now()));
                // What it says is taken off the line, so that the connection can be used again, and does not count.
                drop(answer.read(ANSWER_BYTES_MAX).await);
                judged(status, asked, taken)
            }
            Err(fault) => Outcome::Failed { why: fault.public().into_owned(), asked: None },
        })
    }
}

fn judged(status: StatusCode, asked: Option<Duration>, taken: Outcome) -> Outcome {
    let why = format!("the endpoint answered {}", status.as_u16());
    match status {
        status if status.is_success() => taken,
        // It says that it is gone for good.
        StatusCode::GONE => Outcome::Over(why),
        _ => Outcome::Failed { why, asked },
    }
}

/// The records that a topic's shape has go with this one.
fn referred(
    registry: &Registry,
    version: &Version,
    shapes: &[(ResourceType, Vec<ParameterId>)],
) -> Vec<(ResourceType, LogicalId)> {
    let wanted: Vec<_> =
        shapes.iter().filter(|(of, _)| *of == version.resource_type).flat_map(|(_, all)| all).collect();
    let Some(body) = version.body.as_ref().filter(|_| !wanted.is_empty()) else { return Vec::new() };
    let Ok(document) = Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default()) else {
        return Vec::new();
    };
    let Some(entries) = extract(document.root(), registry) else { return Vec::new() };
    let local = |value: &Value<'_>| match value {
        Value::Reference(Reference::Local { resource_type, id, .. }) => {
            Some((*resource_type, id.parse().ok()?))
        }
        _ => None,
    };
    let mut all: Vec<_> = wanted.into_iter().flat_map(|one| entries.of(*one).filter_map(local)).collect();
    all.dedup();
    all.truncate(INCLUDED_MAX);
    all
}
