//! A page of what a search finds.

use store::{DbError, FromRow, Reader, Row};

use crate::{
    parameter::{ParameterId, ParameterKind, Registry, ResourceType},
    query::{Order, Sort},
    reindex,
    resource::{Records, Rid, Version, VersionRow, unpack_all},
    search::{
        Cursor, FETCHED_MAX, PAGE_EXAMINED_MAX, PROBED, PROBED_FAR, Page, Search, SearchFault,
        chain::shortened,
        condition::{Condition, Maker, Says},
        drive::{LEADS_TO_ONE, conjuncts, rank},
        include,
        permitted::as_bound,
        settle::settle,
        sort,
        statement::{Statement, Way, Window},
        verify::{Held, Verifier},
    },
    tenant::Tenant,
};

/// The rows of versions at the places of a select that goes in between, each with whether it is the newest of its record.
pub(super) const VERSIONS: &str = "SELECT v.rid AS rid, v.type AS type, v.id AS id, v.version AS version, v.at AS at, v.method AS method, \
     v.codec AS codec, v.meta_at AS meta_at, v.body AS body, CASE WHEN EXISTS (SELECT 1 FROM fhir_current c WHERE c.tenant = v.tenant \
     AND c.type = v.type AND c.id = v.id AND c.rid = v.rid LIMIT 1 OFFSET 0) THEN 1 ELSE 0 END AS is_newest FROM ";

/// Such a row. A list may have a record that is not the newest of its kind any more.
struct WalkedRow(VersionRow, bool);

impl FromRow for WalkedRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(VersionRow::from_row(row)?, row.get("is_newest")?))
    }
}

/// A part of a walk.
pub(super) struct Walked {
    /// What was met, the newest of its record each.
    pub(super) versions: Vec<Version>,
    /// The place that was reached; none at the end of the walk.
    pub(super) reached: Option<Rid>,
}

impl Records {
    /// A page of the records that hold a search, with what it includes.
    ///
    /// # Errors
    /// [`SearchFault`].
    pub async fn search(&self, tenant: &Tenant, search: Search) -> Result<Page, SearchFault> {
        let (records, tenant) = (self.clone(), tenant.clone());
        self.db()
            .snapshot(async move |reader: &mut Reader| {
                is_as_known(reader, &tenant).await?;
                let search = settle(reader, &records, &tenant, &search).await?;
                let search = as_bound(reader, &tenant, search).await?;
                let mut page = match by_age(&search.sort) {
                    Some(order) => aged(reader, &records, (&tenant, &search), order).await?,
                    None => sort::page(reader, &records, &tenant, &search).await?,
                };
                include::add(reader, &records, &tenant, &search, &mut page).await?;
                Ok(page)
            })
            .await
    }
}

/// Whether what the question was read with may still be asked: a parameter of a package may have been taken away since.
pub(super) async fn is_as_known(reader: &mut Reader, tenant: &Tenant) -> Result<(), SearchFault> {
    let known = tenant.added();
    if known.is_empty() {
        return Ok(());
    }
    let generation = reindex::generation(reader, tenant.number()).await?;
    let is_so = generation == known.generation()
        || known.is_ready_in(&reindex::added(reader, tenant.number()).await?);
    if is_so { Ok(()) } else { Err(SearchFault::Moved) }
}

/// The records of a type that hold a test, newest first, as a unit has to know them: so many at the most.
pub(crate) async fn matching(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    search: &Search,
) -> Result<Vec<Version>, SearchFault> {
    let mut search = search.clone();
    let (mut found, wanted) = (Vec::new(), search.rows);
    loop {
        let page = aged(reader, records, (tenant, &search), Order::Descending).await?;
        found.extend(page.matches);
        search.rows = wanted.saturating_sub(found.len());
        search.after = page.next;
        if search.rows == 0 || search.after.is_none() {
            return Ok(found);
        }
    }
}

/// One type of a search, told to index rows.
pub(super) struct Sought {
    pub(super) of: ResourceType,
    pub(super) condition: Condition,
    pub(super) says: Says,
    driver: Option<usize>,
}

impl Sought {
    /// Which of its lists is the shortest is asked of the database, where there are several.
    pub(super) async fn new(
        reader: &mut Reader,
        records: &Records,
        tenant: &Tenant,
        (of, search): (ResourceType, &Search),
    ) -> Result<Self, SearchFault> {
        let registry = records.registry_of(tenant);
        let maker = Maker { tenant, registry: &registry, access: &search.access };
        let (condition, says) = maker.make(of, &search.test);
        let condition = shortened(reader, tenant, condition).await?;
        let driver = shortest(reader, tenant, conjuncts(&condition)).await?;
        Ok(Self { of, condition, says, driver })
    }

