//! An answer that is sorted by something else than age. <https://hl7.org/fhir/R4/search.html#sort>
//!
//! By one date the database sorts. By anything else all that hold are fetched and the first of them kept, of [`SORT_MAX`] at the most.
//! What has nothing to be sorted by comes last; what is sorted alike, newest first.

use std::cmp::Ordering;

use store::Reader;

use crate::{
    index::{Asked, DateRange, Entries, Reference, Value, Wanted, extract_wanted},
    key::{Of, sortable},
    parameter::{ParameterId, Registry, ResourceType},
    query::{Order, Sort},
    resource::{Records, Rid, Version, versions_at},
    search::{
        Cursor, FETCHED_MAX, PAGE_EXAMINED_MAX, Page, SORT_MAX, Search, SearchFault,
        condition::Condition,
        find::{Sought, Walked, date_of, types},
        statement::{Statement, Way, Window},
        verify::{Held, Verifier, read},
    },
    tenant::Tenant,
};

/// What a record is sorted by, one for each thing; none where it has nothing.
type Keys = Vec<Option<Vec<u8>>>;

pub(super) async fn page(
    reader: &mut Reader,
    records: &Records,
    tenant: &Tenant,
    search: &Search,
) -> Result<Page, SearchFault> {
    let newest = match &search.after {
        Some(after) => Rid(after.newest),
        None => newest_place(reader, tenant).await?,
    };
    if let [of] = *types(search)
        && let Some(sort) = date_of(&records.registry_of(tenant), of, &search.sort)
    {
        return by_date(reader, records, (tenant, search), (of, sort, newest)).await;
    }
    let mut first = First { search, found: Vec::new() };
    let mut examined = 0;
    for of in types(search) {
        examined += gather(reader, records, (tenant, search), (of, newest), &mut first).await?;
        if examined > SORT_MAX {
            return Err(SearchFault::Unsorted);
        }
    }
    let mut found = first.in_order();
    let is_more = found.len() > search.rows;
    found.truncate(search.rows);
    let next = found.last().filter(|_| is_more).map(|(keys, version)| Cursor {
        keys: keys.clone(),
        rid: version.rid.number(),
        newest: newest.number(),
    });
    let matches = found.into_iter().map(|(_, version)| version).collect();
    Ok(Page { matches, next, ..Page::default() })
}

/// The first of all that were met, as many as a page has and one more.
struct First<'s> {
    search: &'s Search,
    found: Vec<(Keys, Version)>,
}

impl First<'_> {
    fn order(&self, a: (&Keys, Rid), b: (&Keys, Rid)) -> Ordering {
        compare(&self.search.sort, a, b)
    }

    /// What the page before had is not met again.
    fn meet(&mut self, keys: Keys, version: Version) {
        let is_past = self.search.after.as_ref().is_some_and(|after| {
            self.order((&after.keys, after.place()), (&keys, version.rid)) != Ordering::Less
        });
        if is_past {
            return;
        }
        self.found.push((keys, version));
        if self.found.len() >= 2 * (self.search.rows + 1).max(FETCHED_MAX) {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let sort = &self.search.sort;
        self.found.sort_by(|a, b| compare(sort, (&a.0, a.1.rid), (&b.0, b.1.rid)));
        self.found.truncate(self.search.rows + 1);
    }

    fn in_order(mut self) -> Vec<(Keys, Version)> {
        self.settle();
        self.found
    }
}

pub(super) async fn newest_place(reader: &mut Reader, tenant: &Tenant) -> Result<Rid, SearchFault> {
    let sql = "SELECT rid FROM fhir_clock WHERE tenant = $1";
    let (rid,) = reader.one::<(i64,)>(sql, store::binds![tenant.number()]).await?;
    Ok(Rid::numbered(rid))
}

async fn gather(
    reader: &mut Reader,
    records: &Records,
    (tenant, search): (&Tenant, &Search),
    (of, newest): (ResourceType, Rid),
    first: &mut First<'_>,
) -> Result<usize, SearchFault> {
    let sought = Sought::new(reader, records, tenant, (of, search)).await?;
    let registry = records.registry_of(tenant);
    let mut way = Way::Down { before: Rid::numbered(newest.number().saturating_add(1)) };
    let mut examined = 0;
    let mut verifier = Verifier::of_found(records, tenant, search);
    let sorted = wanted(&registry, of, &search.sort);
    loop {
        let window = Window { way, rows: Some(FETCHED_MAX) };
        let Walked { versions: fetched, reached } = sought.versions(reader, tenant, window).await?;
        verifier.foresee(reader, &fetched, &search.test).await?;
        for version in fetched {
            let held = verifier.held(reader, &version, &search.test).await?;
            examined += usize::from(held != Held::Hidden);
            if held == Held::Yes {
                first.meet(keys((&registry, &sorted), &search.sort, &version)?, version);
            }
        }
        match reached {
            Some(last) if examined <= SORT_MAX => way = way.from(last),
            _ => return Ok(examined),
        }
    }
}

