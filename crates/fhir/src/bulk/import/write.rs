//! Lines are written as records: a piece in one unit, together with how far the work is.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use store::{DbError, Writer};

use super::{
    feed::Piece,
    line::{self, Sent},
    queries::{self as own, Counts, Drawn, Source, SourceState},
    run::Fetches,
};
use crate::{
    Fhir, PortFault, apart,
    bulk::{
        chunk::{Lines, append},
        held::Standing,
        queries::{self, Key, Progress},
        row::{Job, Role},
    },
    consent::{self, Asking, Bound, Rules, is_exempt, patients_of},
    outcome::{Severity, Told},
    parameter::ResourceType,
    resource::{
        self, Author, Condition, Draft, LogicalId, Method, Ready, Rid, Sheet, Version, newest_of_each,
    },
    tenant::Tenant,
};

/// A line, by its number.
pub(super) type Line = (i64, Result<Sent, Vec<Told>>);

/// Read the lines of a piece, the first of which has this number.
pub(super) fn read(
    fhir: &Fhir,
    standing: &Standing,
    (text, first): (&str, i64),
    only: Option<ResourceType>,
) -> Vec<Line> {
    (first..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| (number, line::read(fhir, standing, line, only)))
        .collect()
}

/// What a unit writes.
pub(crate) struct Unit {
    fhir: Fhir,
    tenant: Tenant,
    author: Author,
    lines: Arc<Vec<Line>>,
    /// What is asked of the consents of those whom a line is about.
    collecting: Option<Asking>,
    /// The file of the kick-off that they are of; 0 for none.
    source: i64,
}

/// What a line comes to, once it is known what is stored.
pub(crate) enum Decided {
    Write(Option<Version>),
    Unchanged,
    Refused(Vec<Told>),
}

/// What there is of records that are sent, and the rules of the consents that are asked of them.
pub(crate) struct Stored {
    versions: HashMap<(ResourceType, LogicalId), Version>,
    rules: Rules,
}

impl Stored {
    /// Whether there is, or was, a record under the id of this one.
    pub(crate) fn has(&self, sent: &Sent) -> bool {
        self.versions.contains_key(&(sent.of, sent.id.clone()))
    }
}

impl Unit {
    pub(in crate::bulk) fn new<Asked>(
        fhir: &Fhir,
        (job, standing): (&Job<Asked>, &Standing),
        lines: Vec<Line>,
        source: i64,
    ) -> Self {
        let (tenant, author) = (standing.site.tenant.clone(), job.held.author());
        let collecting = standing.access.collecting();
        Self { fhir: fhir.clone(), tenant, author, lines: Arc::new(lines), collecting, source }
    }

    /// For whoever decides of each record and keeps count.
    pub(crate) fn alone(fhir: &Fhir, standing: &Standing, author: Author) -> Self {
        let (tenant, collecting) = (standing.site.tenant.clone(), standing.access.collecting());
        Self { fhir: fhir.clone(), tenant, author, lines: Arc::default(), collecting, source: 0 }
    }

    /// Write the lines, and what is to be said of those that are refused.
    pub(in crate::bulk) async fn write(&self, tx: &mut Writer, key: Key) -> Result<Counts, DbError> {
        let (mut counts, mut errors) = (Counts::default(), Lines::of_source(self.source));
        for some in apart(&self.lines, |(_, line)| line.as_ref().ok().map(|sent| (sent.of, &sent.id))) {
            let sent: Vec<&Sent> = some.iter().filter_map(|(_, line)| line.as_ref().ok()).collect();
            let mut stored = self.find(tx, &sent).await?;
            let mut waiting: Vec<(&Ready, Option<Version>)> = Vec::new();
            for (number, line) in some {
                let sent = match line {
                    Ok(sent) => sent,
                    Err(issues) => {
                        counts.refused += 1;
                        errors.push(Role::Error, OUTCOME, &line::told(*number, issues))?;
                        continue;
                    }
                };
                match self.decide(&mut stored, sent)? {
                    Decided::Write(stored) => {
                        counts.stored += 1;
                        waiting.push((&sent.ready, stored));
                    }
                    Decided::Unchanged => counts.unchanged += 1,
                    Decided::Refused(issues) => {
                        counts.refused += 1;
                        errors.push(Role::Error, OUTCOME, &line::told(*number, &issues))?;
                    }
                }
            }
            self.put(tx, waiting).await?;
        }
        own::count(tx, key, counts).await?;
        append(tx, key, &errors.chunks()?).await?;
        Ok(counts)
    }

