//! One page, as one unit: its records, where the run goes on, up to where all is known, what became of each, and who did it.

use std::{collections::HashSet, time::Duration};

use ::jobs::{Attempt, Progress, Stop};
use audit::{Entry, Outcome, Subject};
use fhir::{Became, Intake, Known, NoIntake, Received, Refused};
use kernel::{Actor, Digest, Id};
use serde_json::{Value, json};
use store::{DbError, Writer};
use vault::{Place, Sealed, TenantVault};
use watch::{Line, What};

use super::{
    Counts, Extent, Phase, Run, State, SyncRun,
    end::settle,
    go::StepFault,
    known,
    queries::{self, Step},
};
use crate::{
    Exchange, Source,
    connector::{Cursor, Deletions, Found, Name, PLACE_BYTES_MAX, PullFault, Since},
    mapping::Unmapped,
    quarantine::{self, Kept},
};

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    On,
    Through,
}

/// What a step brings in.
#[derive(Default)]
pub(super) struct Brought {
    pub found: Vec<Found>,
    pub gone: Vec<Name>,
    pub begun: Vec<String>,
    /// How long the other side was waited for.
    pub took: Duration,
}

/// Where a step leads.
pub(super) struct Leads {
    /// None if the run is through.
    pub next: Option<(Phase, Option<Value>)>,
    pub mark: Option<Value>,
}

/// Pull a page and store it.
pub(super) async fn pull(
    exchange: &Exchange,
    attempt: &Attempt,
    (run, source): (&Run, &Source),
) -> Result<Stepped, StepFault> {
    let vault = exchange.vault.tenant(run.organisation).await.map_err(|fault| StepFault::of(&fault))?;
    let abilities = source.connector.abilities();
    let place = opened(exchange, &vault, run).await?;
    let is_since = abilities.since == Since::Told && run.extent == Extent::Incremental;
    // A full run knows of no mark; once it is under way, its place says all.
    let mark = if is_since { marked(exchange, &vault, run).await? } else { None };
    let asked = exchange.world.now();
    let page = source.connector.pull(&Cursor { mark, place }).await?;
    let took = exchange.world.now().since(asked);
    let rechecks = run.extent == Extent::Full && abilities.deletions == Deletions::Asked;
    let next = match page.next {
        Some(place) => Some((Phase::Pull, Some(place))),
        None => rechecks.then_some((Phase::Recheck, None)),
    };
    let brought = Brought { found: page.records, gone: page.gone, begun: page.begun, took };
    store(exchange, attempt, (run, source), (brought, Leads { next, mark: page.mark })).await
}

/// A record on its way in, and what is known of it before the unit begins.
struct Incoming {
    name: Name,
    kept: Kept,
    digest: Digest,
    read: Result<Received, Refused>,
}

/// How a record stands that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It has never come.
    Never,
    /// It came, and has always waited in quarantine.
    Waiting,
    /// It came and was taken.
    Here,
}

impl Stands {
    const fn known(self) -> Known {
        match self {
            Self::Never | Self::Waiting => Known::New,
            Self::Here => Known::Ours,
        }
    }
}

/// A record as the site would take it, unless it is refused: by the mapping, or by the site.
pub(crate) fn received(
    intake: &Intake,
    name: &Name,
    text: Result<&str, &Unmapped>,
) -> Result<Received, Refused> {
    let text = text.map_err(|why| Refused { code: why.code, words: why.words.clone() })?;
    let received = intake.read(text)?;
    match received.resource_type() == name.of && received.id() == name.id {
        true => Ok(received),
        false => {
            Err(Refused { code: "invalid", words: "it is another record than its name says".to_owned() })
        }
    }
}

/// Store what a step brought, and where it leads.
pub(super) async fn store(
    exchange: &Exchange,
    attempt: &Attempt,
    (run, source): (&Run, &Source),
    (brought, leads): (Brought, Leads),
) -> Result<Stepped, StepFault> {
    let intake = exchange.fhir.intake(run.organisation, source.site).await.map_err(|none| match none {
        NoIntake::NoSite => StepFault::Gone("the integration's site has no records"),
        NoIntake::Db(fault) => fault.into(),
    })?;
    let vault = exchange.vault.tenant(run.organisation).await.map_err(|fault| StepFault::of(&fault))?;
    let incoming = brought.found.into_iter().map(|Found { name, text, raw }| {
        let digest = digest(&vault, text.as_deref().unwrap_or_default());
        let read = received(&intake, &name, text.as_deref());
        // What a mapping made is not what the source has.
        let kept = match raw {
            Some(raw) => Kept::raw(raw),
            None => Kept::text(text.unwrap_or_default()),
        };
        Incoming { name, kept, digest, read }
    });
    let turn = intake.turn();
    let unit = Unit {
        exchange: exchange.clone(),
        attempt: attempt.clone(),
        run: run.clone(),
        incoming: incoming.collect(),
        gone: brought.gone,
        begun: brought.begun,
        took: brought.took,
        place: leads
            .next
            .as_ref()
            .and_then(|(_, place)| place.as_ref())
            .map(|place| seal(&vault, place_of(run.id), place))
            .transpose()?,
        mark: leads.mark.map(|mark| seal(&vault, mark_of(run), &mark)).transpose()?,
        phase: leads.next.map(|(phase, _)| phase),
        intake,
        vault,
    };
    let stored = exchange.db.write_in_turn(turn, async move |tx: &mut Writer| unit.run(tx).await).await;
    Ok(stored?)
}