/// What of records of a type an answer is sorted by.
fn wanted(registry: &Registry, of: ResourceType, sort: &[Sort]) -> Wanted {
    let parameters = sort.iter().map(|by| by.parameter).collect();
    Wanted::of(registry, of, &Asked { parameters, ..Asked::default() })
}

fn keys(
    (registry, wanted): (&Registry, &Wanted),
    sort: &[Sort],
    version: &Version,
) -> Result<Keys, SearchFault> {
    let document = read(version.body.as_ref().ok_or(SearchFault::Damaged)?)?;
    let entries = extract_wanted(document.root(), registry, wanted).ok_or(SearchFault::Damaged)?;
    Ok(sort.iter().map(|by| key(&entries, by)).collect())
}

/// The smallest value if ascending, the greatest if descending.
fn key(entries: &Entries<'_>, by: &Sort) -> Option<Vec<u8>> {
    let values = entries.of(by.parameter).filter_map(|value| bytes(value, by.order));
    match by.order {
        Order::Ascending => values.min(),
        Order::Descending => values.max(),
    }
}

/// A value as bytes that sort as it does.
fn bytes(value: &Value<'_>, order: Order) -> Option<Vec<u8>> {
    Some(match value {
        Value::Text(text) => text.folded().as_bytes().to_vec(),
        Value::Token(token) => token.code.as_bytes().to_vec(),
        Value::Uri(uri) => uri.as_bytes().to_vec(),
        Value::Reference(Reference::Local { resource_type, id, .. }) => {
            format!("{resource_type}/{id}").into_bytes()
        }
        Value::Reference(Reference::Absolute { url } | Reference::Canonical { url, .. }) => {
            url.as_bytes().to_vec()
        }
        Value::Date(DateRange { lo, hi }) => int_bytes(end_of((*lo, *hi), order)),
        Value::Number(range) => int_bytes(number_of(range.to_f64(), order)),
        Value::Quantity(quantity) => {
            let range = quantity.canonical.as_ref().map_or(quantity.range, |canonical| canonical.range);
            int_bytes(number_of(range.to_f64(), order))
        }
        _ => return None,
    })
}

const fn end_of((lo, hi): (i64, i64), order: Order) -> i64 {
    match order {
        Order::Ascending => lo,
        Order::Descending => hi,
    }
}

fn number_of((lo, hi): (f64, f64), order: Order) -> i64 {
    match order {
        Order::Ascending => sortable(lo),
        Order::Descending => sortable(hi),
    }
}

fn int_bytes(int: i64) -> Vec<u8> {
    (int.cast_unsigned() ^ (1 << 63)).to_be_bytes().to_vec()
}