    /// What is stored of these, and what consents say of it and of them: a statement for each question, however many they are. No record
    /// may be among them twice.
    pub(crate) async fn find(&self, tx: &mut Writer, sent: &[&Sent]) -> Result<Stored, DbError> {
        let registry = self.fhir.records.registry();
        let names: Vec<_> = sent.iter().map(|sent| (sent.of, &sent.id)).collect();
        let mut versions = newest_of_each(tx, &self.tenant, &names).await?;
        let is_bound =
            |version: &Version| matches!(version.bound, Bound::Unasked) && !is_exempt(version.resource_type);
        let is_asked = self.collecting.is_some() || versions.iter().any(is_bound);
        let rules = match is_asked && consent::has_any(tx, &self.tenant).await? {
            false => Rules::default(),
            true => {
                let mut patients: BTreeSet<LogicalId> = BTreeSet::new();
                let bound = versions.iter().filter(|version| is_bound(version));
                for body in bound.filter_map(|version| version.body.as_ref()) {
                    patients.extend(patients_of(registry, body.as_str())?);
                }
                let coming = sent.iter().filter(|sent| self.collecting.is_some() && !is_exempt(sent.of));
                for sent in coming {
                    patients.extend(patients_of(registry, sent.ready.text())?);
                }
                Rules::of(tx, registry, &self.tenant, &patients).await?
            }
        };
        for version in versions.iter_mut().filter(|version| matches!(version.bound, Bound::Unasked)) {
            let about = match &version.body {
                Some(body) if !is_exempt(version.resource_type) => rules.about(registry, body.as_str())?,
                _ => Vec::new(),
            };
            version.bound = if about.is_empty() { Bound::Free } else { Bound::By(about.into()) };
        }
        let named = |version: Version| ((version.resource_type, version.id.clone()), version);
        Ok(Stored { versions: versions.into_iter().map(named).collect(), rules })
    }

    /// What a record comes to, of those that were asked for.
    pub(crate) fn decide(&self, stored: &mut Stored, sent: &Sent) -> Result<Decided, DbError> {
        let Stored { versions, rules } = stored;
        let stored = versions.remove(&(sent.of, sent.id.clone()));
        let live = stored.as_ref().filter(|stored| !stored.is_deletion());
        let condition = Condition { judge: sent.judge.clone(), ..Condition::default() };
        // Another's is answered as what is not there.
        if condition.check(stored.as_ref()).is_err() || (live.is_none() && sent.has_to_be_there) {
            let words = "there is no such record, and none may be made under an id that is named";
            let told = Told::new(Severity::Error, "not-found", words).with_message("MSG_NO_EXIST");
            return Ok(Decided::Refused(vec![told]));
        }
        let before = live.and_then(|live| live.body.as_ref());
        let before = before.and_then(|body| Draft::parse(body.as_str(), sent.id.clone()).ok());
        if before.is_some_and(|before| before.text() == sent.ready.text()) {
            return Ok(Decided::Unchanged);
        }
        let lets_keep = match &self.collecting {
            Some(asking) => rules.let_keep(&self.fhir.records, (asking, &sent.ready))?,
            None => true,
        };
        if lets_keep {
            return Ok(Decided::Write(stored));
        }
        let told = Told::new(Severity::Error, "forbidden", resource::WriteFault::Unconsented.to_string());
        Ok(Decided::Refused(vec![told.with_message("MSG_AUTH_REQUIRED")]))
    }

    pub(crate) async fn put(
        &self,
        tx: &mut Writer,
        waiting: Vec<(&Ready, Option<Version>)>,
    ) -> Result<(), DbError> {
        if waiting.is_empty() {
            return Ok(());
        }
        let mut sheet = Sheet::draw(tx, &self.fhir.records, &self.tenant, waiting.len()).await?;
        for (ready, stored) in waiting {
            sheet.put(ready, Method::Put, stored.as_ref())?;
        }
        match sheet.write(tx, &self.author).await {
            Err(resource::WriteFault::Store(fault)) => Err(fault),
            // Lines bring no Provenance, which alone could be refused here.
            Err(other) => Err(DbError::Corrupt { why: other.to_string().into() }),
            Ok(()) => Ok(()),
        }
    }
}

