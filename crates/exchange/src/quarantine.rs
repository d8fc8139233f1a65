//! Records that were not taken: kept sealed with the reason, until somebody lets them in again or lets go of them, or the source sends them anew.

use audit::{Entry, Outcome, Subject};
use fhir::{Became, Known, NoIntake, Refused};
use kernel::{Actor, Id, IdKind, Integration, Organisation, RequestId, Timestamp, World};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Composed, DbError, FromRow, Reader, Row, Writer, binds};
use vault::{Place, Sealed, TenantVault};
use watch::{Line, What};

use crate::{
    Exchange, Source,
    connector::{Account, Found, Name, Raw},
    run::{RunFault, SyncRun, pieces, received},
};

/// Rows of one page.
pub const QUARANTINE_ROWS_MAX: i64 = 100;

/// A record in quarantine.
#[derive(Debug, Clone, Copy)]
pub enum Quarantined {}
impl IdKind for Quarantined {
    const NAME: &'static str = "quarantined";
}

/// A record that was not taken, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id here.
    pub id: Id<Quarantined>,
    /// Of which integration.
    pub integration: Id<Integration>,
    /// The run that brought it.
    pub run: Id<SyncRun>,
    /// Which record of the source.
    pub name: Name,
    /// Why, by a code of FHIR's issue types.
    pub code: String,
    /// Since when it waits.
    pub created_at: Timestamp,
}

impl FromRow for Waiting {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            integration: row.get("integration_id")?,
            run: row.get("run_id")?,
            name: Name { of: row.get("of")?, id: row.get("record_id")? },
            code: row.get("code")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// What a record says, and why it was not taken: for those who may see it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    /// The record, as the source has it.
    pub text: String,
    /// Why it was not taken.
    pub words: String,
    /// The stream that it came in, where a mapping makes resources of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Whose account it came from, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
}

impl Kept {
    /// A resource; nothing is said yet of why.
    pub(crate) const fn text(text: String) -> Self {
        Self { text, words: String::new(), stream: None, account: None }
    }

    /// What a mapping makes resources of.
    pub(crate) fn raw(Raw { stream, record, account }: Raw) -> Self {
        Self { text: record.to_string(), words: String::new(), stream: Some(stream), account }
    }

    fn to_raw(&self) -> Option<Raw> {
        let stream = self.stream.clone()?;
        Some(Raw { stream, record: self.text.as_str().into(), account: self.account.clone() })
    }
}

fn place(id: Id<Quarantined>) -> Place {
    Place { table: "quarantine", row: *id.as_bytes(), column: "sealed", purpose: "quarantine" }
}

/// Keep records that were not taken; none may wait under the name of one of them.
pub(crate) async fn put(
    tx: &mut Writer,
    (world, vault): (&World, &TenantVault),
    (integration, organisation, run): (Id<Integration>, Id<Organisation>, Id<SyncRun>),
    records: &[(&Name, &Kept, Refused)],
) -> Result<(), DbError> {
    let mut statements = Vec::new();
    for piece in pieces(records) {
        let mut insert = Composed::new(
            "INSERT INTO quarantine (id, integration_id, organisation_id, run_id, of, record_id, code, sealed, created_at) VALUES ",
        );
        for (nth, (name, kept, refused)) in piece.iter().enumerate() {
            let id = world.new_id::<Quarantined>();
            let kept = Kept { words: refused.words.clone(), ..(*kept).clone() };
            let plain = serde_json::to_vec(&kept)
                .map_err(|_| DbError::Corrupt { why: "a record without a JSON form".into() })?;
            let sealed = vault.seal(place(id), &plain);
            insert.text(if nth == 0 { "(" } else { ", (" }).bind(&id);
            insert.text(", ").bind(&integration).text(", ").bind(&organisation).text(", ").bind(&run);
            insert.text(", ").bind(name.of.as_str()).text(", ").bind(name.id.as_str());
            insert.text(", ").bind(refused.code).text(", ").bind(&sealed);
            insert.text(", ").bind(&world.now()).text(")");
        }
        statements.push(insert);
    }
    tx.execute_all(&statements).await
}

/// The source has sent the record anew: the one that waits is over.
pub(crate) async fn replaced(
    tx: &mut Writer,
    integration: Id<Integration>,
    name: &Name,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE quarantine SET settled = 'replaced', settled_at = $4 \
               WHERE integration_id = $1 AND of = $2 AND record_id = $3 AND settled IS NULL";
    tx.execute(sql, binds![integration, name.of.as_str(), name.id.as_str(), now]).await.map(|_| ())
}