struct Unit {
    exchange: Exchange,
    attempt: Attempt,
    run: Run,
    incoming: Vec<Incoming>,
    gone: Vec<Name>,
    begun: Vec<String>,
    took: Duration,
    place: Option<Sealed>,
    mark: Option<Sealed>,
    /// None if the run is through.
    phase: Option<Phase>,
    intake: Intake,
    vault: TenantVault,
}

impl Unit {
    async fn run(&self, tx: &mut Writer) -> Result<Stepped, Stop> {
        let run = &self.run;
        let now = self.exchange.world.now();
        let mut counts = Counts::default();
        for origin in &self.begun {
            quarantine::begun(tx, run.integration, origin, now).await?;
        }
        self.records(tx, &mut counts).await?;
        for name in &self.gone {
            match self.delete(tx, name).await? {
                true => counts.deleted += 1,
                false => counts.unchanged += 1,
            }
        }
        counts.received = counts.stored + counts.unchanged + counts.quarantined + counts.deleted;
        let step = Step { phase: self.phase.unwrap_or(run.phase), place: self.place.clone(), counts };
        if !queries::advance(tx, (run.id, run.step), &step, now).await? {
            // Nothing of this is kept: the error undoes the unit.
            return Err(Stop::Lost);
        }
        let all = run.counts.received + counts.received;
        self.attempt.progress(tx, Progress { done: all, of: None }).await?;
        if let Some(mark) = &self.mark {
            queries::put_mark(tx, (run.integration, run.organisation), mark, now).await?;
        }
        if counts.received > 0 {
            self.record(tx, counts).await?;
        }
        self.note(tx, counts);
        if self.phase.is_none() {
            settle(&self.exchange, tx, run.id, (State::Done, None), (Actor::System, None)).await?;
            return Ok(Stepped::Through);
        }
        Ok(Stepped::On)
    }

