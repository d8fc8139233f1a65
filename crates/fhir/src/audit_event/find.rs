//! Finding events: rows are walked from the newest on, and the events that are made of them are asked all of it, also whether the caller
//! may see them, before anything is counted.

use fhirpath::document::{Document, DocumentLimits};
use kernel::{EventRow, Id, Interaction, Kind};
use store::{DbError, Reader};
use web::Problem;

use super::{
    event::{self, About},
    name::{self, Part},
    narrow::{self, AUDIT_PATIENTS_ASKED_MAX},
    queries,
    render::{self, Shown, Voice},
    row::Row,
};
use crate::{
    Fhir,
    consent::Bound,
    index::extract,
    interaction::Asked,
    key,
    parameter::{Registry, ResourceType},
    query::{Alone, Order, Sort, Test, holds},
    resource::{Body, LogicalId, Method, Records, Rid, Version},
    search::{Counted, Cursor, Page, Search},
    tenant::Tenant,
};

/// Events that the caller may see and a page looks at in vain: behind so many it ends, and the next one goes on.
pub const AUDIT_EXAMINED_MAX: usize = 2_000;
/// Events that the caller may see and a count looks at.
pub const AUDIT_COUNTED_MAX: usize = 20_000;
/// Rows that are read at once.
const ROWS_AT_ONCE: i64 = 200;

/// The type.
pub(crate) fn is_audit_event(of: ResourceType) -> bool {
    of.as_str() == "AuditEvent"
}

/// Nobody writes audit events, and they have no versions.
///
/// # Errors
/// 405.
pub(crate) fn only_read(of: ResourceType) -> Result<(), Problem> {
    if !is_audit_event(of) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Forbidden,
        "AuditEvents are made by this server: they are read and searched, and nothing else",
    )
    .with_status(http::StatusCode::METHOD_NOT_ALLOWED)
    .with_code("MSG_OP_NOT_ALLOWED")
    .with_header(http::header::ALLOW, http::HeaderValue::from_static("GET")))
}

/// Who looks, for what.
struct Look {
    records: Records,
    tenant: Tenant,
    voice: Voice,
    of: ResourceType,
    /// What the caller may see.
    access: Test,
    /// What is asked.
    test: Test,
    /// The rows that come into question.
    between: queries::Between,
    targets: Option<Vec<i64>>,
}

impl Look {
    fn new(fhir: &Fhir, asked: &Asked, of: ResourceType, (access, test): (Test, Test)) -> Self {
        let told = narrow::Told::by(&fhir.registry, of);
        let both = Test::All(vec![access.clone(), test.clone()]);
        let tenant = asked.site.tenant.clone();
        let patient = ResourceType::named("Patient");
        let targets = told.patients(&both).filter(|all| all.len() <= AUDIT_PATIENTS_ASKED_MAX).map(|all| {
            let target = |id: &str| patient.map(|of| key::identity(&tenant, of, id));
            all.iter().filter_map(|id| target(id)).collect()
        });
        let shown = if access == Test::EVERY { Shown::Whole } else { Shown::Names };
        let voice = Voice {
            base: fhir.base.clone(),
            issuer: fhir.statement.issuer().to_owned(),
            site: asked.site.code.as_str().to_owned(),
            shown,
        };
        let between = narrow::ids(&told.moments(&both));
        Self { records: fhir.records.clone(), tenant, voice, of, access, test, between, targets }
    }

    /// An event, if the caller may see it; and whether it is what was asked for.
    fn ask(&self, row: &Row, about: &About) -> Option<(Version, bool)> {
        let (id, event) = render::event(&self.voice, &self.tenant, row, about);
        let text = event.to_string();
        let registry: &Registry = self.records.registry();
        let (may_see, is_asked) = {
            let document = Document::from_json(text.as_bytes(), &DocumentLimits::default()).ok()?;
            let entries = extract(document.root(), registry)?;
            let held = |test: &Test| holds(test, &entries, &Alone) == Ok(true);
            (held(&self.access), held(&self.test))
        };
        if !may_see {
            return None;
        }
        let version = Version {
            rid: Rid::numbered(0),
            resource_type: self.of,
            id: id.parse::<LogicalId>().ok()?,
            version: 1,
            at: render::at(row),
            method: Method::Post,
            body: Some(Body::made(text)),
            bound: Bound::Free,
        };
        Some((version, is_asked))
    }

