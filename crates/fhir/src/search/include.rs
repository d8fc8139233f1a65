//! What an answer brings beside its matches. <https://hl7.org/fhir/R4/search.html#include>

use std::collections::BTreeSet;

use fhirpath::document::{Document, DocumentLimits};
use store::Reader;

use crate::{
    index::extract,
    parameter::{ParameterId, ParameterKind, ResourceType, Standing},
    query::{Direction, Include, Match, Reach, ReferenceMatch, Test},
    resource::{LogicalId, Records, Rid, Version, newest_version},
    search::{
        INCLUDE_ROUNDS_MAX, INCLUDED_MAX, Page, Search, SearchFault,
        find::matching,
        verify::{Verifier, record_of},
    },
    tenant::Tenant,
};

/// Follow the includes of a search from the matches of a page, and from what was included where they say so.
pub(super) async fn add(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    search: &Search,
    page: &mut Page,
) -> Result<(), SearchFault> {
    if search.includes.is_empty() {
        return Ok(());
    }
    let mut gathered = Gathered {
        reader,
        records,
        tenant,
        search,
        known: page.matches.iter().map(|version| version.rid).collect(),
        included: Vec::new(),
    };
    let mut from = page.matches.clone();
    for round in 0..INCLUDE_ROUNDS_MAX {
        let begin = gathered.included.len();
        for include in &search.includes {
            if round == 0 || include.reach == Reach::Iterate {
                gathered.follow(include, &from).await?;
            }
        }
        from = gathered.included.get(begin..).unwrap_or_default().to_vec();
        if from.is_empty() || gathered.is_full() {
            break;
        }
    }
    page.is_cut = gathered.is_full();
    page.included = gathered.included;
    Ok(())
}

struct Gathered<'g> {
    reader: &'g mut Reader,
    records: &'g Records,
    tenant: &'g Tenant,
    search: &'g Search,
    known: BTreeSet<Rid>,
    included: Vec<Version>,
}

impl Gathered<'_> {
    fn is_full(&self) -> bool {
        self.included.len() >= INCLUDED_MAX
    }

    async fn follow(&mut self, include: &Include, from: &[Version]) -> Result<(), SearchFault> {
        for version in from {
            if self.is_full() {
                return Ok(());
            }
            match include.direction {
                Direction::Forward => self.forward(include, version).await?,
                Direction::Reverse => self.reverse(include, version).await?,
            }
        }
        Ok(())
    }

    fn keep(&mut self, version: Version) {
        if !self.is_full() && self.known.insert(version.rid) {
            self.included.push(version);
        }
    }

    async fn forward(&mut self, include: &Include, version: &Version) -> Result<(), SearchFault> {
        if include.source.is_some_and(|source| source != version.resource_type) {
            return Ok(());
        }
        for (of, id) in self.referred(include, version)? {
            if include.target.is_some_and(|target| target != of) {
                continue;
            }
            let Some(found) = newest_version(self.reader, self.tenant, of, &id).await? else { continue };
            let is_new = !self.known.contains(&found.rid);
            if is_new
                && Verifier::new(self.reader, self.records, self.tenant, self.search)
                    .holds(&found, &Test::EVERY)
                    .await?
            {
                self.keep(found);
            }
        }
        Ok(())
    }

    fn referred(
        &self,
        include: &Include,
        version: &Version,
    ) -> Result<BTreeSet<(ResourceType, LogicalId)>, SearchFault> {
        let body = version.body.as_ref().ok_or(SearchFault::Damaged)?;
        let document = Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default())
            .map_err(|_| SearchFault::Damaged)?;
        let entries =
            extract(document.root(), &self.records.registry_of(self.tenant)).ok_or(SearchFault::Damaged)?;
        let own = entries.entries.iter();
        let own = own.filter(|entry| include.parameter.is_none_or(|parameter| parameter == entry.parameter));
        Ok(own.filter_map(|entry| record_of(&entry.value)).collect())
    }

    async fn reverse(&mut self, include: &Include, version: &Version) -> Result<(), SearchFault> {
        if include.target.is_some_and(|target| target != version.resource_type) {
            return Ok(());
        }
        let sources = include.source.map_or_else(|| ResourceType::all().collect(), |source| vec![source]);
        for source in sources {
            let parameters = self.references_of(source, include.parameter, version.resource_type);
            if parameters.is_empty() {
                continue;
            }
            let own = Match::Reference(ReferenceMatch::Local {
                resource_type: Some(version.resource_type),
                id: version.id.as_str().into(),
                version: None,
            });
            let refers =
                parameters.into_iter().map(|parameter| Test::Any { parameter, values: vec![own.clone()] });
            let test = Test::AnyOf(refers.collect());
            let mut search = Search::everything(source, test, self.search.access.clone());
            search.rows = INCLUDED_MAX - self.included.len();
            for found in matching(self.reader, self.records, self.tenant, &search).await? {
                self.keep(found);
            }
        }
        Ok(())
    }

    fn references_of(
        &self,
        source: ResourceType,
        asked: Option<ParameterId>,
        target: ResourceType,
    ) -> Vec<ParameterId> {
        let registry = self.records.registry_of(self.tenant);
        let known = registry.parameters(source);
        let known =
            known.filter(|known| known.kind == ParameterKind::Reference && known.standing == Standing::Ready);
        let known = known.filter(|known| known.targets.is_empty() || known.targets.contains(&target));
        known.map(|known| known.id).filter(|id| asked.is_none_or(|asked| asked == *id)).collect()
    }
}
