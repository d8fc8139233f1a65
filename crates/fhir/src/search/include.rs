//! What an answer brings beside its matches. <https://hl7.org/fhir/R4/search.html#include>

use std::collections::{BTreeMap, BTreeSet};

use store::Reader;

use crate::{
    index::{Asked, Wanted},
    parameter::{ParameterId, ParameterKind, ResourceType, Standing},
    query::{Direction, Include, Match, Reach, ReferenceMatch, Test},
    resource::{LogicalId, Records, Rid, Version, newest_versions},
    search::{
        INCLUDE_ROUNDS_MAX, INCLUDED_MAX, Page, Search, SearchFault,
        find::matching,
        verify::{Held, Verifier},
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
    let verifier = Verifier::new(records, tenant, search);
    let mut gathered = Gathered {
        reader,
        verifier,
        seen: BTreeSet::new(),
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

/// Whatever is included has to be seen, and nothing else.
static EVERY: Test = Test::EVERY;

struct Gathered<'g> {
    reader: &'g mut Reader,
    verifier: Verifier<'g>,
    /// What was followed to, whether it is there or not.
    seen: BTreeSet<(ResourceType, LogicalId)>,
    known: BTreeSet<Rid>,
    included: Vec<Version>,
}

impl Gathered<'_> {
    fn is_full(&self) -> bool {
        self.included.len() >= INCLUDED_MAX
    }

    async fn follow(&mut self, include: &Include, from: &[Version]) -> Result<(), SearchFault> {
        match include.direction {
            Direction::Forward => self.forward(include, from).await,
            Direction::Reverse => {
                for version in from {
                    if self.is_full() {
                        return Ok(());
                    }
                    self.reverse(include, version).await?;
                }
                Ok(())
            }
        }
    }

    fn keep(&mut self, version: Version) {
        if !self.is_full() && self.known.insert(version.rid) {
            self.included.push(version);
        }
    }

    /// In the order in which they are referred to.
    async fn forward(&mut self, include: &Include, from: &[Version]) -> Result<(), SearchFault> {
        let mut places: BTreeMap<ResourceType, BTreeMap<LogicalId, usize>> = BTreeMap::new();
        let mut count = 0;
        for own in from.chunk_by(|a, b| a.resource_type == b.resource_type) {
            let Some(source) = own.first().map(|version| version.resource_type) else { continue };
            if include.source.is_some_and(|of| of != source) {
                continue;
            }
            let wanted = self.references(source, include.parameter);
            for version in own {
                let led: BTreeSet<_> = self.verifier.leads_to(version, &wanted)?.into_iter().collect();
                for (of, id) in led {
                    let is_asked = include.target.is_none_or(|target| target == of);
                    if is_asked && self.seen.insert((of, id.clone())) {
                        places.entry(of).or_default().insert(id, count);
                        count += 1;
                    }
                }
            }
        }
        self.included(places).await
    }

    async fn included(
        &mut self,
        places: BTreeMap<ResourceType, BTreeMap<LogicalId, usize>>,
    ) -> Result<(), SearchFault> {
        let mut all = Vec::new();
        for (of, places) in places {
            let ids: Vec<LogicalId> = places.keys().cloned().collect();
            let found = newest_versions(self.reader, self.verifier.tenant, of, &ids).await?;
            self.verifier.ask_consents(self.reader, &found).await?;
            all.extend(found.into_iter().map(|version| (places.get(&version.id).copied(), version)));
        }
        all.sort_by_key(|(place, _)| *place);
        for (_, version) in all {
            if self.is_full() {
                return Ok(());
            }
            let is_new = !self.known.contains(&version.rid);
            if is_new && self.verifier.held(self.reader, &version, &EVERY).await? == Held::Yes {
                self.keep(version);
            }
        }
        Ok(())
    }

    /// What of records of a type refers to others: by one parameter, or by all.
    fn references(&self, source: ResourceType, parameter: Option<ParameterId>) -> Wanted {
        let parameters = match parameter {
            Some(parameter) => BTreeSet::from([parameter]),
            None => self.verifier.registry.parameters(source).map(|known| known.id).collect(),
        };
        Wanted::of(&self.verifier.registry, source, &Asked { parameters, ..Asked::default() })
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
            let Verifier { records, tenant, search, .. } = &self.verifier;
            let (records, tenant) = (*records, *tenant);
            let mut search = Search::everything(source, test, search.access.clone());
            search.rows = INCLUDED_MAX - self.included.len();
            for found in matching(self.reader, records, tenant, &search).await? {
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
        let known = self.verifier.registry.parameters(source);
        let known =
            known.filter(|known| known.kind == ParameterKind::Reference && known.standing == Standing::Ready);
        let known = known.filter(|known| known.targets.is_empty() || known.targets.contains(&target));
        known.map(|known| known.id).filter(|id| asked.is_none_or(|asked| asked == *id)).collect()
    }
}