    /// Which of its conjuncts is the shortest list.
    pub(super) const fn driver(&self) -> Option<usize> {
        self.driver
    }

    pub(super) fn places<'t>(
        &self,
        tenant: &'t Tenant,
        begin: &'static str,
        window: Option<Window>,
    ) -> Statement<'t> {
        let mut statement = Statement::new(tenant, begin);
        self.add_places(&mut statement, window);
        statement
    }

    pub(super) fn add_places(&self, statement: &mut Statement<'_>, window: Option<Window>) {
        statement.places(self.of, conjuncts(&self.condition), self.driver, window);
    }

    pub(super) async fn versions(
        &self,
        reader: &mut Reader,
        tenant: &Tenant,
        window: Window,
    ) -> Result<Walked, SearchFault> {
        if self.condition == Condition::None {
            return Ok(Walked { versions: Vec::new(), reached: None });
        }
        let mut statement = Statement::new(tenant, VERSIONS);
        self.add_versions(&mut statement, window);
        let rows: Vec<WalkedRow> = reader.all_composed(&statement.done()?).await?;
        let last = rows.last().map(|WalkedRow(row, _)| row.rid());
        let reached = last.filter(|_| window.rows.is_some_and(|most| rows.len() >= most));
        let newest = rows.into_iter().filter(|WalkedRow(_, is_newest)| *is_newest);
        Ok(Walked { versions: unpack_all(newest.map(|WalkedRow(row, _)| row).collect())?, reached })
    }

    /// Behind [`VERSIONS`], those at its places.
    pub(super) fn add_versions(&self, statement: &mut Statement<'_>, window: Window) {
        statement.versions_at(|statement| self.add_places(statement, Some(window)));
        statement.text(" ORDER BY v.rid").text(window.way.sorted());
    }
}

/// The place of the list that is the cheapest to walk, its rows each being asked of the others. Of several that are long, what leads to
/// one record is taken to be short, as it is as a rule; else it is looked farther.
async fn shortest(
    reader: &mut Reader,
    tenant: &Tenant,
    conditions: &[Condition],
) -> Result<Option<usize>, SearchFault> {
    let all: usize = conditions.iter().map(asked_of_one).sum();
    let others = |at: usize| all - conditions.get(at).map_or(0, asked_of_one);
    let of_rank = |at: usize| conditions.get(at).and_then(rank).unwrap_or(u8::MAX);
    let mut found = None;
    for most in [PROBED, PROBED_FAR] {
        let lists = lengths(reader, tenant, conditions, most).await?;
        let cost = |(at, length): &(usize, usize)| (length * others(*at).max(1), of_rank(*at), *at);
        found = lists.iter().copied().min_by_key(cost);
        if found.is_none_or(|(_, length)| length < most) {
            break;
        }
        let mut ranks: Vec<(u8, usize)> = lists.iter().map(|(at, _)| (of_rank(*at), *at)).collect();
        ranks.sort_unstable();
        if let [(LEADS_TO_ONE, first), (next, _), ..] = *ranks
            && next > LEADS_TO_ONE
        {
            return Ok(Some(first));
        }
    }
    Ok(found.map(|(at, _)| at))
}

/// How many rows are looked for when one record is asked.
const fn asked_of_one(condition: &Condition) -> usize {
    match condition {
        Condition::Link { targets, .. } => targets.len(),
        Condition::Postings { keys, .. } => keys.len(),
        _ => 1,
    }
}

/// How long those of the conditions are that are lists, as far as `most`.
async fn lengths(
    reader: &mut Reader,
    tenant: &Tenant,
    conditions: &[Condition],
    most: usize,
) -> Result<Vec<(usize, usize)>, SearchFault> {
    let mut statement = Statement::new(tenant, "");
    let mut asked: Vec<usize> = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        let mut one = Statement::new(tenant, "");
        if one.length(condition, most) {
            let separator = if asked.is_empty() { "SELECT " } else { " UNION ALL SELECT " };
            statement.text(separator).int(i64::try_from(at).unwrap_or(i64::MAX)).text(" AS place, (");
            statement.length(condition, most);
            statement.text(") AS length");
            asked.push(at);
        }
    }
    if asked.len() < 2 {
        return Ok(asked.into_iter().map(|at| (at, 0)).collect());
    }
    let lengths = reader.all_composed::<(i64, i64)>(&statement.done()?).await?;
    let told = |(at, length)| Some((usize::try_from(at).ok()?, usize::try_from(length).ok()?));
    Ok(lengths.into_iter().filter_map(told).collect())
}