    async fn rows(&self, reader: &mut Reader, to: Id<EventRow>) -> Result<Vec<Row>, DbError> {
        let between = (self.between.0, to.min(self.between.1));
        match &self.targets {
            None => queries::newest(reader, &self.tenant, between, ROWS_AT_ONCE).await,
            Some(targets) => queries::newest_of(reader, &self.tenant, targets, (between, ROWS_AT_ONCE)).await,
        }
    }

    /// Walk from a place on, until `take` has enough; where it stopped.
    async fn walk(
        &self,
        reader: &mut Reader,
        from: Option<Place>,
        mut take: impl FnMut(Version, bool) -> Step,
    ) -> Result<Option<Place>, DbError> {
        let mut place = from.unwrap_or((Id::from_bytes([0xff; 16]), Part::default()));
        loop {
            let rows = self.rows(reader, place.0).await?;
            for row in &rows {
                let mut part = if row.id == place.0 { Some(place.1) } else { Some(Part::default()) };
                while let Some(from) = part {
                    let (all, next) = event::of_row(reader, &self.records, &self.tenant, (row, from)).await?;
                    for about in all {
                        let Some((version, is_asked)) = self.ask(row, &about) else { continue };
                        match take(version, is_asked) {
                            Step::On => {}
                            Step::Enough => return Ok(Some((row.id, after(about.part)))),
                            Step::TooMany => return Ok(Some((row.id, about.part))),
                        }
                    }
                    part = next;
                }
            }
            match rows.last().and_then(|row| before(row.id)) {
                Some(next) if rows.len() >= usize::try_from(ROWS_AT_ONCE).unwrap_or(0) => {
                    place = (next, Part::default());
                }
                _ => return Ok(None),
            }
        }
    }
}

/// A row, and the first of its events that is meant.
type Place = (Id<EventRow>, Part);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    On,
    /// This was the last one.
    Enough,
    /// The one before was.
    TooMany,
}

const fn after(part: Part) -> Part {
    match part.patient.checked_add(1) {
        Some(patient) => Part { version: part.version, patient },
        None => Part { version: part.version.saturating_add(1), patient: 0 },
    }
}

fn before(id: Id<EventRow>) -> Option<Id<EventRow>> {
    let number = u128::from_be_bytes(*id.as_bytes()).checked_sub(1)?;
    Some(Id::from_bytes(number.to_be_bytes()))
}

/// An event that the caller may see.
pub(crate) async fn read(
    fhir: &Fhir,
    asked: &Asked,
    (of, id): (ResourceType, &LogicalId),
) -> Result<Option<Version>, Problem> {
    let rule = asked.rule(of, Interaction::Read)?;
    let Some((row, part)) = name::read(&asked.site.tenant, id.as_str()) else { return Ok(None) };
    let look = Look::new(fhir, asked, of, (rule.test(of, &fhir.reader(&asked.site.tenant)), Test::EVERY));
    fhir.trail.settled().await;
    let found = fhir.db.snapshot(async move |reader: &mut Reader| {
        let Some(row) = queries::one(reader, &look.tenant, row).await? else { return Ok(None) };
        let (all, _) = event::of_row(reader, &look.records, &look.tenant, (&row, part)).await?;
        let about = all.into_iter().find(|about| about.part == part);
        Ok::<_, DbError>(about.and_then(|about| look.ask(&row, &about)).map(|(version, _)| version))
    });
    Ok(found.await?)
}

