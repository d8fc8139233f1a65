//! Asking a record itself: what is served never rests on a hash.
//!
//! Of each record no more is taken than what it is asked. What a record refers to is read for all records of a page together, and
//! asked once, however many refer to it.

use std::{
    collections::{HashMap, HashSet},
    pin::Pin,
    sync::Arc,
};

use fhirpath::document::{Document, DocumentLimits, Element};
use store::Reader;

use crate::{
    index::{Asked, Entries, Reference, Value, Wanted, extract_wanted, says},
    parameter::{ParameterId, Registry, ResourceType},
    query::{Alone, Around, Match, ReferenceMatch, Test, holds},
    resource::{Body, LogicalId, Records, Rid, Version, newest_version},
    search::{
        Consented, NESTED_MAX, REMEMBERED_MAX, Search, SearchFault, matching,
        permitted::{asked_of_consents, permitted},
    },
    tenant::Tenant,
};

pub(super) type Answer<'a, T = bool> = Pin<Box<dyn Future<Output = Result<T, SearchFault>> + 'a>>;

/// What a record is to a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It holds what is asked.
    Yes,
    /// It does not.
    No,
    /// It is not there for this caller.
    Hidden,
}

/// Whether consents have been asked of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consents {
    /// By the statement that has found it, which leaves out what they withhold.
    Asked,
    Unasked,
}

/// A record and what it is asked of.
struct Record<'d> {
    root: Element<'d>,
    entries: Entries<'d>,
    /// Whose consents are to be asked; none of a record that a statement has found.
    place: Option<Rid>,
}

/// A test that records of a type are asked.
#[derive(Clone)]
struct Kind<'s> {
    of: ResourceType,
    test: &'s Test,
    /// What the caller may see of the type.
    seen: Arc<Test>,
    /// What both look at.
    wanted: Arc<Wanted>,
}

/// Asks the records of one search, on one snapshot.
pub(super) struct Verifier<'s> {
    pub(super) records: &'s Records,
    pub(super) tenant: &'s Tenant,
    pub(super) search: &'s Search,
    pub(super) registry: Arc<Registry>,
    pub(super) depth: usize,
    consents: Consents,
    kinds: Vec<Kind<'s>>,
    /// What records that are referred to, or that are referred to by others, were found to be to a test.
    known: HashMap<(usize, LogicalId), bool>,
    /// Places of which consents were asked, by what they were asked, and whether they permit them.
    permits: Vec<(Arc<Consented>, HashMap<Rid, bool>)>,
}

impl<'s> Verifier<'s> {
    /// For records that somebody named.
    pub(super) fn new(records: &'s Records, tenant: &'s Tenant, search: &'s Search) -> Self {
        let registry = records.registry_of(tenant);
        let (kinds, known, permits) = (Vec::new(), HashMap::new(), Vec::new());
        Self {
            records,
            tenant,
            search,
            registry,
            depth: 0,
            consents: Consents::Unasked,
            kinds,
            known,
            permits,
        }
    }

    /// For records that a statement has found, which leaves out what consents withhold.
    pub(super) fn of_found(records: &'s Records, tenant: &'s Tenant, search: &'s Search) -> Self {
        Self { consents: Consents::Asked, ..Self::new(records, tenant, search) }
    }

    /// The number of a test of records of a type.
    pub(super) fn kind(&mut self, of: ResourceType, test: &'s Test) -> usize {
        let known = self.kinds.iter().position(|kind| kind.of == of && std::ptr::eq(kind.test, test));
        known.unwrap_or_else(|| {
            let seen = (self.search.access)(of);
            let mut asked = Asked::default();
            test.asked(&mut asked);
            seen.asked(&mut asked);
            let wanted = Arc::new(Wanted::of(&self.registry, of, &asked));
            self.kinds.push(Kind { of, test, seen: Arc::new(seen), wanted });
            self.kinds.len() - 1
        })
    }

    pub(super) fn recall(&self, kind: usize, id: &LogicalId) -> Option<bool> {
        self.known.get(&(kind, id.clone())).copied()
    }

    pub(super) fn remember(&mut self, kind: usize, id: LogicalId, is_held: bool) {
        if self.known.len() >= REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.insert((kind, id), is_held);
    }

    /// Ask consents of all these records together. Of which they were not asked here they are asked when it is needed.
    pub(super) async fn ask_consents(
        &mut self,
        reader: &mut Reader,
        versions: &[Version],
    ) -> Result<(), SearchFault> {
        for own in versions.chunk_by(|a, b| a.resource_type == b.resource_type) {
            let Some(first) = own.first() else { continue };
            let seen = (self.search.access)(first.resource_type);
            let places: Vec<Rid> = own.iter().map(|version| version.rid).collect();
            for consented in asked_of_consents(&seen) {
                self.ask_consents_of(reader, &places, consented).await?;
            }
        }
        Ok(())
    }

