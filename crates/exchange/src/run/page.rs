//! One page: it is pulled, its records are read, and a unit stores it.

use std::time::Duration;

use ::jobs::Attempt;
use fhir::{Intake, NoIntake, Received, Refused};
use kernel::{Digest, Id};
use serde_json::Value;
use store::Writer;
use vault::{Place, Sealed, TenantVault};

use super::{
    Extent, Phase, Run, SyncRun,
    go::StepFault,
    queries,
    unit::{Incoming, Unit},
};
use crate::{
    Exchange, Source,
    connector::{Cursor, Deletions, Found, Name, PLACE_BYTES_MAX, PullFault, Since},
    mapping::Unmapped,
    quarantine::Kept,
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
    let own = vault.clone();
    let incoming = intake.each(brought.found, move |intake, Found { name, text, raw }| {
        let digest = digest(&own, text.as_deref().unwrap_or_default());
        let read = received(intake, &name, text.as_deref());
        // What a mapping made is not what the source has.
        let kept = match raw {
            Some(raw) => Kept::raw(raw),
            None => Kept::text(text.unwrap_or_default()),
        };
        Incoming { name, kept, digest, read }
    });
    let incoming = incoming.await?;
    let turn = intake.turn();
    let unit = Unit {
        exchange: exchange.clone(),
        attempt: attempt.clone(),
        run: run.clone(),
        incoming,
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