/// A page of the events that a search asks for.
pub(crate) async fn search(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    search: Search,
) -> Result<Page, Problem> {
    let look = look(fhir, asked, of, &search)?;
    let from = match &search.after {
        Some(cursor) => Some(place_of(cursor).ok_or_else(misplaced)?),
        None => None,
    };
    fhir.trail.settled().await;
    let rows = search.rows;
    let page = fhir.db.snapshot(async move |reader: &mut Reader| {
        let (mut matches, mut in_vain) = (Vec::new(), 0);
        let stopped = look.walk(reader, from, |version, is_asked| {
            match is_asked {
                true if matches.len() >= rows => return Step::TooMany,
                true => matches.push(version),
                false => in_vain += 1,
            }
            if in_vain >= AUDIT_EXAMINED_MAX { Step::Enough } else { Step::On }
        });
        let next = stopped.await?.map(cursor_at);
        Ok::<_, DbError>(Page { matches, included: Vec::new(), is_cut: false, next })
    });
    Ok(page.await?)
}

/// How many there are.
pub(crate) async fn count(
    fhir: &Fhir,
    asked: &Asked,
    of: ResourceType,
    search: &Search,
) -> Result<Counted, Problem> {
    let look = look(fhir, asked, of, search)?;
    fhir.trail.settled().await;
    let counted = fhir.db.snapshot(async move |reader: &mut Reader| {
        let (mut found, mut examined) = (0_u64, 0);
        let stopped = look.walk(reader, None, |_, is_asked| {
            found += u64::from(is_asked);
            examined += 1;
            if examined >= AUDIT_COUNTED_MAX { Step::Enough } else { Step::On }
        });
        Ok::<_, DbError>(match stopped.await? {
            Some(_) => Counted::AtLeast(found),
            None => Counted::Exactly(found),
        })
    });
    Ok(counted.await?)
}

fn look(fhir: &Fhir, asked: &Asked, of: ResourceType, search: &Search) -> Result<Look, Problem> {
    let unasked = |words: &'static str, at: &'static str| {
        Problem::new(Kind::Unsupported, words).with_code("MSG_PARAM_INVALID").with_path(at)
    };
    if !search.includes.is_empty() {
        return Err(unasked("AuditEvents are found alone: they include nothing", "_include"));
    }
    let is_newest_first = |sort: &Sort| {
        let moments = ["date", "_lastUpdated"].into_iter();
        let mut known = moments.filter_map(|code| fhir.registry.parameter(of, code).map(|one| one.id));
        sort.order == Order::Descending && known.any(|id| id == sort.parameter)
    };
    if !search.sort.iter().all(is_newest_first) {
        return Err(unasked("AuditEvents are sorted by -date, newest first, and by nothing else", "_sort"));
    }
    if search.test != search.test.clone().alone() {
        let words = "AuditEvents are asked what they say themselves: no chains, no _has, no words";
        return Err(unasked(words, "AuditEvent"));
    }
    Ok(Look::new(fhir, asked, of, ((search.access)(of), search.test.clone())))
}

fn misplaced() -> Problem {
    Problem::new(Kind::Invalid, "the cursor was not made for this list").with_path("_cursor")
}

fn cursor_at((row, part): Place) -> Cursor {
    let mut key = row.as_bytes().to_vec();
    key.extend(part.version.to_be_bytes());
    key.extend(part.patient.to_be_bytes());
    Cursor { keys: vec![Some(key)], rid: 0, newest: 0 }
}

fn place_of(cursor: &Cursor) -> Option<Place> {
    let key = cursor.keys.first()?.as_deref()?;
    let (row, part) = key.split_at_checked(16)?;
    let (version, patient) = part.split_at_checked(4)?;
    let part = Part {
        version: u32::from_be_bytes(version.try_into().ok()?),
        patient: u16::from_be_bytes(patient.try_into().ok()?),
    };
    Some((Id::from_bytes(row.try_into().ok()?), part))
}
