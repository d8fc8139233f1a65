//! Following the feed of sites: every version behind the place that was seen is held against every subscription of its site. The
//! events that come of it, their numbers and the new place are one unit: none is lost and none is numbered twice, whoever else
//! follows the same site, and wherever a node dies.
//!
//! A node that writes follows at once; what a node wrote that died before it could is found by the clock of any other.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use futures_util::FutureExt as _;
use kernel::{Fault, Kind, Timestamp};
use store::{DbError, Reader as Database, Signal, Writer};
use tokio::{
    task::yield_now,
    time::{Instant, sleep_until},
};
use web::Shutdown;

use super::{
    FOLLOW_EVERY, HAPPENED, State,
    deliver::{self, Deliver},
    hold::{Hits, Step, hold},
    queries::{self, Event, SubscriptionRow},
    remember::{self, One, Told, Unread},
    settle::{self, Outcome},
    sight::{Sight, access_of, weighed},
    site_numbered,
};
use crate::{
    Fhir, PortFault,
    access::Access,
    resource::{LogicalId, WRITTEN, WriteFault, behind, numbered},
    site::Site,
};

/// Versions that are looked at in one unit.
pub const FEED_ROWS: i64 = 200;

/// Why a site could not be followed on.
#[derive(Debug, thiserror::Error)]
pub enum FollowFault {
    /// What an owner may see cannot be told.
    #[error(transparent)]
    Port(#[from] PortFault),
    /// A subscription's new state cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for FollowFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Port(fault) => fault.kind(),
            Self::Write(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        "not available at the moment; try again later".into()
    }
}

/// Which sites are looked at.
enum Which {
    All,
    Of(BTreeSet<i64>),
}

/// Follow until told to stop: a site at once when this node has written there, and all of them every second in any case.
pub(crate) async fn keep_following(fhir: Fhir, shutdown: Shutdown) {
    let mut written = fhir.db.notify().subscribe(WRITTEN);
    let mut which = Which::All;
    let mut next = Instant::now();
    loop {
        if matches!(which, Which::All) {
            next = Instant::now() + FOLLOW_EVERY;
        }
        if let Err(why) = fhir.follow_some(which).await {
            tracing::warn!(%why, "a site's feed is not followed; it will be tried again");
        }
        which = tokio::select! {
            biased;
            () = shutdown.begun() => return,
            () = sleep_until(next) => Which::All,
            heard = written.next() => match heard {
                Some(signal) => and_more(signal, &mut written),
                None => return,
            },
        };
    }
}

/// What was written meanwhile is looked at with it.
fn and_more(first: Signal, written: &mut store::Subscription) -> Which {
    let (mut sites, mut heard) = (BTreeSet::new(), Some(first));
    while let Some(signal) = heard {
        let Signal::Message(of) = signal else { return Which::All };
        sites.extend(of.parse::<i64>());
        heard = written.next().now_or_never().flatten();
    }
    Which::Of(sites)
}

impl Fhir {
    /// Hold what is behind the places that were seen against the subscriptions of all sites; how many events came of it.
    ///
    /// # Errors
    /// The last [`FollowFault`]: what it is about is tried again the next time.
    pub async fn follow(&self) -> Result<usize, FollowFault> {
        self.follow_some(Which::All).await
    }