    async fn ask_consents_of(
        &mut self,
        reader: &mut Reader,
        places: &[Rid],
        consented: &Arc<Consented>,
    ) -> Result<(), SearchFault> {
        let at = self.permits.iter().position(|(asked, _)| asked == consented);
        let at = at.unwrap_or_else(|| {
            self.permits.push((Arc::clone(consented), HashMap::new()));
            self.permits.len() - 1
        });
        let Some((_, known)) = self.permits.get_mut(at) else { return Ok(()) };
        let places: Vec<Rid> = places.iter().copied().filter(|place| !known.contains_key(place)).collect();
        let permitted: HashSet<Rid> = permitted(reader, self.tenant, &places, consented).await?;
        if known.len() + places.len() > REMEMBERED_MAX {
            known.clear();
        }
        known.extend(places.into_iter().map(|place| (place, permitted.contains(&place))));
        Ok(())
    }

    async fn is_permitted(
        &mut self,
        reader: &mut Reader,
        place: Rid,
        consented: &Arc<Consented>,
    ) -> Result<bool, SearchFault> {
        self.ask_consents_of(reader, &[place], consented).await?;
        let asked = self.permits.iter().find(|(asked, _)| asked == consented);
        Ok(asked.and_then(|(_, known)| known.get(&place)).copied().unwrap_or(false))
    }

