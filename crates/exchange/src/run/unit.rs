//! A page as one unit: its records, where the run goes on, up to where all is known, what became of each, and who did it. It is asked and
//! written many records at a time.

use std::{collections::BTreeSet, time::Duration};

use ::jobs::{Attempt, Progress, Stop};
use audit::{Entry, Outcome, Subject};
use fhir::{Became, Intake, Known, Received, Refused, apart};
use kernel::{Actor, Digest, Id, Integration};
use serde_json::json;
use store::{DbError, Writer};
use vault::{Sealed, TenantVault};
use watch::{Line, What};

use super::{
    Counts, Phase, Run, State, SyncRun,
    end::settle,
    known,
    page::{Stepped, digest},
    queries::{self, Step},
};
use crate::{
    Exchange,
    connector::Name,
    quarantine::{self, Kept},
};

/// A record on its way in, and what is known of it before the unit begins.
pub(super) struct Incoming {
    pub name: Name,
    pub kept: Kept,
    pub digest: Digest,
    pub read: Result<Received, Refused>,
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
    fn of(known: Option<&known::Known>) -> Self {
        match known.map(|(_, state)| state.as_str()) {
            None => Self::Never,
            Some("quarantined") => Self::Waiting,
            Some(_) => Self::Here,
        }
    }

    const fn known(self) -> Known {
        match self {
            Self::Never | Self::Waiting => Known::New,
            Self::Here => Known::Ours,
        }
    }

    /// As what it is remembered once it is refused: one that is stored in an older state stays ours.
    const fn refused(self) -> &'static str {
        match self {
            Self::Never | Self::Waiting => "quarantined",
            Self::Here => "stored",
        }
    }
}

/// What is to be written down of records.
#[derive(Default)]
struct Settled<'u> {
    known: Vec<(&'u Name, &'u Digest, &'static str)>,
    /// What waited in quarantine under their names is over. What has never come cannot wait there.
    over: Vec<&'u Name>,
    refused: Vec<(&'u Name, &'u Kept, Refused)>,
}

pub(super) struct Unit {
    pub exchange: Exchange,
    pub attempt: Attempt,
    pub run: Run,
    pub incoming: Vec<Incoming>,
    pub gone: Vec<Name>,
    pub begun: Vec<String>,
    pub took: Duration,
    pub place: Option<Sealed>,
    pub mark: Option<Sealed>,
    /// None if the run is through.
    pub phase: Option<Phase>,
    pub intake: Intake,
    pub vault: TenantVault,
}

impl Unit {
    fn of(&self) -> (Id<Integration>, Id<SyncRun>) {
        (self.run.integration, self.run.id)
    }

    pub async fn run(&self, tx: &mut Writer) -> Result<Stepped, Stop> {
        let run = &self.run;
        let now = self.exchange.world.now();
        let mut counts = Counts::default();
        quarantine::begun(tx, run.integration, &self.begun, now).await?;
        // A record that comes twice in one page is dealt with twice.
        for some in apart(&self.incoming, |incoming| Some(&incoming.name)) {
            self.records(tx, some, &mut counts).await?;
        }
        self.deletions(tx, &mut counts).await?;
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

    /// Records of which none comes twice.
    async fn records(&self, tx: &mut Writer, all: &[Incoming], counts: &mut Counts) -> Result<(), DbError> {
        let known = known::known(tx, self.run.integration, all.iter().map(|one| &one.name)).await?;
        let (mut seen, mut others) = (Vec::new(), Vec::new());
        for incoming in all {
            match known.get(&incoming.name) {
                Some((digest, state)) if *digest == incoming.digest && state == "stored" => {
                    seen.push(&incoming.name);
                }
                known => others.push((incoming, Stands::of(known))),
            }
        }
        let read: Vec<(&Received, Known)> = others
            .iter()
            .filter_map(|(incoming, stands)| Some((incoming.read.as_ref().ok()?, stands.known())))
            .collect();
        let mut became = self.intake.write(tx, &read).await?.into_iter();
        let none = digest(&self.vault, "");
        let mut settled = Settled::default();
        counts.unchanged += count(seen.len());
        for (incoming, stands) in others {
            if stands != Stands::Never {
                settled.over.push(&incoming.name);
            }
            let became = match &incoming.read {
                Ok(_) => became.next().unwrap_or(Became::Unchanged),
                Err(refused) => Became::Refused(refused.clone()),
            };
            match became {
                Became::Stored => counts.stored += 1,
                Became::Unchanged => counts.unchanged += 1,
                Became::Refused(refused) => {
                    counts.quarantined += 1;
                    settled.known.push((&incoming.name, &none, stands.refused()));
                    settled.refused.push((&incoming.name, &incoming.kept, refused));
                    continue;
                }
            }
            settled.known.push((&incoming.name, &incoming.digest, "stored"));
        }
        self.settle(tx, &settled).await?;
        known::seen(tx, self.of(), &seen).await
    }

    async fn settle(&self, tx: &mut Writer, settled: &Settled<'_>) -> Result<(), DbError> {
        let (of, world) = (self.of(), &self.exchange.world);
        known::remember(tx, of, &settled.known).await?;
        known::replaced(tx, of.0, &settled.over, world.now()).await?;
        let row = (of.0, self.run.organisation, of.1);
        quarantine::put(tx, (world, &self.vault), row, &settled.refused).await
    }

    /// Deletes what came from this integration; what did not is nobody else's to delete.
    async fn deletions(&self, tx: &mut Writer, counts: &mut Counts) -> Result<(), DbError> {
        let names: BTreeSet<&Name> = self.gone.iter().collect();
        if names.is_empty() {
            return Ok(());
        }
        let known = known::known(tx, self.run.integration, names.iter().copied()).await?;
        let is = |name: &Name, word: &str| known.get(name).is_some_and(|(_, state)| state == word);
        let stored: Vec<&Name> = names.iter().copied().filter(|name| is(name, "stored")).collect();
        let over = names.into_iter().filter(|name| is(name, "stored") || is(name, "quarantined"));
        let none = digest(&self.vault, "");
        let settled = Settled {
            known: stored.iter().map(|name| (*name, &none, "gone")).collect(),
            over: over.collect(),
            refused: Vec::new(),
        };
        let named: Vec<(&str, &str)> =
            stored.iter().map(|name| (name.of.as_str(), name.id.as_str())).collect();
        self.intake.delete(tx, &named).await?;
        counts.deleted += count(stored.len());
        counts.unchanged += count(self.gone.len() - stored.len());
        self.settle(tx, &settled).await
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

fn count(records: usize) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}
