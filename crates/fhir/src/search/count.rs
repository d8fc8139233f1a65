//! How many records hold a search.

use store::Reader;

use crate::{
    resource::{Records, Rid},
    search::{
        COUNT_EXAMINED_MAX, Counted, FETCHED_MAX, Search, SearchFault,
        condition::{Condition, Says},
        dense,
        find::{Sought, Walked, is_as_known, types},
        permitted::as_bound,
        settle::settle,
        statement::{Way, Window},
        verify::{Held, Verifier},
    },
    tenant::Tenant,
};

impl Records {
    /// How many records hold a search. Where index rows tell all of it they are counted and not read: 48 keyed bits are believed to be
    /// what they stand for, which nothing that is served is.
    ///
    /// # Errors
    /// [`SearchFault`].
    pub async fn count(&self, tenant: &Tenant, search: Search) -> Result<Counted, SearchFault> {
        let (records, tenant) = (self.clone(), tenant.clone());
        self.db()
            .snapshot(async move |reader: &mut Reader| {
                is_as_known(reader, &tenant).await?;
                let search = settle(reader, &records, &tenant, &search).await?;
                let search = as_bound(reader, &tenant, search).await?;
                let (mut total, mut examined) = (0, 0);
                let mut is_all = true;
                for of in types(&search) {
                    let sought = Sought::new(reader, &records, &tenant, (of, &search)).await?;
                    total += match (&sought.condition, sought.says) {
                        (Condition::None, _) => 0,
                        (_, Says::All) => {
                            match dense::count(reader, &tenant, records.dense(), &sought).await? {
                                Some(count) => count,
                                None => told(reader, &tenant, &sought).await?,
                            }
                        }
                        (_, Says::Less) => {
                            let (found, looked) =
                                asked(reader, &records, (&tenant, &search), &sought).await?;
                            examined += looked;
                            is_all &= looked < COUNT_EXAMINED_MAX;
                            found
                        }
                    };
                    if examined >= COUNT_EXAMINED_MAX {
                        is_all = false;
                        break;
                    }
                }
                Ok(if is_all { Counted::Exactly(total) } else { Counted::AtLeast(total) })
            })
            .await
    }
}

async fn told(reader: &mut Reader, tenant: &Tenant, sought: &Sought) -> Result<u64, SearchFault> {
    let mut statement = sought.places(tenant, "SELECT COUNT(*) FROM (", None);
    statement.text(") AS found");
    let counted = reader.all_composed::<(i64,)>(&statement.done()?).await?;
    Ok(counted.first().and_then(|(count,)| u64::try_from(*count).ok()).unwrap_or(0))
}

/// How many of those that were looked at hold it, and how many were looked at.
async fn asked(
    reader: &mut Reader,
    records: &Records,
    (tenant, search): (&Tenant, &Search),
    sought: &Sought,
) -> Result<(u64, usize), SearchFault> {
    let mut way = Way::Down { before: Rid(i64::MAX) };
    let (mut found, mut examined) = (0, 0);
    let mut verifier = Verifier::of_found(records, tenant, search);
    while examined < COUNT_EXAMINED_MAX {
        let window = Window { way, rows: Some(FETCHED_MAX) };
        let Walked { versions: fetched, reached } = sought.versions(reader, tenant, window).await?;
        verifier.foresee(reader, &fetched, &search.test).await?;
        for version in &fetched {
            let held = verifier.held(reader, version, &search.test).await?;
            found += u64::from(held == Held::Yes);
            examined += usize::from(held != Held::Hidden);
        }
        let Some(last) = reached else { break };
        way = way.from(last);
    }
    Ok((found, examined))
}