const OUTCOME: &str = "OperationOutcome";

/// How far a file is, and of which state of it.
pub(super) struct Place {
    number: i64,
    of: Option<ResourceType>,
    etag: Option<String>,
    bytes: i64,
    lines: i64,
    /// Of the import: it goes on with every piece.
    at: Rid,
}

impl Place {
    pub fn of<Asked>(job: &Job<Asked>, source: &Source, etag: Option<String>) -> Self {
        let of = ResourceType::named(&source.of);
        Self { number: source.number, of, etag, bytes: source.bytes, lines: source.lines, at: job.place }
    }
}

/// How a piece went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    On,
    Overtaken,
    Barred,
}

/// A file on its way into records.
pub(super) struct Writing<'w> {
    fhir: &'w Fhir,
    job: &'w Job<Option<Fetches>>,
    place: Place,
    pieces: u64,
}

/// Why a piece was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteFault {
    #[error(transparent)]
    Store(#[from] DbError),
    #[error(transparent)]
    Port(#[from] PortFault),
}

impl<'w> Writing<'w> {
    pub const fn new(fhir: &'w Fhir, job: &'w Job<Option<Fetches>>, place: Place) -> Self {
        Self { fhir, job, place, pieces: 0 }
    }

    /// Whether something was written.
    pub const fn has_moved(&self) -> bool {
        self.pieces > 0
    }

    /// How many lines of the file are dealt with.
    pub const fn lines(&self) -> i64 {
        self.place.lines
    }

    /// Write a piece, as the caller may now.
    pub async fn write(&mut self, piece: &Piece, is_packed: bool) -> Result<Went, WriteFault> {
        let Some(standing) = self.job.held.standing(self.fhir).await? else { return Ok(Went::Barred) };
        let place = &self.place;
        let lines = read(self.fhir, &standing, (&piece.text, place.lines + 1), place.of);
        let all = i64::try_from(piece.text.lines().count()).unwrap_or(i64::MAX);
        let bytes = i64::try_from(piece.bytes).unwrap_or(i64::MAX);
        let unit = Unit::new(self.fhir, (self.job, &standing), lines, place.number);
        let (key, number, now) = ((self.job.tenant, self.job.id), place.number, self.fhir.world.now());
        let to = Rid::numbered(place.at.number() + bytes);
        let step = Progress { from: place.at, to, resources: all, packed_bytes: 0 };
        let drawn = Drawn {
            from: place.bytes,
            to: place.bytes + bytes,
            lines: all,
            written: 0,
            etag: place.etag.clone(),
            is_packed: i64::from(is_packed),
        };
        let written = self.fhir.db.write_in_turn(self.job.tenant, async move |tx: &mut Writer| {
            if !queries::advance(tx, key, step, now).await? {
                return Ok(Went::Overtaken);
            }
            let counts = unit.write(tx, key).await?;
            let drawn = Drawn { written: counts.stored + counts.unchanged, ..drawn.clone() };
            match own::draw(tx, key, number, &drawn).await? {
                true => Ok(Went::On),
                // Given up by another worker since: nothing of this stands.
                false => Err(DbError::Corrupt { why: "a file of an import is not where it was".into() }),
            }
        });
        let went = written.await?;
        if went == Went::On {
            self.pieces += 1;
            self.place.at = to;
            self.place.bytes += bytes;
            self.place.lines += all;
        }
        Ok(went)
    }
}

/// A file cannot be had; what is written of it stays, and why is told.
pub(super) async fn fail(fhir: &Fhir, key: Key, number: i64, why: &str) -> Result<(), DbError> {
    let told = Told::new(Severity::Error, "not-found", format!("the file was not imported: {why}"))
        .with_message("MSG_LOCAL_FAIL");
    let told = crate::outcome::resource(&[told]).to_string();
    fhir.db
        .write(async move |tx: &mut Writer| {
            if own::finish(tx, key, number, SourceState::Failed).await? {
                let mut errors = Lines::of_source(number);
                errors.push(Role::Error, OUTCOME, &told)?;
                append(tx, key, &errors.chunks()?).await?;
            }
            Ok(())
        })
        .await
}