fn compare(sort: &[Sort], (a, a_rid): (&Keys, Rid), (b, b_rid): (&Keys, Rid)) -> Ordering {
    for ((by, a), b) in sort.iter().zip(a).zip(b) {
        let ordering = match (a, b, by.order) {
            (None, None, _) => Ordering::Equal,
            (None, Some(_), _) => Ordering::Greater,
            (Some(_), None, _) => Ordering::Less,
            (Some(a), Some(b), Order::Ascending) => a.cmp(b),
            (Some(a), Some(b), Order::Descending) => b.cmp(a),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    b_rid.cmp(&a_rid)
}

/// Sorted by the database: the rows of dates are kept by record too.
async fn by_date(
    reader: &mut Reader,
    records: &Records,
    (tenant, search): (&Tenant, &Search),
    (of, sort, newest): (ResourceType, Sort, Rid),
) -> Result<Page, SearchFault> {
    let sought = Sought::new(reader, records, tenant, (of, search)).await?;
    let mut page = Page::default();
    if sought.condition == Condition::None {
        return Ok(page);
    }
    let mut after = search.after.as_ref().map(|after| (date_key(&after.keys), after.rid));
    let mut examined = 0;
    let mut verifier = Verifier::of_found(records, tenant, search);
    loop {
        let places = dated(reader, (tenant, &sought), (sort.parameter, sort.order), (after, newest)).await?;
        for few in places.chunks(search.rows + 1) {
            let rids: Vec<Rid> = few.iter().map(|(rid, _)| Rid::numbered(*rid)).collect();
            let mut versions = versions_at(reader, tenant, &rids).await?;
            verifier.foresee(reader, &versions, &search.test).await?;
            for (rid, key) in few {
                let version = versions.iter().position(|version| version.rid.number() == *rid);
                let version = version.map(|at| versions.swap_remove(at));
                let held = match &version {
                    Some(version) => verifier.held(reader, version, &search.test).await?,
                    None => Held::Hidden,
                };
                let is_full = page.matches.len() == search.rows && held == Held::Yes;
                if is_full || (examined >= PAGE_EXAMINED_MAX && held != Held::Hidden) {
                    page.next = after.map(|(key, rid)| Cursor {
                        keys: vec![key.map(int_bytes)],
                        rid,
                        newest: newest.number(),
                    });
                    return Ok(page);
                }
                examined += usize::from(held == Held::No);
                page.matches.extend(version.filter(|_| held == Held::Yes));
                after = Some((*key, *rid));
            }
        }
        if places.len() < DATED {
            return Ok(page);
        }
    }
}

/// Places that are sorted by the database and fetched at once.
const DATED: usize = 100;

fn date_key(keys: &[Option<Vec<u8>>]) -> Option<i64> {
    let bytes: [u8; 8] = keys.first()?.as_deref()?.try_into().ok()?;
    Some((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed())
}

/// Places behind one, in order, with their dates in milliseconds.
async fn dated(
    reader: &mut Reader,
    (tenant, sought): (&Tenant, &Sought),
    by: (ParameterId, Order),
    place: (Option<(Option<i64>, i64)>, Rid),
) -> Result<Vec<(i64, Option<i64>)>, SearchFault> {
    let mut statement = Statement::new(tenant, "");
    add_dated(&mut statement, (tenant, sought), by, place);
    Ok(reader.all_composed::<(i64, Option<i64>)>(&statement.done()?).await?)
}

pub(super) fn add_dated(
    statement: &mut Statement<'_>,
    (tenant, sought): (&Tenant, &Sought),
    (parameter, order): (ParameterId, Order),
    (after, newest): (Option<(Option<i64>, i64)>, Rid),
) {
    let least = match order {
        Order::Ascending => "(SELECT MIN(d.lo) FROM fhir_date d WHERE d.tenant = ",
        Order::Descending => "(SELECT MAX(d.lo + d.span) FROM fhir_date d WHERE d.tenant = ",
    };
    let before = Rid::numbered(newest.number().saturating_add(1));
    let key = Of { tenant, resource_type: sought.of, parameter }.date(&[]);
    // Behind a name of its own, or the database would look for the moment once for each time that it is named.
    statement.text("WITH sorted AS MATERIALIZED (SELECT found.rid AS rid, ");
    statement.text(least).int(tenant.number()).text(" AND d.k = ").int(key);
    statement.text(" AND d.rid = found.rid) AS moment FROM (");
    sought.add_places(statement, Some(Window { way: Way::Down { before }, rows: None }));
    statement.text(") AS found) SELECT rid, moment FROM sorted");
    match (after, order) {
        (None, _) => {}
        (Some((None, rid)), _) => {
            statement.text(" WHERE moment IS NULL AND rid < ").int(rid);
        }
        (Some((Some(moment), rid)), order) => {
            let beyond = if order == Order::Ascending { " WHERE moment > " } else { " WHERE moment < " };
            statement.text(beyond).int(moment).text(" OR (moment = ").int(moment);
            statement.text(" AND rid < ").int(rid).text(") OR moment IS NULL");
        }
    }
    statement.text(" ORDER BY moment").text(if order == Order::Ascending { " ASC" } else { " DESC" });
    statement.text(" NULLS LAST, rid DESC LIMIT ");
    statement.int(i64::try_from(DATED).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::millis;

    #[test]
    fn bytes_sort_as_numbers_do() {
        let numbers = [i64::MIN, -5, -1, 0, 1, millis(1_700_000_000_000_000), i64::MAX];
        assert!(numbers.map(int_bytes).is_sorted());
        for number in numbers {
            assert_eq!(date_key(&[Some(int_bytes(number))]), Some(number));
        }
    }
}