    /// Deletes what came from this integration; what did not is nobody else's to delete.
    async fn delete(&self, tx: &mut Writer, name: &Name) -> Result<bool, DbError> {
        let of = (self.run.integration, self.run.id);
        let known = queries::known(tx, of.0, name).await?;
        let none = digest(&self.vault, "");
        match known.as_ref().map(|(_, state)| state.as_str()) {
            Some("stored") => {
                self.intake.delete(tx, &name.of, &name.id).await?;
                queries::remember(tx, of, name, (&none, "gone")).await?;
                quarantine::replaced(tx, of.0, name, self.exchange.world.now()).await?;
                Ok(true)
            }
            Some("quarantined") => {
                quarantine::replaced(tx, of.0, name, self.exchange.world.now()).await?;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    async fn records(&self, tx: &mut Writer, counts: &mut Counts) -> Result<(), DbError> {
        let of = (self.run.integration, self.run.id);
        let mut all = known::known(tx, of.0, self.incoming.iter().map(|incoming| &incoming.name)).await?;
        let (mut come, mut waiting, mut seen) = (HashSet::new(), Vec::new(), Vec::new());
        for incoming in &self.incoming {
            // A record that comes twice in one page is dealt with twice.
            if !come.insert(&incoming.name) {
                self.write(tx, &mut waiting, counts).await?;
                all.extend(known::known(tx, of.0, std::iter::once(&incoming.name)).await?);
            }
            let known = all.get(&incoming.name);
            match (known, &incoming.read) {
                (Some((digest, state)), _) if *digest == incoming.digest && state == "stored" => {
                    seen.push(&incoming.name);
                    counts.unchanged += 1;
                }
                (_, Err(refused)) => {
                    self.quarantine(tx, incoming, refused).await?;
                    counts.quarantined += 1;
                }
                (known, Ok(received)) => {
                    let known = match known.map(|(_, state)| state.as_str()) {
                        None => Stands::Never,
                        Some("quarantined") => Stands::Waiting,
                        Some(_) => Stands::Here,
                    };
                    waiting.push((incoming, received, known));
                }
            }
        }
        self.write(tx, &mut waiting, counts).await?;
        known::seen(tx, of, &seen).await
    }

    async fn write(
        &self,
        tx: &mut Writer,
        waiting: &mut Vec<(&Incoming, &Received, Stands)>,
        counts: &mut Counts,
    ) -> Result<(), DbError> {
        let of = (self.run.integration, self.run.id);
        let records: Vec<(&Received, Known)> =
            waiting.iter().map(|(_, received, stands)| (*received, stands.known())).collect();
        let became = self.intake.write(tx, &records).await?;
        let (mut stored, mut anew) = (Vec::new(), Vec::new());
        for ((incoming, _, stands), became) in waiting.drain(..).zip(became) {
            match became {
                Became::Refused(refused) => {
                    self.quarantine(tx, incoming, &refused).await?;
                    counts.quarantined += 1;
                    continue;
                }
                Became::Stored => counts.stored += 1,
                Became::Unchanged => counts.unchanged += 1,
            }
            stored.push((&incoming.name, &incoming.digest));
            // What has never come cannot wait in quarantine.
            if stands != Stands::Never {
                anew.push(&incoming.name);
            }
        }
        known::stored(tx, of, &stored).await?;
        known::replaced(tx, of.0, &anew, self.exchange.world.now()).await
    }

    async fn quarantine(
        &self,
        tx: &mut Writer,
        incoming: &Incoming,
        refused: &Refused,
    ) -> Result<(), DbError> {
        let of = (self.run.integration, self.run.id);
        let before = queries::known(tx, of.0, &incoming.name).await?;
        // A record that is stored in an older state stays ours.
        let state =
            if before.is_some_and(|(_, state)| state != "quarantined") { "stored" } else { "quarantined" };
        let none = digest(&self.vault, "");
        queries::remember(tx, of, &incoming.name, (&none, state)).await?;
        let row = (self.run.integration, self.run.organisation, self.run.id);
        quarantine::put(
            tx,
            (&self.exchange.world, &self.vault),
            row,
            (&incoming.name, &incoming.kept, refused),
        )
        .await
    }

    fn note(&self, tx: &mut Writer, counts: Counts) {
        let of = |what| Line::of(self.run.integration, what).about(self.run.id).with(counts.numbers());
        // A look after records that found none to ask for was no page.
        if self.run.phase == Phase::Pull || counts.received > 0 {
            self.exchange.log.note_in(tx, of(What::PageStored).took(self.took));
        }
        if counts.quarantined > 0 {
            self.exchange.log.note_in(tx, of(What::RecordsQuarantined));
        }
    }

    async fn record(&self, tx: &mut Writer, counts: Counts) -> Result<(), DbError> {
        let entry = Entry {
            organisation: Some(self.run.organisation),
            actor: Actor::System,
            act: "sync.stored",
            subject: Subject::of(self.run.integration),
            outcome: Outcome::Done,
            request: None,
            details: json!({
                "run": self.run.id.to_string(),
                "step": self.run.step,
                "received": counts.received,
                "stored": counts.stored,
                "unchanged": counts.unchanged,
                "quarantined": counts.quarantined,
                "deleted": counts.deleted,
            }),
        };
        audit::record(tx, &self.exchange.world, &entry).await.map(|_| ())
    }
}

/// What a record says, in a few bytes that tell nobody anything.
pub(crate) fn digest(vault: &TenantVault, text: &str) -> Digest {
    vault.blind("sync_record.digest", text)
}

fn place_of(run: Id<SyncRun>) -> Place {
    Place { table: "sync_run", row: *run.as_bytes(), column: "position_sealed", purpose: "sync_place" }
}

fn mark_of(run: &Run) -> Place {
    Place {
        table: "sync_mark",
        row: *run.integration.as_bytes(),
        column: "mark_sealed",
        purpose: "sync_mark",
    }
}

fn seal(vault: &TenantVault, place: Place, value: &Value) -> Result<Sealed, StepFault> {
    let text = value.to_string();
    match text.len() <= PLACE_BYTES_MAX {
        true => Ok(vault.seal(place, text.as_bytes())),
        false => Err(PullFault::last("the place in the source is too long").into()),
    }
}

fn open(vault: &TenantVault, place: Place, sealed: Option<Sealed>) -> Result<Option<Value>, StepFault> {
    let Some(sealed) = sealed else { return Ok(None) };
    let text = vault.open(place, &sealed).map_err(|fault| StepFault::of(&fault))?;
    let read = serde_json::from_slice(text.expose());
    read.map(Some).map_err(|_| StepFault::Gone("where the run was cannot be read"))
}

pub(super) async fn opened(
    exchange: &Exchange,
    vault: &TenantVault,
    run: &Run,
) -> Result<Option<Value>, StepFault> {
    let sealed = queries::place(&mut exchange.db.read().await?, run.id).await?;
    open(vault, place_of(run.id), sealed)
}

async fn marked(exchange: &Exchange, vault: &TenantVault, run: &Run) -> Result<Option<Value>, StepFault> {
    let sealed = queries::mark(&mut exchange.db.read().await?, run.integration).await?;
    open(vault, mark_of(run), sealed)
}
