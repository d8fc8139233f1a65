//! What `_has` asks, asked once for all records: which records those that hold it refer to.

use std::{collections::BTreeSet, pin::Pin, sync::Arc};

use fhirpath::document::{Document, DocumentLimits};
use store::Reader;

use crate::{
    index::extract,
    parameter::{ParameterId, ResourceType},
    query::Test,
    resource::{Records, Version},
    search::{HAS_GATHERED_MAX, Search, SearchFault, find::matching, verify::record_of},
    tenant::Tenant,
};

type Settled<'a> = Pin<Box<dyn Future<Output = Result<Test, SearchFault>> + 'a>>;

/// The search with the records that its `_has` lead to, where they are few enough to be gathered; the others are asked record by
/// record, which soon finds some that hold them.
pub(super) async fn settle(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    search: &Search,
) -> Result<Search, SearchFault> {
    let mut search = search.clone();
    if let [of] = *search.resource_types {
        let mut settler = Settler { reader, records, tenant, search: &search };
        let test = settler.test(of, search.test.clone()).await?;
        search.test = test;
    }
    Ok(search)
}

struct Settler<'s> {
    reader: &'s mut Reader,
    records: &'s Records,
    tenant: &'s Tenant,
    search: &'s Search,
}

impl Settler<'_> {
    fn test(&mut self, of: ResourceType, test: Test) -> Settled<'_> {
        Box::pin(async move {
            Ok(match test {
                Test::All(tests) => Test::All(self.each(of, tests).await?),
                Test::AnyOf(tests) => Test::AnyOf(self.each(of, tests).await?),
                Test::Not(test) => Test::Not(Box::new(self.test(of, *test).await?)),
                Test::Chain { parameter, targets } => {
                    let mut settled = Vec::with_capacity(targets.len());
                    for (to, test) in targets {
                        settled.push((to, self.test(to, test).await?));
                    }
                    Test::Chain { parameter, targets: settled }
                }
                Test::Has { source, parameter, test } => {
                    let test = self.test(source, *test).await?;
                    match self.referred(of, (source, parameter), &test).await? {
                        Some(ids) => Test::Is { resource_type: of, ids: Arc::new(ids) },
                        None => Test::Has { source, parameter, test: Box::new(test) },
                    }
                }
                test => test,
            })
        })
    }

    async fn each(&mut self, of: ResourceType, tests: Vec<Test>) -> Result<Vec<Test>, SearchFault> {
        let mut settled = Vec::with_capacity(tests.len());
        for test in tests {
            settled.push(self.test(of, test).await?);
        }
        Ok(settled)
    }

    /// The ids of the records of a type that records which hold a test refer to; none if those are too many.
    async fn referred(
        &mut self,
        of: ResourceType,
        (source, parameter): (ResourceType, ParameterId),
        test: &Test,
    ) -> Result<Option<BTreeSet<Box<str>>>, SearchFault> {
        let mut search = Search::everything(source, test.clone(), self.search.access.clone());
        search.terminology.clone_from(&self.search.terminology);
        search.rows = HAS_GATHERED_MAX + 1;
        let found = matching(self.reader, self.records, self.tenant, &search).await?;
        if found.len() > HAS_GATHERED_MAX {
            return Ok(None);
        }
        let mut ids = BTreeSet::new();
        for version in &found {
            self.add(&mut ids, version, (of, parameter))?;
        }
        Ok(Some(ids))
    }

    fn add(
        &self,
        ids: &mut BTreeSet<Box<str>>,
        version: &Version,
        (of, parameter): (ResourceType, ParameterId),
    ) -> Result<(), SearchFault> {
        let body = version.body.as_ref().ok_or(SearchFault::Damaged)?;
        let document = Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default())
            .map_err(|_| SearchFault::Damaged)?;
        let entries =
            extract(document.root(), &self.records.registry_of(self.tenant)).ok_or(SearchFault::Damaged)?;
        let referred = entries.of(parameter).filter_map(record_of).filter(|(to, _)| *to == of);
        ids.extend(referred.map(|(_, id)| Box::from(id.as_str())));
        Ok(())
    }
}