    /// What a record is to this.
    pub(super) fn held<'a>(
        &'a mut self,
        reader: &'a mut Reader,
        version: &'a Version,
        test: &'s Test,
    ) -> Answer<'a, Held> {
        let consents = if self.depth == 0 { self.consents } else { Consents::Unasked };
        self.held_by(reader, (version, consents), test)
    }

    pub(super) fn held_by<'a>(
        &'a mut self,
        reader: &'a mut Reader,
        (version, consents): (&'a Version, Consents),
        test: &'s Test,
    ) -> Answer<'a, Held> {
        Box::pin(async move {
            let Some(body) = &version.body else { return Ok(Held::Hidden) };
            let document = read(body)?;
            let kind = self.kind(version.resource_type, test);
            let kind = self.kinds.get(kind).cloned().ok_or(SearchFault::Damaged)?;
            let entries = extract_wanted(document.root(), &self.registry, &kind.wanted);
            let entries = entries.filter(|entries| entries.resource_type == version.resource_type);
            let place = (consents == Consents::Unasked).then_some(version.rid);
            let entries = entries.ok_or(SearchFault::Damaged)?;
            let record = Record { root: document.root(), entries, place };
            Ok(match self.sees(reader, &record, &kind.seen).await? {
                false => Held::Hidden,
                true if self.test(reader, &record, test).await? => Held::Yes,
                true => Held::No,
            })
        })
    }

    /// Whether the caller may see a record: what scopes ask leads to no other.
    fn sees<'a>(&'a mut self, reader: &'a mut Reader, record: &'a Record<'_>, seen: &'a Test) -> Answer<'a> {
        Box::pin(async move {
            match seen {
                Test::All(tests) => {
                    for test in tests {
                        if !self.sees(reader, record, test).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Test::Consented(consented) => match record.place {
                    Some(place) => self.is_permitted(reader, place, consented).await,
                    None => Ok(true),
                },
                test => self.alone(record, test),
            }
        })
    }

    fn test<'a>(&'a mut self, reader: &'a mut Reader, record: &'a Record<'_>, test: &'s Test) -> Answer<'a> {
        Box::pin(async move {
            match test {
                Test::All(tests) => {
                    for test in tests {
                        if !self.test(reader, record, test).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Test::AnyOf(tests) => {
                    for test in tests {
                        if self.test(reader, record, test).await? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                }
                Test::Not(test) => Ok(!self.test(reader, record, test).await?),
                Test::Chain { .. } | Test::Has { .. } if self.depth >= NESTED_MAX => Ok(false),
                Test::Chain { parameter, targets } => {
                    let to: Vec<_> = record.entries.of(*parameter).filter_map(record_of).collect();
                    self.chained(reader, &to, targets).await
                }
                Test::Has { .. } => self.referred(reader, &record.entries, test).await,
                Test::Consented(consented) => match record.place {
                    Some(place) => self.is_permitted(reader, place, consented).await,
                    None => Ok(true),
                },
                test => self.alone(record, test),
            }
        })
    }

    /// What a record says itself.
    fn alone(&self, record: &Record<'_>, test: &Test) -> Result<bool, SearchFault> {
        let entries = &record.entries;
        Ok(match test {
            Test::Says { within, any } => any.iter().any(|words| says(record.root, *within, words)),
            Test::In { compartment, ids } => {
                let is_own = compartment.as_str() == entries.resource_type.as_str()
                    && ids.iter().any(|id| **id == *entries.id);
                is_own || holds(test, entries, &Alone)?
            }
            test => {
                let around: &dyn Around = match &self.search.terminology {
                    Some(around) => around.as_ref(),
                    None => &Alone,
                };
                holds(test, entries, around)?
            }
        })
    }

    async fn chained(
        &mut self,
        reader: &mut Reader,
        to: &[(ResourceType, LogicalId)],
        targets: &'s [(ResourceType, Test)],
    ) -> Result<bool, SearchFault> {
        for (of, id) in to {
            for (_, test) in targets.iter().filter(|(target, _)| target == of) {
                if self.is_led_to(reader, (*of, id), test).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn is_led_to(
        &mut self,
        reader: &mut Reader,
        (of, id): (ResourceType, &LogicalId),
        test: &'s Test,
    ) -> Result<bool, SearchFault> {
        let kind = self.kind(of, test);
        if let Some(known) = self.recall(kind, id) {
            return Ok(known);
        }
        let is_held = match newest_version(reader, self.tenant, of, id).await? {
            Some(version) => self.deeper(reader, (&version, Consents::Unasked), test).await?,
            None => false,
        };
        self.remember(kind, id.clone(), is_held);
        Ok(is_held)
    }

    /// Whether a record that another leads to holds this, and the caller may see it.
    pub(super) async fn deeper(
        &mut self,
        reader: &mut Reader,
        of: (&Version, Consents),
        test: &'s Test,
    ) -> Result<bool, SearchFault> {
        self.depth += 1;
        let held = self.held_by(reader, of, test).await;
        self.depth -= 1;
        Ok(held? == Held::Yes)
    }

    /// Whether a record that holds what `_has` asks refers to this one.
    async fn referred(
        &mut self,
        reader: &mut Reader,
        entries: &Entries<'_>,
        has: &'s Test,
    ) -> Result<bool, SearchFault> {
        let Test::Has { source, parameter, test } = has else { return Ok(false) };
        let kind = self.kind(entries.resource_type, has);
        let id: LogicalId = entries.id.parse().map_err(|_| SearchFault::Damaged)?;
        if let Some(known) = self.recall(kind, &id) {
            return Ok(known);
        }
        let asked = Test::All(vec![refers(*parameter, entries.resource_type, &id), test.as_ref().clone()]);
        let mut search = Search::everything(*source, asked, self.search.access.clone());
        search.terminology.clone_from(&self.search.terminology);
        search.rows = 1;
        let is_held = !matching(reader, self.records, self.tenant, &search).await?.is_empty();
        self.remember(kind, id, is_held);
        Ok(is_held)
    }

    /// The records that a record refers to by a parameter.
    pub(super) fn leads_to(
        &self,
        version: &Version,
        wanted: &Wanted,
    ) -> Result<Vec<(ResourceType, LogicalId)>, SearchFault> {
        let document = read(version.body.as_ref().ok_or(SearchFault::Damaged)?)?;
        let entries = extract_wanted(document.root(), &self.registry, wanted).ok_or(SearchFault::Damaged)?;
        Ok(entries.entries.iter().filter_map(|entry| record_of(&entry.value)).collect())
    }

    /// What of records of a type a parameter looks at.
    pub(super) fn wanted(&self, of: ResourceType, parameter: ParameterId) -> Wanted {
        let mut asked = Asked::default();
        asked.parameters.insert(parameter);
        Wanted::of(&self.registry, of, &asked)
    }
}

/// It refers to this record.
fn refers(parameter: ParameterId, of: ResourceType, id: &LogicalId) -> Test {
    let own = ReferenceMatch::Local { resource_type: Some(of), id: id.as_str().into(), version: None };
    Test::Any { parameter, values: vec![Match::Reference(own)] }
}

pub(super) fn read(body: &Body) -> Result<Document<'_>, SearchFault> {
    Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default())
        .map_err(|_| SearchFault::Damaged)
}

/// The record of this server that a value refers to.
pub(super) fn record_of(value: &Value<'_>) -> Option<(ResourceType, LogicalId)> {
    match value {
        Value::Reference(Reference::Local { resource_type, id, .. }) => {
            Some((*resource_type, id.parse().ok()?))
        }
        _ => None,
    }
}
