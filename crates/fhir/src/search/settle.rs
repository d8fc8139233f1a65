//! What `_has` asks, asked once for all records: which records those that hold it refer to.

use std::{collections::BTreeSet, pin::Pin, sync::Arc};

use store::Reader;

use crate::{
    key,
    parameter::{ParameterId, ResourceType},
    query::Test,
    resource::{Records, Rid},
    search::{
        HAS_GATHERED_MAX, PROBED, Search, SearchFault,
        condition::Condition,
        find::{Sought, matching},
        statement::{Statement, Way, Window},
        verify::Verifier,
    },
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

    /// The ids of the records of a type that records which hold a test refer to; none if those are too many, or more than there are of
    /// the type, which are asked one by one then.
    async fn referred(
        &mut self,
        of: ResourceType,
        (source, parameter): (ResourceType, ParameterId),
        test: &Test,
    ) -> Result<Option<BTreeSet<Box<str>>>, SearchFault> {
        let mut search = Search::everything(source, test.clone(), self.search.access.clone());
        search.terminology.clone_from(&self.search.terminology);
        if !self.is_worth_gathering(of, (source, &search)).await? {
            return Ok(None);
        }
        search.rows = HAS_GATHERED_MAX + 1;
        let found = matching(self.reader, self.records, self.tenant, &search).await?;
        if found.len() > HAS_GATHERED_MAX {
            return Ok(None);
        }
        let verifier = Verifier::new(self.records, self.tenant, &search);
        let wanted = verifier.wanted(source, parameter);
        let mut ids = BTreeSet::new();
        for version in &found {
            let led = verifier.leads_to(version, &wanted)?.into_iter().filter(|(to, _)| *to == of);
            ids.extend(led.map(|(_, id)| Box::from(id.as_str())));
        }
        Ok(Some(ids))
    }

    /// Whether index rows have few that hold the inner test, and fewer than there are records to be asked.
    async fn is_worth_gathering(
        &mut self,
        of: ResourceType,
        (source, search): (ResourceType, &Search),
    ) -> Result<bool, SearchFault> {
        let sought = Sought::new(self.reader, self.records, self.tenant, (source, search)).await?;
        if sought.condition == Condition::None {
            return Ok(true);
        }
        let few =
            Window { way: Way::Down { before: Rid::numbered(i64::MAX) }, rows: Some(HAS_GATHERED_MAX + 1) };
        let mut statement = Statement::new(self.tenant, "SELECT (SELECT COUNT(*) FROM (");
        sought.add_places(&mut statement, Some(few));
        statement.text(") AS few) AS few, (");
        let every = Condition::Posting { key: key::of_type(of), system: None };
        statement.length(&every, PROBED);
        statement.text(") AS candidates");
        let counted = self.reader.all_composed::<(i64, i64)>(&statement.done()?).await?;
        let (few, candidates) = counted.first().copied().unwrap_or_default();
        let is_long = |count: i64, most: usize| usize::try_from(count).is_ok_and(|count| count >= most);
        Ok(few <= candidates || (is_long(candidates, PROBED) && !is_long(few, HAS_GATHERED_MAX + 1)))
    }
}
