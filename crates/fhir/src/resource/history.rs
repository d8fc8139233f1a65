//! What became of a record, of the records of a type, of all of a site; newest first. <https://hl7.org/fhir/R4/http.html#history>

use std::collections::BTreeMap;

use kernel::Timestamp;
use store::{DbError, Reader};

use super::{
    Judge, LogicalId, Records, Rid, Version,
    queries::{self, Scope},
};
use crate::{
    consent::{self, Bound},
    key,
    parameter::ResourceType,
    tenant::Tenant,
};

/// Versions that one page of a history looks at: behind so many that the caller may not see, it ends and another one goes on.
pub const HISTORY_EXAMINED_MAX: usize = 10_000;
/// Versions that are fetched at once.
const FETCHED: usize = 200;

/// Whose history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// One record's.
    Record(ResourceType, LogicalId),
    /// That of all records of a type.
    Type(ResourceType),
    /// The site's.
    Site,
}

/// A page of a history.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Newest first.
    pub versions: Vec<Version>,
    /// Where the next page begins, if there is one: it is asked for what is before this.
    pub next: Option<Rid>,
}

impl Records {
    /// A page of a history: versions that the judge allows, of records that it allows as they are now, not older than `since`, before
    /// the place where the page before ended. There is another page only if there is something for the judge's caller on it.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn history(
        &self,
        tenant: &Tenant,
        span: Span,
        (before, since, rows): (Option<Rid>, Option<Timestamp>, usize),
        judge: Option<Judge>,
    ) -> Result<History, DbError> {
        let (records, tenant) = (self.clone(), tenant.clone());
        let since = since.unwrap_or(Timestamp::from_micros(i64::MIN));
        let before = before.unwrap_or(Rid(i64::MAX));
        self.db()
            .snapshot(async move |reader: &mut Reader| {
                let mut page = History::default();
                let has_consents = consent::has_any(reader, &tenant).await?;
                let mut sight = Sight::new(&records, judge.clone(), has_consents);
                let mut examined = 0;
                let mut before_now = before;
                while examined < HISTORY_EXAMINED_MAX {
                    let fetched = fetch(reader, &tenant, &span, (before_now, since)).await?;
                    let is_last = fetched.len() < FETCHED;
                    for mut version in fetched {
                        examined += 1;
                        before_now = version.rid;
                        if !sight.reaches(reader, &tenant, &mut version).await? {
                            continue;
                        }
                        if page.versions.len() == rows {
                            page.next = Some(Rid(version.rid.0 + 1));
                            return Ok(page);
                        }
                        page.versions.push(version);
                    }
                    if is_last {
                        return Ok(page);
                    }
                }
                page.next = Some(before_now);
                Ok(page)
            })
            .await
    }
}

/// What a caller sees of a history.
struct Sight {
    records: Records,
    has_consents: bool,
    judge: Option<Judge>,
    /// Whether records that were asked about are the caller's as they are now.
    now: BTreeMap<(ResourceType, LogicalId), bool>,
}

impl Sight {
    fn new(records: &Records, judge: Option<Judge>, has_consents: bool) -> Self {
        Self { records: records.clone(), has_consents, judge, now: BTreeMap::new() }
    }

    /// The version is the caller's, and so is the record as it is now: one that turned out to be another's is not seen as it was.
    async fn reaches(
        &mut self,
        reader: &mut Reader,
        tenant: &Tenant,
        version: &mut Version,
    ) -> Result<bool, DbError> {
        let Some(judge) = self.judge.clone() else { return Ok(true) };
        if !self.knows(reader, tenant, &judge, version).await? {
            return Ok(false);
        }
        let record = (version.resource_type, version.id.clone());
        if let Some(known) = self.now.get(&record) {
            return Ok(*known);
        }
        let newest = queries::newest(reader, tenant, record.0, &record.1).await?;
        let is_own = match newest {
            Some(newest) if newest.rid == version.rid => true,
            Some(mut newest) => self.knows(reader, tenant, &judge, &mut newest).await?,
            None => false,
        };
        self.now.insert(record, is_own);
        Ok(is_own)
    }

    /// Who could see what was deleted may know that it was.
    async fn knows(
        &self,
        reader: &mut Reader,
        tenant: &Tenant,
        judge: &Judge,
        version: &mut Version,
    ) -> Result<bool, DbError> {
        if self.has_consents {
            consent::weigh(reader, self.records.registry(), tenant, version).await?;
        } else {
            version.bound = Bound::Free;
        }
        if judge(version) || !version.is_deletion() {
            return Ok(judge(version));
        }
        let before = version.version.saturating_sub(1);
        let record = (version.resource_type, &version.id);
        let mut before = queries::numbered(reader, tenant, record, before).await?;
        // Without consents it says so itself.
        self.records.weigh(reader, tenant, &mut before).await?;
        Ok(before.is_some_and(|before| judge(&before)))
    }
}

async fn fetch(
    reader: &mut Reader,
    tenant: &Tenant,
    span: &Span,
    (before, since): (Rid, Timestamp),
) -> Result<Vec<Version>, DbError> {
    let scope = match span {
        Span::Record(resource_type, id) => Scope::Record(*resource_type, id),
        Span::Type(of) => Scope::Type(key::of_type(*of), key::of_history(tenant, *of)),
        Span::Site => Scope::Site,
    };
    let rows = i64::try_from(FETCHED).unwrap_or(i64::MAX);
    queries::before(reader, tenant, scope, (before, since, rows)).await
}