    /// Some sites take turns, so that one with much behind it does not keep the others waiting, nor does one's trouble.
    async fn follow_some(&self, which: Which) -> Result<usize, FollowFault> {
        let mut waiting = VecDeque::from(waiting(self, which).await?);
        let (mut found, mut failed) = (0, None);
        while let Some((number, from, newest)) = waiting.pop_front() {
            match step(self, number, from).await {
                Ok(Stepped { to, events }) => {
                    found += events;
                    if (from + 1..newest).contains(&to) {
                        waiting.push_back((number, to, newest));
                    }
                }
                Err(fault) => failed = Some(fault),
            }
        }
        failed.map_or(Ok(found), Err)
    }
}

async fn waiting(fhir: &Fhir, which: Which) -> Result<Vec<(i64, i64, i64)>, DbError> {
    let mut database = fhir.db.read().await?;
    let Which::Of(sites) = which else { return queries::behind(&mut database).await };
    let mut all = Vec::new();
    for site in sites {
        all.extend(queries::is_behind(&mut database, site).await?);
    }
    Ok(all)
}

/// How far a site was followed; nowhere if somebody else was faster.
struct Stepped {
    to: i64,
    events: usize,
}

/// What is behind a place, and whoever is told of it, on one view of the database.
struct View {
    told: Arc<Told>,
    steps: Vec<Step>,
    to: i64,
}

/// A subscription whose owner may still be told, with what it asks for.
struct Candidate {
    nth: usize,
    access: Access,
    steps: Vec<usize>,
}

/// What was found for a subscription, by its place among those that are told.
type Found = Vec<(usize, Vec<Event>)>;

async fn step(fhir: &Fhir, number: i64, from: i64) -> Result<Stepped, FollowFault> {
    let nowhere = Stepped { to: from, events: 0 };
    let Some(site) = site_numbered(fhir, number).await? else { return Ok(nowhere) };
    let view = Arc::new(view(fhir.clone(), Arc::clone(&site), from).await?);
    for Unread { id, generation, why } in &view.told.unread {
        if let Some(row) = as_it_was(fhir, &site, (id, *generation)).await? {
            over(fhir, &site, &row, why).await?;
        }
    }
    let hits = hold(&view.told, &view.steps, fhir.world.now()).await;
    let candidates = candidates(fhir, &site, &view.told, hits).await?;
    let found = reached(fhir.clone(), Arc::clone(&site), Arc::clone(&view), candidates).await?;
    let events = found.iter().map(|(_, events)| events.len()).sum();
    match write(fhir, &site, (from, view.to), (&view.told, found)).await? {
        true => Ok(Stepped { to: view.to, events }),
        false => Ok(nowhere),
    }
}

/// What is read where nobody is told is the newest place alone; the version before is read where somebody asks for the type.
async fn view(fhir: Fhir, site: Arc<Site>, from: i64) -> Result<View, DbError> {
    let db = fhir.db.clone();
    db.snapshot(async move |database: &mut Database| {
        let tenant = &site.tenant;
        let told = remember::told(&fhir, database, tenant).await?;
        if told.all.is_empty() {
            let to = queries::newest_place(database, tenant).await?;
            return Ok(View { told, steps: Vec::new(), to });
        }
        let versions = behind(database, tenant, (from, FEED_ROWS)).await?;
        let to = versions.last().map_or(from, |last| last.rid.number());
        let mut steps = Vec::new();
        for version in versions {
            if told.asking(version.resource_type).next().is_none() {
                continue;
            }
            let record = (version.resource_type, &version.id);
            let before = match version.version {
                0 | 1 => None,
                number => numbered(database, tenant, record, number - 1).await?,
            };
            steps.push(Step { version, before });
        }
        Ok(View { told, steps, to })
    })
    .await
}

/// Those of whose grant something is left. One with nothing left is switched off.
async fn candidates(
    fhir: &Fhir,
    site: &Arc<Site>,
    told: &Told,
    hits: Hits,
) -> Result<Vec<Candidate>, FollowFault> {
    let mut all = Vec::new();
    for (nth, steps) in hits {
        let Some(One { id, generation, .. }) = told.all.get(nth) else { continue };
        let Some(row) = as_it_was(fhir, site, (id, *generation)).await? else { continue };
        match access_of(fhir, site, &row).await? {
            Some(access) => all.push(Candidate { nth, access, steps }),
            None => over(fhir, site, &row, "what its owner was granted is gone").await?,
        }
    }
    Ok(all)
}

/// What is going on with it, unless its owner has written it since.
async fn as_it_was(
    fhir: &Fhir,
    site: &Site,
    (id, generation): (&LogicalId, i64),
) -> Result<Option<SubscriptionRow>, DbError> {
    let row = queries::subscription(&mut fhir.db.read().await?, site.tenant.number(), id).await?;
    Ok(row.filter(|row| row.generation == generation))
}

async fn over(fhir: &Fhir, site: &Site, row: &SubscriptionRow, why: &str) -> Result<(), WriteFault> {
    match settle::settle(fhir, &site.tenant, row, Outcome::Over(why.to_owned())).await {
        Err(WriteFault::Store(fault)) => Err(fault.into()),
        // What is wrong with its record keeps no other from being told.
        Err(fault) => {
            tracing::warn!(%fault, subscription = %row.id, "a subscription that is over cannot be written");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Of what was asked for, what may be seen. Each version is read once, whoever asked for it.
async fn reached(
    fhir: Fhir,
    site: Arc<Site>,
    view: Arc<View>,
    candidates: Vec<Candidate>,
) -> Result<Found, DbError> {
    if candidates.is_empty() {
        return Ok(Found::new());
    }
    let asked: BTreeSet<usize> = candidates.iter().flat_map(|one| one.steps.iter().copied()).collect();
    let (db, read_with) = (fhir.db.clone(), (Arc::clone(&fhir.registry), Arc::clone(&view)));
    let tenant = site.tenant.clone();
    let weighed = db
        .snapshot(async move |database: &mut Database| {
            let (registry, view) = &read_with;
            let mut all = BTreeMap::new();
            for nth in &asked {
                let Some(Step { version, .. }) = view.steps.get(*nth) else { continue };
                let weighed = weighed(database, (registry, &site.tenant), version).await?;
                all.extend(weighed.map(|weighed| (*nth, weighed)));
            }
            Ok::<_, DbError>(all)
        })
        .await?;
    let mut found = Found::new();
    for candidate in candidates {
        let mut sight = Sight::new(&fhir, &tenant, candidate.access);
        let seen = candidate.steps.iter().filter(|nth| weighed.get(nth).is_some_and(|it| sight.sees(it)));
        let versions = seen.filter_map(|nth| view.steps.get(*nth)).map(|step| &step.version);
        let events: Vec<Event> =
            versions.map(|it| Event { number: 0, rid: it.rid.number(), at: it.at }).collect();
        if !events.is_empty() {
            found.push((candidate.nth, events));
        }
        yield_now().await;
    }
    Ok(found)
}

/// Events, their numbers, what is to be told of them and the new place; nothing if somebody else was faster.
async fn write(
    fhir: &Fhir,
    site: &Site,
    (from, to): (i64, i64),
    (told, found): (&Arc<Told>, Found),
) -> Result<bool, DbError> {
    let (world, tenant, told) = (fhir.world.clone(), site.tenant.clone(), Arc::clone(told));
    fhir.db
        .write(async move |tx: &mut Writer| {
            if !queries::move_on(tx, &tenant, (from, to)).await? {
                return Ok(false);
            }
            let now: Timestamp = world.now();
            for (nth, events) in &found {
                let Some(One { id, generation, channel, .. }) = told.all.get(*nth) else { continue };
                let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
                let Some((last, epoch)) = queries::draw(tx, &tenant, (id, *generation), count).await? else {
                    continue;
                };
                for (number, event) in (last - count + 1..).zip(events) {
                    queries::add_event(tx, &tenant, id, Event { number, ..*event }).await?;
                }
                if channel == "rest-hook" {
                    let job = Deliver::new(tenant.number(), id, epoch);
                    deliver::ask(tx, &world, &job, now).await?;
                }
                tx.publish(HAPPENED, &format!("{} {id}", tenant.number())).await?;
            }
            Ok(true)
        })
        .await
}

/// Whether anybody is told of anything in this state.
pub(super) const fn is_told(state: State) -> bool {
    matches!(state, State::Active | State::Error)
}