/// Wholes are read anew, the names of whose parts begin so: what waits of an earlier state of them is over.
pub(crate) async fn begun(
    tx: &mut Writer,
    integration: Id<Integration>,
    origins: &[String],
    now: Timestamp,
) -> Result<(), DbError> {
    let statement = |origin: &String| {
        let mut update = Composed::new("UPDATE quarantine SET settled = 'replaced', settled_at = ");
        update.bind(&now).text(" WHERE integration_id = ").bind(&integration);
        update.text(" AND of IN ('File', 'Row', 'OperationOutcome') AND substr(record_id, 1, length(CAST(");
        update
            .bind(origin.as_str())
            .text(" AS TEXT))) = ")
            .bind(origin.as_str())
            .text(" AND settled IS NULL");
        update
    };
    let statements: Vec<Composed> = origins.iter().map(statement).collect();
    tx.execute_all(&statements).await
}

/// What waits of an integration, the newest first; `before` is the last one of the page before.
///
/// # Errors
/// [`DbError`].
pub async fn waiting(
    reader: &mut Reader,
    (organisation, integration): (Id<Organisation>, Id<Integration>),
    before: Option<Id<Quarantined>>,
    rows_max: i64,
) -> Result<Vec<Waiting>, DbError> {
    let sql = "SELECT id, integration_id, run_id, of, record_id, code, created_at FROM quarantine \
               WHERE integration_id = $1 AND organisation_id = $2 AND settled IS NULL AND id < $3 \
               ORDER BY id DESC LIMIT $4";
    let before = before.unwrap_or_else(|| Id::from_bytes([0xff; 16]));
    reader.all(sql, binds![integration, organisation, before, rows_max.clamp(1, QUARANTINE_ROWS_MAX)]).await
}

pub(crate) async fn one(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<Quarantined>,
) -> Result<Option<Waiting>, DbError> {
    let sql = "SELECT id, integration_id, run_id, of, record_id, code, created_at FROM quarantine \
               WHERE id = $1 AND organisation_id = $2 AND settled IS NULL";
    reader.optional(sql, binds![id, organisation]).await
}

/// What a record in quarantine says. Whoever asks must be one who may see records of the site.
///
/// # Errors
/// [`RunFault::Unknown`].
pub async fn kept(
    exchange: &Exchange,
    organisation: Id<Organisation>,
    id: Id<Quarantined>,
) -> Result<Kept, RunFault> {
    let sql = "SELECT sealed FROM quarantine WHERE id = $1 AND organisation_id = $2 AND settled IS NULL";
    let row: Option<(Sealed,)> = exchange.db.read().await?.optional(sql, binds![id, organisation]).await?;
    let (sealed,) = row.ok_or(RunFault::Unknown)?;
    let plain = exchange.vault.tenant(organisation).await?.open(place(id), &sealed)?;
    let read = serde_json::from_slice(plain.expose());
    read.map_err(|_| {
        RunFault::Db(DbError::Corrupt { why: "a record in quarantine that cannot be read".into() })
    })
}

/// Somebody has seen what a record says: that is written down before they do.
pub(crate) async fn viewed(
    exchange: &Exchange,
    (organisation, id): (Id<Organisation>, Id<Quarantined>),
    (actor, request): (Actor, Option<RequestId>),
) -> Result<(), RunFault> {
    let entry = Entry {
        organisation: Some(organisation),
        actor,
        act: "quarantine.viewed",
        subject: Subject::of(id),
        outcome: Outcome::Done,
        request,
        details: json!({}),
    };
    audit::record_now(&exchange.db, &exchange.world, &entry).await?;
    Ok(())
}