/// What one type has for a page, and where it stopped looking if it did before there was enough.
struct Found {
    versions: Vec<Version>,
    stopped: Option<Rid>,
}

/// Whether an answer is sorted by nothing but age, which is the order of places: no version is older than one before it.
pub(super) fn by_age(sort: &[Sort]) -> Option<Order> {
    match sort {
        [] => Some(Order::Descending),
        [one] if one.parameter == ParameterId::LAST_UPDATED => Some(one.order),
        _ => None,
    }
}

async fn aged(
    reader: &mut Reader,
    records: &Records,
    (tenant, search): (&Tenant, &Search),
    order: Order,
) -> Result<Page, SearchFault> {
    let place = search.after.as_ref().map(Cursor::place);
    let way = match (order, &search.after) {
        (Order::Descending, _) => Way::Down { before: place.unwrap_or(Rid(i64::MAX)) },
        (Order::Ascending, Some(after)) => Way::Up { after: after.place(), until: Rid(after.newest) },
        (Order::Ascending, None) => {
            Way::Up { after: Rid(-1), until: sort::newest_place(reader, tenant).await? }
        }
    };
    let mut matches = Vec::new();
    let mut stopped: Option<Rid> = None;
    for of in types(search) {
        let sought = Sought::new(reader, records, tenant, (of, search)).await?;
        let mut found = of_type(reader, records, (tenant, search), (&sought, way)).await?;
        matches.append(&mut found.versions);
        let both = stopped.into_iter().chain(found.stopped);
        stopped = both.min_by(|a, b| way.order(*a, *b));
    }
    matches.sort_unstable_by(|a: &Version, b: &Version| way.order(a.rid, b.rid));
    if let Some(stopped) = stopped {
        matches.retain(|version| way.order(version.rid, stopped).is_le());
    }
    let is_more = matches.len() > search.rows;
    matches.truncate(search.rows);
    let last = if is_more { matches.last().map(|last| last.rid) } else { stopped };
    let newest = match way {
        Way::Down { .. } => i64::MAX,
        Way::Up { until, .. } => until.0,
    };
    let next = last.map(|last| Cursor { keys: Vec::new(), rid: last.0, newest });
    Ok(Page { matches, next, ..Page::default() })
}

pub(super) fn types(search: &Search) -> Vec<ResourceType> {
    if search.resource_types.is_empty() {
        ResourceType::all().collect()
    } else {
        search.resource_types.clone()
    }
}

/// One more than a page has, so that it is known whether there is another.
async fn of_type(
    reader: &mut Reader,
    records: &Records,
    (tenant, search): (&Tenant, &Search),
    (sought, way): (&Sought, Way),
) -> Result<Found, SearchFault> {
    let mut versions = Vec::new();
    let (mut way, mut examined) = (way, 0);
    let enough = search.rows + 1;
    let mut verifier = Verifier::of_found(records, tenant, search);
    loop {
        let wanted = match sought.says {
            Says::All => enough - versions.len(),
            Says::Less => (enough * 4).max(50),
        };
        let rows = wanted.min(FETCHED_MAX);
        let Walked { versions: mut fetched, reached } =
            sought.versions(reader, tenant, Window { way, rows: Some(rows) }).await?;
        while !fetched.is_empty() {
            let rest = fetched.split_off(enough.min(fetched.len()));
            verifier.foresee(reader, &fetched, &search.test).await?;
            for version in std::mem::replace(&mut fetched, rest) {
                match verifier.held(reader, &version, &search.test).await? {
                    Held::Yes => versions.push(version),
                    Held::No => examined += 1,
                    Held::Hidden => {}
                }
                if versions.len() == enough {
                    return Ok(Found { versions, stopped: None });
                }
            }
        }
        let Some(last) = reached else { break };
        way = way.from(last);
        if examined >= PAGE_EXAMINED_MAX {
            return Ok(Found { versions, stopped: Some(last) });
        }
    }
    Ok(Found { versions, stopped: None })
}

/// The one date that an answer is sorted by.
pub(super) fn date_of(registry: &Registry, of: ResourceType, sort: &[Sort]) -> Option<Sort> {
    let [one] = sort else { return None };
    let known = registry.parameter_by_id(of, one.parameter)?;
    (known.kind == ParameterKind::Date && &*known.code != "_lastUpdated").then(|| one.clone())
}
