//! What the records of a page lead to, read and asked for all of them together: a statement for each step, not for each record.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
};

use store::Reader;

use crate::{
    key,
    parameter::{ParameterId, ResourceType},
    query::Test,
    resource::{LogicalId, Rid, Version, newest_versions, versions_at},
    search::{
        NESTED_MAX, SearchFault,
        condition::Maker,
        statement::Statement,
        verify::{Consents, Verifier},
    },
};

type Foreseen<'a> = Pin<Box<dyn Future<Output = Result<(), SearchFault>> + 'a>>;

/// Chains and `_has` of a test: what is asked of other records.
fn of_others<'s>(test: &'s Test, found: &mut Vec<&'s Test>) {
    match test {
        Test::Chain { .. } | Test::Has { .. } => found.push(test),
        Test::All(tests) | Test::AnyOf(tests) => tests.iter().for_each(|test| of_others(test, found)),
        Test::Not(test) => of_others(test, found),
        _ => {}
    }
}

impl<'s> Verifier<'s> {
    /// Learn what these records are about to be asked of others. What is not learned here is asked when it is needed.
    pub(super) fn foresee<'a>(
        &'a mut self,
        reader: &'a mut Reader,
        versions: &'a [Version],
        test: &'s Test,
    ) -> Foreseen<'a> {
        Box::pin(async move {
            let mut tests = Vec::new();
            of_others(test, &mut tests);
            if self.depth >= NESTED_MAX {
                return Ok(());
            }
            for test in tests {
                match test {
                    Test::Chain { parameter, targets } => {
                        self.ahead(reader, versions, (*parameter, targets)).await?;
                    }
                    _ => self.behind(reader, versions, test).await?,
                }
            }
            Ok(())
        })
    }

    /// The records that a chain leads to.
    async fn ahead(
        &mut self,
        reader: &mut Reader,
        versions: &[Version],
        (parameter, targets): (ParameterId, &'s [(ResourceType, Test)]),
    ) -> Result<(), SearchFault> {
        let mut to: BTreeMap<ResourceType, BTreeSet<LogicalId>> = BTreeMap::new();
        for own in versions.chunk_by(|a, b| a.resource_type == b.resource_type) {
            let Some(first) = own.first() else { continue };
            let wanted = self.wanted(first.resource_type, parameter);
            for version in own.iter().filter(|version| !version.is_deletion()) {
                let led = self.leads_to(version, &wanted)?;
                led.into_iter().for_each(|(of, id)| to.entry(of).or_default().extend([id]));
            }
        }
        for (of, test) in targets {
            let kind = self.kind(*of, test);
            let mut ids = to.get(of).cloned().unwrap_or_default();
            ids.retain(|id| self.recall(kind, id).is_none());
            let ids: Vec<LogicalId> = ids.into_iter().collect();
            let found = newest_versions(reader, self.tenant, *of, &ids).await?;
            self.ask_consents(reader, &found).await?;
            self.depth += 1;
            let foreseen = self.foresee(reader, &found, test).await;
            self.depth -= 1;
            foreseen?;
            for version in found {
                let is_held = self.deeper(reader, (&version, Consents::Unasked), test).await?;
                self.remember(kind, version.id, is_held);
            }
        }
        Ok(())
    }

    /// Of each record the newest that refers to it and is found to hold what `_has` asks. Whether it does, and refers to it, is asked
    /// of it; of a record for which that leads to none, nothing is known by it.
    async fn behind(
        &mut self,
        reader: &mut Reader,
        versions: &[Version],
        has: &'s Test,
    ) -> Result<(), SearchFault> {
        let Test::Has { source, parameter, test } = has else { return Ok(()) };
        let registry = Arc::clone(&self.registry);
        let maker = Maker { tenant: self.tenant, registry: &registry, access: &self.search.access };
        let wanted = self.wanted(*source, *parameter);
        for own in versions.chunk_by(|a, b| a.resource_type == b.resource_type) {
            let Some(of) = own.first().map(|version| version.resource_type) else { continue };
            let kind = self.kind(of, has);
            let asked: Vec<&Version> =
                own.iter().filter(|version| self.recall(kind, &version.id).is_none()).collect();
            let (inner, _) = maker.make(*source, test);
            let way = maker.way(*source, *parameter, of);
            let targets: Vec<i64> =
                asked.iter().map(|version| key::identity(self.tenant, of, version.id.as_str())).collect();
            let mut statement = Statement::new(self.tenant, "");
            statement.witnesses(way, &inner, &targets);
            let places = reader.all_composed::<(i64,)>(&statement.done()?).await?;
            let places: BTreeSet<Rid> = places.into_iter().map(|(rid,)| Rid::numbered(rid)).collect();
            let places: Vec<Rid> = places.into_iter().collect();
            let found = versions_at(reader, self.tenant, &places).await?;
            self.depth += 1;
            let foreseen = self.foresee(reader, &found, test).await;
            self.depth -= 1;
            foreseen?;
            for version in found {
                let is_held = self.deeper(reader, (&version, Consents::Asked), test).await?;
                let led = if is_held { self.leads_to(&version, &wanted)? } else { Vec::new() };
                for (to, id) in led {
                    if to == of {
                        self.remember(kind, id, true);
                    }
                }
            }
        }
        Ok(())
    }
}