/// Let a record in again, as it is or mended. What became of it; what is refused again goes on waiting.
///
/// # Errors
/// [`RunFault::Unknown`], [`RunFault::NotActive`].
pub async fn replay(
    exchange: &Exchange,
    organisation: Id<Organisation>,
    id: Id<Quarantined>,
    mended: Option<String>,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<Became, RunFault> {
    let waiting = one(&mut exchange.db.read().await?, organisation, id).await?.ok_or(RunFault::Unknown)?;
    let source = exchange.sources.of(waiting.integration).await?.ok_or(RunFault::NotActive)?;
    let kept = kept(exchange, organisation, id).await?;
    let intake = exchange.fhir.intake(organisation, source.site).await.map_err(|none| match none {
        NoIntake::NoSite => RunFault::Unknown,
        NoIntake::Db(fault) => fault.into(),
    })?;
    let mut records = Vec::new();
    let vault = exchange.vault.tenant(organisation).await?;
    for (found, said) in again(&source, &waiting, &kept, mended) {
        match received(&intake, &found.name, found.text.as_deref()) {
            Ok(received) => records.push((found.name, crate::run::digest(&vault, &said), received)),
            Err(refused) => return Ok(Became::Refused(refused)),
        }
    }
    if records.is_empty() {
        let words = "the mapping of now makes nothing of this record".to_owned();
        return Ok(Became::Refused(Refused { code: "not-found", words }));
    }
    let (own, turn) = (exchange.clone(), intake.turn());
    exchange
        .db
        .write_in_turn(turn, async move |tx: &mut Writer| {
            if one(tx, organisation, id).await?.is_none() {
                return Err(RunFault::Unknown);
            }
            let mut all = Became::Unchanged;
            for (name, digest, received) in &records {
                let before = crate::run::known(tx, waiting.integration, name).await?;
                let is_ours = before.is_some_and(|(_, state)| state != "quarantined");
                let known = if is_ours { Known::Ours } else { Known::New };
                let became = intake.write(tx, &[(received, known)]).await?.pop().ok_or(RunFault::Unknown)?;
                if matches!(became, Became::Refused(_)) {
                    return Ok(became);
                }
                let of = (waiting.integration, waiting.run);
                crate::run::remember(tx, of, name, (digest, "stored")).await?;
                if became == Became::Stored {
                    all = became;
                }
            }
            let by = (actor, request.clone());
            settle(&own, tx, (organisation, &waiting), ("replayed", "quarantine.replayed"), by).await?;
            // A record of the source may wait as several resources: all of them are in now.
            for (name, ..) in &records {
                replaced(tx, waiting.integration, name, own.world.now()).await?;
            }
            Ok(all)
        })
        .await
}

/// What is let in of a record that was kept: the resource that somebody mended, all that the mapping of now makes of it, or the record itself. Beside
/// it stands what the source says, so that it is not taken for a change when it comes again.
fn again(source: &Source, waiting: &Waiting, kept: &Kept, mended: Option<String>) -> Vec<(Found, String)> {
    let named = |text: String| Found::new(waiting.name.clone(), text);
    match (mended, kept.to_raw()) {
        // What the mapping will say of it when it comes again, nobody knows.
        (Some(mended), Some(_)) => vec![(named(mended), String::new())],
        (Some(mended), None) => vec![(named(mended), kept.text.clone())],
        (None, None) => vec![(named(kept.text.clone()), kept.text.clone())],
        (None, Some(raw)) => {
            let said = |found: Found| (found.clone(), found.text.unwrap_or_default());
            source.connector.again(&raw).into_iter().map(said).collect()
        }
    }
}

/// Let go of a record.
///
/// # Errors
/// [`RunFault::Unknown`].
pub async fn discard(
    exchange: &Exchange,
    organisation: Id<Organisation>,
    id: Id<Quarantined>,
    (actor, request): (Actor, Option<RequestId>),
) -> Result<(), RunFault> {
    let (own, db) = (exchange.clone(), exchange.db.clone());
    db.write(async move |tx: &mut Writer| {
        let waiting = one(tx, organisation, id).await?.ok_or(RunFault::Unknown)?;
        let by = (actor, request.clone());
        settle(&own, tx, (organisation, &waiting), ("discarded", "quarantine.discarded"), by).await?;
        Ok(())
    })
    .await
}

async fn settle(
    exchange: &Exchange,
    tx: &mut Writer,
    (organisation, waiting): (Id<Organisation>, &Waiting),
    (settled, act): (&'static str, &'static str),
    (actor, request): (Actor, Option<RequestId>),
) -> Result<(), DbError> {
    let sql = "UPDATE quarantine SET settled = $2, settled_at = $3 WHERE id = $1 AND settled IS NULL";
    tx.execute(sql, binds![waiting.id, settled, exchange.world.now()]).await?;
    let entry = Entry {
        organisation: Some(organisation),
        actor,
        act,
        subject: Subject::of(waiting.integration),
        outcome: Outcome::Done,
        request,
        details: json!({"quarantined": waiting.id.to_string(), "run": waiting.run.to_string()}),
    };
    audit::record(tx, &exchange.world, &entry).await?;
    let what = if settled == "replayed" { What::RecordReplayed } else { What::RecordDiscarded };
    exchange.log.note_in(tx, Line::of(waiting.integration, what).about(waiting.run));
    Ok(())
}
