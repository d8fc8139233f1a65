//! Following the feed of sites: every version behind the place that was seen is held against every subscription of its site. The
//! events that come of it, their numbers and the new place are one unit: none is lost and none is numbered twice, whoever else
//! follows the same site, and wherever a node dies.

use std::{collections::BTreeMap, sync::Arc};

use fhirpath::document::{Document, DocumentLimits};
use kernel::{Fault, Kind, Timestamp};
use store::{DbError, Reader as Database, Writer};
use tokio::time::sleep;
use web::Shutdown;

use super::{
    FED, FOLLOW_EVERY, HAPPENED, State,
    change::{Change, Seen, became},
    condition::Terms,
    deliver::{self, Deliver},
    of_subscription,
    queries::{self, Event, SubscriptionRow},
    settle::{self, Outcome},
    sight::{Sight, access_of},
    site_numbered,
    topics::Topics,
    wanted::Wanted,
};
use crate::{
    Fhir, PortFault,
    access::Access,
    resource::{LogicalId, Version, WriteFault, behind, newest_version, numbered},
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

/// Follow all sites until told to stop: at once when told that there is something, and every second in any case.
pub(crate) async fn keep_following(fhir: Fhir, shutdown: Shutdown) {
    let mut fed = fhir.db.notify().subscribe(FED);
    loop {
        if let Err(why) = fhir.follow().await {
            tracing::warn!(%why, "a site's feed is not followed; it will be tried again");
        }
        tokio::select! {
            () = shutdown.begun() => return,
            heard = fed.next() => if heard.is_none() { return },
            () = sleep(FOLLOW_EVERY) => {}
        }
    }
}

impl Fhir {
    /// Hold what is behind the places that were seen against the subscriptions of all sites; how many events came of it. One site's
    /// trouble does not keep the others waiting.
    ///
    /// # Errors
    /// The last [`FollowFault`]: what it is about is tried again the next time.
    pub async fn follow(&self) -> Result<usize, FollowFault> {
        let sites = queries::behind(&mut self.db.read().await?).await?;
        let (mut found, mut failed) = (0, None);
        for (number, mut from, newest) in sites {
            while from < newest {
                match step(self, number, from).await {
                    Ok(Step { to, events }) if to > from => {
                        found += events;
                        from = to;
                    }
                    Ok(_) => break,
                    Err(fault) => {
                        failed = Some(fault);
                        break;
                    }
                }
            }
        }
        failed.map_or(Ok(found), Err)
    }
}

/// How far a site was followed; nowhere if somebody else was faster.
struct Step {
    to: i64,
    events: usize,
}

/// A subscription whose owner may still be told.
struct Candidate {
    row: SubscriptionRow,
    wanted: Wanted,
    access: Access,
}

/// What was found of a subscription.
type Found = BTreeMap<(LogicalId, i64), (String, Vec<Event>)>;

async fn step(fhir: &Fhir, number: i64, from: i64) -> Result<Step, FollowFault> {
    let nowhere = Step { to: from, events: 0 };
    let Some(site) = site_numbered(fhir, number).await? else { return Ok(nowhere) };
    let Some(candidates) = candidates(fhir, &site).await? else { return Ok(nowhere) };
    let held = held(fhir.clone(), Arc::clone(&site), candidates, from).await?;
    let Some((to, found)) = held else { return Ok(nowhere) };
    let events = found.values().map(|(_, events)| events.len()).sum();
    match write(fhir, &site, (from, to), found).await? {
        true => Ok(Step { to, events }),
        false => Ok(nowhere),
    }
}

/// Whoever is told at this site. One whose owner may see nothing any more, or that cannot be read any more, is switched off; none
/// if one was, since then the list is another one.
async fn candidates(fhir: &Fhir, site: &Arc<Site>) -> Result<Option<Vec<Candidate>>, FollowFault> {
    let Some(of) = of_subscription() else { return Ok(None) };
    let rows = queries::told(&mut fhir.db.read().await?, &site.tenant, of.number(), super::SUBSCRIPTIONS_MAX)
        .await?;
    if rows.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let topics = Topics::of(fhir, &site.tenant).await?;
    let (mut all, mut was_switched_off) = (Vec::new(), false);
    for row in rows {
        let refused = match access_of(fhir, site, &row).await? {
            None => "what its owner was granted is gone",
            Some(access) => match read(fhir, site, &topics, &row).await? {
                Some(wanted) => {
                    all.push(Candidate { row, wanted, access });
                    continue;
                }
                None => "it cannot be read any more: its topic may be gone",
            },
        };
        settle::settle(fhir, &site.tenant, &row, Outcome::Over(refused.to_owned())).await?;
        was_switched_off = true;
    }
    Ok((!was_switched_off).then_some(all))
}

/// What a subscription asks for, as its record says it.
pub(super) async fn read(
    fhir: &Fhir,
    site: &Site,
    topics: &Topics,
    row: &SubscriptionRow,
) -> Result<Option<Wanted>, DbError> {
    let Some(of) = of_subscription() else { return Ok(None) };
    let version = newest_version(&mut fhir.db.read().await?, &site.tenant, of, &row.id).await?;
    let body = version.filter(|version| version.version == row.version).and_then(|version| version.body);
    let body = body.and_then(|body| serde_json::from_str(body.as_str()).ok());
    let terms = Terms { registry: &fhir.registry, now: fhir.world.now() };
    Ok(body.and_then(|body| Wanted::read(&body, topics, terms).ok()))
}

/// What is behind a place, held against the subscriptions on one view of the database; none if that has others by now.
async fn held(
    fhir: Fhir,
    site: Arc<Site>,
    candidates: Vec<Candidate>,
    from: i64,
) -> Result<Option<(i64, Found)>, DbError> {
    let db = fhir.db.clone();
    let candidates = Arc::new(candidates);
    db.snapshot(async move |database: &mut Database| {
        let tenant = &site.tenant;
        if candidates.is_empty() && is_quiet(database, &site).await? {
            return Ok(Some((queries::newest_place(database, tenant).await?, Found::new())));
        }
        if !are_all(database, &site, &candidates).await? {
            return Ok(None);
        }
        let versions = behind(database, tenant, (from, FEED_ROWS)).await?;
        let Some(to) = versions.last().map(|last| last.rid.number()) else { return Ok(None) };
        let mut found = Found::new();
        let mut sights: Vec<Sight> =
            candidates.iter().map(|one| Sight::new(&fhir, one.access.clone())).collect();
        for version in &versions {
            hold(&fhir, database, (&site, version), (&candidates, &mut sights), &mut found).await?;
        }
        Ok(Some((to, found)))
    })
    .await
}

/// Nobody is told at this site.
async fn is_quiet(database: &mut Database, site: &Site) -> Result<bool, DbError> {
    let Some(of) = of_subscription() else { return Ok(true) };
    Ok(queries::told(database, &site.tenant, of.number(), 1).await?.is_empty())
}

/// Whether this view has no other subscriptions than these.
async fn are_all(database: &mut Database, site: &Site, candidates: &[Candidate]) -> Result<bool, DbError> {
    let Some(of) = of_subscription() else { return Ok(true) };
    let now = queries::told(database, &site.tenant, of.number(), super::SUBSCRIPTIONS_MAX).await?;
    let same = |now: &SubscriptionRow| {
        candidates.iter().any(|one| one.row.id == now.id && one.row.generation == now.generation)
    };
    Ok(now.iter().all(same))
}

/// Hold one version against the subscriptions.
async fn hold(
    fhir: &Fhir,
    database: &mut Database,
    (site, version): (&Site, &Version),
    (candidates, sights): (&[Candidate], &mut [Sight]),
    found: &mut Found,
) -> Result<(), DbError> {
    let of = version.resource_type;
    let is_for = |one: &Candidate| {
        one.row.since.is_some_and(|since| version.rid.number() > since) && one.wanted.types().contains(&of)
    };
    if !candidates.iter().any(is_for) {
        return Ok(());
    }
    let before = match version.version {
        0 | 1 => None,
        number => numbered(database, &site.tenant, (of, &version.id), number - 1).await?,
    };
    let (old, new) = (document(before.as_ref()), document(Some(version)));
    let now = fhir.world.now();
    let change = Change {
        of,
        became: became(version, before.as_ref()),
        before: old.as_ref().and_then(|document| Seen::new(document, &fhir.registry)),
        after: new.as_ref().and_then(|document| Seen::new(document, &fhir.registry)),
        now,
    };
    let hits: Vec<bool> = candidates.iter().map(|one| is_for(one) && one.wanted.is_about(&change)).collect();
    for ((candidate, sight), _) in candidates.iter().zip(sights).zip(hits).filter(|(_, is_hit)| *is_hit) {
        if sight.reaches(database, &site.tenant, version).await? {
            let key = (candidate.row.id.clone(), candidate.row.generation);
            let (_, events) = found.entry(key).or_insert_with(|| (candidate.row.channel.clone(), Vec::new()));
            events.push(Event { number: 0, rid: version.rid.number(), at: version.at });
        }
    }
    Ok(())
}

fn document(version: Option<&Version>) -> Option<Document<'_>> {
    let body = version?.body.as_ref()?;
    Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default()).ok()
}

/// Events, their numbers, what is to be told of them and the new place; nothing if somebody else was faster.
async fn write(fhir: &Fhir, site: &Site, (from, to): (i64, i64), found: Found) -> Result<bool, DbError> {
    let (world, tenant) = (fhir.world.clone(), site.tenant.clone());
    fhir.db
        .write(async move |tx: &mut Writer| {
            if !queries::move_on(tx, &tenant, (from, to)).await? {
                return Ok(false);
            }
            let now: Timestamp = world.now();
            for ((id, generation), (channel, events)) in &found {
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
