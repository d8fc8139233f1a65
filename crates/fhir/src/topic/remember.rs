//! The subscriptions of a site with what they ask for, kept between two looks: they are read anew only where one of them was written
//! since, or a topic was.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::Timestamp;
use store::{DbError, Reader as Database, ToValue as _, Value};

use super::{
    condition::{Age, Terms},
    of_subscription,
    queries::{self, SubscriptionRow, TopicRow},
    topics::Topics,
    wanted::Wanted,
};
use crate::{
    Fhir,
    parameter::{Registry, ResourceType},
    resource::{LogicalId, newest_version},
    tenant::{self, Tenant},
};

/// Subscriptions that are read at once.
pub const TOLD_ROWS: i64 = 100;
/// Subscriptions of all sites that are kept in memory.
pub const REMEMBERED_MAX: usize = 50_000;
/// The longest that what they ask for is kept: some of it is said in relation to the day on which it is read.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);

/// A subscription that is told.
pub(super) struct One {
    pub id: LogicalId,
    pub generation: i64,
    pub channel: String,
    /// The place behind which it is told.
    pub since: i64,
    pub wanted: Arc<Wanted>,
}

/// One that cannot be read any more: its topic may be gone, or a parameter of the site's packages.
pub(super) struct Unread {
    pub id: LogicalId,
    pub generation: i64,
    pub why: String,
}

/// Whoever is told at a site.
#[derive(Default)]
pub(super) struct Told {
    pub all: Vec<One>,
    /// Those that cannot be.
    pub unread: Vec<Unread>,
    /// Who asks for records of a type, by their places in `all`.
    pub by_type: BTreeMap<ResourceType, Vec<usize>>,
    /// The place at which one of them was written the last time.
    newest: i64,
    topics: Vec<TopicRow>,
    /// How often the site's parameters had been changed.
    parameters: i64,
    /// What these came to, with R4's: all here was read with it.
    pub registry: Arc<Registry>,
    read_at: Option<Timestamp>,
}

impl Told {
    fn add(&mut self, row: SubscriptionRow, wanted: Result<Arc<Wanted>, String>) {
        let (wanted, since) = match (wanted, row.since) {
            (Ok(wanted), Some(since)) => (wanted, since),
            (wanted, _) => {
                let why = wanted.err().unwrap_or_else(|| UNREAD.to_owned());
                self.unread.push(Unread { id: row.id, generation: row.generation, why });
                return;
            }
        };
        for of in wanted.types() {
            self.by_type.entry(of).or_default().push(self.all.len());
        }
        let SubscriptionRow { id, generation, channel, .. } = row;
        self.all.push(One { id, generation, channel, since, wanted });
    }

    /// Those that ask for records of this type, by their places.
    pub fn asking(&self, of: ResourceType) -> impl Iterator<Item = (usize, &One)> {
        let places = self.by_type.get(&of).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|nth| self.all.get(*nth).map(|one| (*nth, one)))
    }
}

/// What is kept of sites.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<BTreeMap<i64, Arc<Told>>>);

impl Remembered {
    fn of(&self, site: i64) -> Option<Arc<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&site).cloned()
    }

    fn keep(&self, site: i64, told: &Arc<Told>) {
        let mut sites = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sites.insert(site, Arc::clone(told));
        if sites.values().map(|told| told.all.len()).sum::<usize>() > REMEMBERED_MAX {
            sites.clear();
        }
    }
}

/// Whoever is told at this site, on this view of the database.
pub(super) async fn told(
    fhir: &Fhir,
    database: &mut Database,
    tenant: &Tenant,
) -> Result<Arc<Told>, DbError> {
    let Some(of) = of_subscription() else { return Ok(Arc::default()) };
    let newest = queries::newest_written(database, tenant, of.number()).await?;
    if newest == 0 {
        return Ok(Arc::default());
    }
    let tenant = &tenant::as_now(database, tenant).await?;
    let parameters = tenant.added().generation();
    let (topics, now) = (queries::topics(database, tenant).await?, fhir.world.now());
    let is_recent = |told: &Arc<Told>| told.read_at.is_some_and(|at| now.since(at) < REMEMBERED_FOR);
    let is_good =
        |told: &Arc<Told>| told.topics == topics && told.parameters == parameters && is_recent(told);
    let before = fhir.remembered.of(tenant.number()).filter(is_good);
    if let Some(before) = &before
        && before.newest == newest
    {
        return Ok(Arc::clone(before));
    }
    let read_at = before.as_ref().map_or(Some(now), |before| before.read_at);
    let registry = match &before {
        Some(before) => Arc::clone(&before.registry),
        None => fhir.records.registry_of_one(tenant),
    };
    let mut told = Told { newest, topics, parameters, registry, read_at, ..Told::default() };
    fill(fhir, database, (tenant, of), (&mut told, before.as_deref())).await?;
    let told = Arc::new(told);
    fhir.remembered.keep(tenant.number(), &told);
    Ok(told)
}

/// All of them, one page after another. What was read of one that its owner has not written since is taken over.
async fn fill(
    fhir: &Fhir,
    database: &mut Database,
    (tenant, of): (&Tenant, ResourceType),
    (told, before): (&mut Told, Option<&Told>),
) -> Result<(), DbError> {
    let topics = Topics::read(fhir, (tenant, Arc::clone(&told.registry)), &told.topics);
    let known: BTreeMap<(&LogicalId, i64), &Arc<Wanted>> = before
        .map(|before| before.all.iter().map(|one| ((&one.id, one.generation), &one.wanted)).collect())
        .unwrap_or_default();
    let mut after = Value::Blob(Vec::new());
    loop {
        let rows = queries::told(database, tenant, of.number(), (&after, TOLD_ROWS)).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id.to_value();
        for row in rows {
            let wanted = match known.get(&(&row.id, row.generation)) {
                Some(wanted) => Ok(Arc::clone(wanted)),
                None => read(fhir, database, (tenant, &topics), &row).await?.map(Arc::new),
            };
            told.add(row, wanted);
        }
    }
}

/// Why one is over that cannot be read any more.
const UNREAD: &str = "it cannot be read any more";

/// What a subscription asks for, as its record says it; or why that cannot be said any more.
pub(super) async fn read(
    fhir: &Fhir,
    database: &mut Database,
    (tenant, topics): (&Tenant, &Topics),
    row: &SubscriptionRow,
) -> Result<Result<Wanted, String>, DbError> {
    let Some(of) = of_subscription() else { return Ok(Err(UNREAD.to_owned())) };
    let version = newest_version(database, tenant, of, &row.id).await?;
    let body = version.filter(|version| version.version == row.version).and_then(|version| version.body);
    let body = body.and_then(|body| serde_json::from_str(body.as_str()).ok());
    let Some(body) = body else { return Ok(Err(UNREAD.to_owned())) };
    let terms = Terms { registry: &topics.registry, now: fhir.world.now(), age: Age::Kept };
    Ok(Wanted::read(&body, topics, terms).map_err(|issues| match issues.first() {
        Some(issue) => format!("{UNREAD}: {}: {}", issue.path, issue.message),
        None => UNREAD.to_owned(),
    }))
}
