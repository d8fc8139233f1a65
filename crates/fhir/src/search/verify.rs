//! Asking a record itself: what is served never rests on a hash.

use std::pin::Pin;

use fhirpath::document::{Document, DocumentLimits, Element};
use store::Reader;

use crate::{
    index::{Entries, Reference, Value, extract, says},
    parameter::ResourceType,
    query::{Alone, Around, Match, ReferenceMatch, Test, holds},
    resource::{LogicalId, Records, Rid, Version, newest_version},
    search::{NESTED_MAX, Search, SearchFault, matching, permitted::is_permitted},
    tenant::Tenant,
};

type Answer<'a, T = bool> = Pin<Box<dyn Future<Output = Result<T, SearchFault>> + 'a>>;

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

/// A record and what it can be found by.
struct Record<'d> {
    root: Element<'d>,
    entries: Entries<'d>,
}

/// Asks records of one search.
pub(super) struct Verifier<'v> {
    reader: &'v mut Reader,
    records: &'v Records,
    tenant: &'v Tenant,
    search: &'v Search,
    depth: usize,
    /// Whose consents are to be asked; none of a record that a statement has found, which has asked them.
    place: Option<Rid>,
    is_found: bool,
}

impl<'v> Verifier<'v> {
    pub(super) fn new(
        reader: &'v mut Reader,
        records: &'v Records,
        tenant: &'v Tenant,
        search: &'v Search,
    ) -> Self {
        Self { reader, records, tenant, search, depth: 0, place: None, is_found: false }
    }

    /// For records that a statement has found, which leaves out what consents withhold.
    pub(super) const fn of_found(mut self) -> Self {
        self.is_found = true;
        self
    }

    /// Whether a record holds this, and the caller may see it.
    pub(super) async fn holds(&mut self, version: &Version, test: &Test) -> Result<bool, SearchFault> {
        Ok(self.held(version, test).await? == Held::Yes)
    }

    /// What a record is to this.
    pub(super) fn held<'a>(&'a mut self, version: &'a Version, test: &'a Test) -> Answer<'a, Held> {
        Box::pin(async move {
            let Some(body) = &version.body else { return Ok(Held::Hidden) };
            let document = Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default())
                .map_err(|_| SearchFault::Damaged)?;
            let entries = extract(document.root(), &self.records.registry_of(self.tenant))
                .ok_or(SearchFault::Damaged)?;
            let seen = (self.search.access)(entries.resource_type);
            let record = Record { root: document.root(), entries };
            let is_found = self.is_found && self.depth == 0;
            let around = std::mem::replace(&mut self.place, (!is_found).then_some(version.rid));
            let held = match self.test(&record, &seen).await? {
                false => Held::Hidden,
                true if self.test(&record, test).await? => Held::Yes,
                true => Held::No,
            };
            self.place = around;
            Ok(held)
        })
    }

    fn test<'a>(&'a mut self, record: &'a Record<'_>, test: &'a Test) -> Answer<'a> {
        Box::pin(async move {
            let entries = &record.entries;
            match test {
                Test::Says { within, any } => Ok(any.iter().any(|words| says(record.root, *within, words))),
                Test::All(tests) => {
                    for test in tests {
                        if !self.test(record, test).await? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                Test::AnyOf(tests) => {
                    for test in tests {
                        if self.test(record, test).await? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                }
                Test::Not(test) => Ok(!self.test(record, test).await?),
                Test::Chain { .. } | Test::Has { .. } if self.depth >= NESTED_MAX => Ok(false),
                Test::Chain { parameter, targets } => {
                    let to: Vec<(ResourceType, LogicalId)> =
                        entries.of(*parameter).filter_map(record_of).collect();
                    self.chained(&to, targets).await
                }
                Test::Has { source, parameter, test } => {
                    let id = entries.id.as_ref().into();
                    let own = ReferenceMatch::Local {
                        resource_type: Some(entries.resource_type),
                        id,
                        version: None,
                    };
                    let refers = Test::Any { parameter: *parameter, values: vec![Match::Reference(own)] };
                    let asked = Test::All(vec![refers, test.as_ref().clone()]);
                    let mut search = Search::everything(*source, asked, self.search.access.clone());
                    search.terminology.clone_from(&self.search.terminology);
                    search.rows = 1;
                    Ok(!matching(self.reader, self.records, self.tenant, &search).await?.is_empty())
                }
                Test::Consented(consented) => match self.place {
                    Some(place) => is_permitted(self.reader, self.tenant, place, consented).await,
                    None => Ok(true),
                },
                Test::In { compartment, ids } => {
                    let is_own = compartment.as_str() == entries.resource_type.as_str()
                        && ids.iter().any(|id| **id == *entries.id);
                    Ok(is_own || holds(test, entries, &Alone)?)
                }
                test => {
                    let around: &dyn Around = match &self.search.terminology {
                        Some(around) => around.as_ref(),
                        None => &Alone,
                    };
                    Ok(holds(test, entries, around)?)
                }
            }
        })
    }

    async fn chained(
        &mut self,
        to: &[(ResourceType, LogicalId)],
        targets: &[(ResourceType, Test)],
    ) -> Result<bool, SearchFault> {
        for (of, id) in to {
            for (_, test) in targets.iter().filter(|(target, _)| target == of) {
                let Some(version) = newest_version(self.reader, self.tenant, *of, id).await? else {
                    continue;
                };
                self.depth += 1;
                let is_held = self.holds(&version, test).await;
                self.depth -= 1;
                if is_held? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
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
