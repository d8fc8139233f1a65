//! Conditions as SQL: one list drives, everything else is asked of its rows.

use std::borrow::Cow;

use store::{Composed, Sql, Value};

use crate::{
    key,
    parameter::ResourceType,
    resource::Rid,
    search::{
        LINKS_APART_MAX, SearchFault,
        condition::{Condition, Leads},
        drive::{conjuncts, drivers, is_told_by, rank},
    },
    tenant::Tenant,
};

/// The end of an `EXISTS` that is asked row by row by key. PostgreSQL would make a join of it, and without statistics of a table that has
/// just been filled a bad one; behind an offset it leaves it as it is.
const PROBE: &str = " LIMIT 1 OFFSET 0)";
/// To rows that are looked up by what stands before, one after the other. PostgreSQL would choose by its statistics which of two tables
/// leads to the other; behind an offset a row has only what is before it to be found by.
pub(crate) const LEADS_TO: Sql = Sql::each(" CROSS JOIN ", " CROSS JOIN LATERAL (SELECT * FROM ");
/// One of what a select finds, to be asked of rows that are at hand. As a condition that is no join, PostgreSQL gathers it once.
const GATHERED: Sql = Sql::each("", "(");
const GATHERED_END: Sql = Sql::each(")", ")) IS TRUE");
/// Dates by value: the index has only what says so (migration 0220), so that nothing is asked of it that is asked by record.
pub(super) const BY_VALUE: &str = ".span >= 0";

/// A column that holds places: `p7.rid`.
#[derive(Clone, Copy)]
pub(super) struct Place(usize);

/// The places that a page is made of.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// Which way the places are walked, and from where.
    pub(super) way: Way,
    /// So many at the most; none for all of them.
    pub(super) rows: Option<usize>,
}

/// Which way places are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To older ones, from before this one.
    Down { before: Rid },
    /// To newer ones, from behind one up to another.
    Up { after: Rid, until: Rid },
}

impl Way {
    /// The same way from a place on that was reached.
    pub(super) const fn from(self, place: Rid) -> Self {
        match self {
            Self::Down { .. } => Self::Down { before: place },
            Self::Up { until, .. } => Self::Up { after: place, until },
        }
    }

    /// How the database says it.
    pub(super) const fn sorted(self) -> &'static str {
        match self {
            Self::Down { .. } => " DESC",
            Self::Up { .. } => " ASC",
        }
    }

    /// Where of two places the walk is earlier.
    pub(super) fn order(self, a: Rid, b: Rid) -> std::cmp::Ordering {
        match self {
            Self::Down { .. } => b.cmp(&a),
            Self::Up { .. } => a.cmp(&b),
        }
    }
}

/// A statement under one tenant.
pub(super) struct Statement<'t> {
    tenant: &'t Tenant,
    sql: Composed,
    aliases: usize,
}

/// The lists that a page walks for a driver: links to a few records are a list for each, of which no more is read than the page shows.
/// Those to all of them as one would be read to their end and sorted.
fn apart(driver: &Condition, is_page: bool) -> impl Iterator<Item = Cow<'_, Condition>> {
    let (whole, parts) = match driver {
        Condition::Link { way, targets } if is_page && (2..=LINKS_APART_MAX).contains(&targets.len()) => {
            let link = |target: &i64| Condition::Link { way: *way, targets: vec![*target] };
            (None, targets.iter().map(link).collect())
        }
        _ => (Some(Cow::Borrowed(driver)), Vec::new()),
    };
    whole.into_iter().chain(parts.into_iter().map(Cow::Owned))
}

impl<'t> Statement<'t> {
    pub(super) fn new(tenant: &'t Tenant, text: &'static str) -> Self {
        Self { tenant, sql: Composed::new(text), aliases: 0 }
    }

    /// The statement, if it is one that the engines take.
    pub(super) fn done(self) -> Result<Composed, SearchFault> {
        if self.sql.binds() > Composed::BINDS_MAX { Err(SearchFault::Wide) } else { Ok(self.sql) }
    }

    pub(super) fn text(&mut self, text: &'static str) -> &mut Self {
        self.sql.text(text);
        self
    }

    pub(super) fn int(&mut self, value: i64) -> &mut Self {
        self.sql.value(Value::Int(value));
        self
    }

    pub(super) fn bound(&mut self, value: &impl store::ToValue) -> &mut Self {
        self.sql.bind(value);
        self
    }

    pub(super) fn value(&mut self, value: Value) -> &mut Self {
        self.sql.value(value);
        self
    }

    pub(super) fn alias(&mut self) -> Place {
        self.aliases += 1;
        Place(self.aliases)
    }

    pub(super) fn name(&mut self, place: Place) -> &mut Self {
        self.sql.name("p", place.0);
        self
    }

    pub(super) fn rid(&mut self, place: Place) -> &mut Self {
        self.name(place).text(".rid")
    }

    pub(super) fn tenant_of(&mut self, place: Place) -> &mut Self {
        let number = self.tenant.number();
        self.name(place).text(".tenant = ").int(number)
    }

    fn key_of(&mut self, place: Place, key: i64) -> &mut Self {
        self.text(" AND ").name(place).text(".k = ").int(key)
    }

    /// A row of links of this way: one of the four that it has room for.
    fn refers(&mut self, place: Place, way: key::Way) -> &mut Self {
        self.text(" AND ").name(place).text(".type = ").int(way.of.number().into()).text(" AND (");
        for nth in 0..key::WAYS_OF_A_ROW {
            self.text(if nth == 0 { "" } else { " OR " }).text("((").name(place).text(".ways >> ");
            self.sql.name("", nth * key::WAY_BITS as usize);
            self.text(") & 65535) = ").int(way.number.into());
        }
        self.text(")")
    }

    pub(super) fn ints(&mut self, values: impl IntoIterator<Item = i64>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            self.text(if at == 0 { "" } else { ", " }).int(value);
        }
        self
    }

    /// A select of the places of the records of a type that hold all of these, each once; `driver` is one of them.
    pub(super) fn places(
        &mut self,
        of: ResourceType,
        conditions: &[Condition],
        driver: Option<usize>,
        window: Option<Window>,
    ) -> &mut Self {
        let everything = [Condition::Posting { key: key::of_type(of), system: None }];
        let drivers = driver.and_then(|driver| conditions.get(driver)).and_then(drivers);
        let drivers: Vec<&Condition> = drivers.unwrap_or_else(|| everything.iter().collect());
        let is_page = window.is_some_and(|window| window.rows.is_some());
        let drivers: Vec<(&Condition, Cow<'_, Condition>)> =
            drivers.into_iter().flat_map(|one| apart(one, is_page).map(move |list| (one, list))).collect();
        let is_alone = drivers.len() == 1;
        for (at, (one, list)) in drivers.iter().enumerate() {
            self.text(if at == 0 { "" } else { " UNION " });
            let wrapped = (!is_alone && is_page).then(|| self.alias());
            if wrapped.is_some() {
                self.text("SELECT rid FROM (");
            }
            let rest = conditions
                .iter()
                .enumerate()
                .filter(|(place, condition)| Some(*place) != driver || !is_told_by(condition, one));
            let rest: Vec<&Condition> = rest.map(|(_, condition)| condition).collect();
            self.branch(list, &rest, window);
            if let Some(place) = wrapped {
                self.text(") AS ").name(place);
            }
        }
        if let Some(window) = window.filter(|_| !is_alone) {
            self.ordered("rid", window);
        }
        self
    }

    fn ordered(&mut self, column: &'static str, window: Window) {
        if let Some(rows) = window.rows {
            self.text(" ORDER BY ").text(column).text(window.way.sorted()).text(" LIMIT ");
            self.int(i64::try_from(rows).unwrap_or(i64::MAX));
        }
    }

    fn branch(&mut self, driver: &Condition, rest: &[&Condition], window: Option<Window>) {
        let place = self.alias();
        // Dates are asked by value here, so the order of those by record is not to be tempting.
        let nothing = if matches!(driver, Condition::Date { .. }) { " + 0" } else { "" };
        self.text("SELECT DISTINCT ").rid(place).text(nothing).text(" AS rid FROM ");
        self.rows_of(driver, place);
        if matches!(driver, Condition::Date { .. }) {
            self.text(" AND ").name(place).text(BY_VALUE);
        }
        for condition in rest {
            self.text(" AND ");
            self.holds(condition, place);
        }
        if let Some(window) = window {
            match window.way {
                Way::Down { before } => {
                    self.text(" AND ").rid(place).text(nothing).text(" < ").int(before.0);
                }
                Way::Up { after, until } => {
                    self.text(" AND ").rid(place).text(nothing).text(" > ").int(after.0);
                    self.text(" AND ").rid(place).text(nothing).text(" <= ").int(until.0);
                }
            }
            if window.rows.is_some() {
                self.text(" ORDER BY ").rid(place).text(nothing).text(window.way.sorted()).text(" LIMIT ");
                self.int(window.rows.and_then(|rows| i64::try_from(rows).ok()).unwrap_or(i64::MAX));
            }
        }
    }

    /// `table p1 WHERE …` of the rows that a condition is about.
    fn rows_of(&mut self, condition: &Condition, place: Place) {
        let table = match condition {
            Condition::Posting { .. } | Condition::Postings { .. } => "fhir_posting ",
            Condition::Link { .. } => "fhir_link ",
            Condition::Text { .. } => "fhir_string ",
            Condition::Date { .. } => "fhir_date ",
            Condition::Number { .. } => "fhir_number ",
            Condition::Ids { .. } => "fhir_current ",
            Condition::Chain { way, of, inner } => return self.chained((*way, *of), inner, place),
            Condition::Term { key, from, before, to } => {
                return self.led((*key, from, before.as_deref()), *to, place);
            }
            Condition::Parts { key, of, asked } => return self.parted((*key, *of), asked, place),
            Condition::Present { .. } => "fhir_posting ",
            // Nothing else drives.
            _ => "fhir_version ",
        };
        self.text(table).name(place).text(" WHERE ").tenant_of(place);
        self.row_is(condition, place);
    }

    /// What a row of the condition's own table has to have.
    fn row_is(&mut self, condition: &Condition, place: Place) {
        match condition {
            Condition::Posting { key, system } => {
                self.key_of(place, *key);
                if let Some(system) = system {
                    self.text(" AND ").name(place).text(".system = ").int(*system);
                }
            }
            Condition::Postings { keys, system } => {
                self.text(" AND ").name(place).text(".k IN (").ints(keys.iter().copied()).text(")");
                if let Some(system) = system {
                    self.text(" AND ").name(place).text(".system = ").int(*system);
                }
            }
            Condition::Link { way, targets } => {
                self.refers(place, *way).text(" AND ").name(place);
                match targets.as_slice() {
                    [target] => self.text(".target = ").int(*target),
                    targets => self.text(".target IN (").ints(targets.iter().copied()).text(")"),
                };
            }
            Condition::Text { key, from, before } => {
                self.key_of(place, *key).between(place, from, before.as_deref());
            }
            Condition::Present { key, of, parameter } => {
                let shape = self.alias();
                self.key_of(place, *key).text(" AND ").name(place).text(".system IN (SELECT ").name(shape);
                self.text(".shape FROM fhir_shape ").name(shape).text(" WHERE ").tenant_of(shape);
                self.text(" AND ").name(shape).text(".type = ").int(of.number().into());
                self.text(" AND ").name(shape).text(".parameter = ").int(parameter.0.into()).text(")");
            }
            Condition::Date { key, comparison, asked } => {
                self.key_of(place, *key);
                self.compared(place, (".lo", ".span"), *comparison, *asked);
            }
            Condition::Number { key, comparison, asked } => {
                self.key_of(place, *key);
                self.nearly(place, *comparison, *asked);
            }
            Condition::Ids { resource_type, ids } => {
                self.text(" AND ").name(place).text(".type = ").int(resource_type.number().into());
                self.text(" AND ").name(place).text(".deleted = 0 AND ").name(place).text(".id IN (");
                for (at, id) in ids.iter().enumerate() {
                    self.text(if at == 0 { "" } else { ", " });
                    self.sql.bind(id);
                }
                self.text(")");
            }
            _ => {}
        }
    }

    /// Texts from here on and before there.
    fn between(&mut self, place: Place, from: &[u8], before: Option<&[u8]>) {
        self.text(" AND ").name(place).text(".folded >= ");
        self.sql.bind(from);
        if let Some(before) = before {
            self.text(" AND ").name(place).text(".folded < ");
            self.sql.bind(before);
        }
    }

    /// `(…) AS p2 CROSS JOIN fhir_link p1 WHERE …`: rows of a table that are found by what a select finds as `way`, which stands in
    /// `column` of theirs.
    fn by_way(
        &mut self,
        select: impl FnOnce(&mut Self),
        (table, place): (&'static str, Place),
        key: impl FnOnce(&mut Self),
        column: &'static str,
    ) {
        let way = self.alias();
        self.text("(");
        select(self);
        self.text(") AS ").name(way);
        self.sql.each(LEADS_TO);
        self.text(table).name(place).text(" WHERE ").tenant_of(place);
        key(self);
        self.text(" AND ").name(place).text(column).text(" = ").name(way).text(".way");
        self.found(place);
    }

    /// To rows of the table that follows, by what stands before; [`Self::found`] ends it.
    pub(super) fn leads_to(&mut self) -> &mut Self {
        self.sql.each(LEADS_TO);
        self
    }

    /// The end of what [`LEADS_TO`] begins.
    pub(super) fn found(&mut self, place: Place) {
        self.sql.postgres(|sql| {
            sql.text(" OFFSET 0) AS ").name("p", place.0).text(" WHERE TRUE");
        });
    }

    /// The words from here on and before there.
    fn terms(&mut self, term: Place, (key, from, before): (i64, &[u8], Option<&[u8]>)) {
        self.text(" FROM fhir_term ").name(term).text(" WHERE ").tenant_of(term).key_of(term, key);
        self.between(term, from, before);
    }

    /// What else the rows that a word leads to have to have, and where they say it.
    fn end_of(&mut self, to: Leads, place: Place) -> &'static str {
        match to {
            Leads::Link { way } => {
                self.refers(place, way);
                ".target"
            }
            Leads::Posting { system } => {
                if let Some(system) = system {
                    self.text(" AND ").name(place).text(".system = ").int(system);
                }
                ".k"
            }
        }
    }

    /// From words to the rows that they lead to.
    fn led(&mut self, words: (i64, &[u8], Option<&[u8]>), to: Leads, place: Place) {
        let (table, column) = match to {
            Leads::Link { .. } => ("fhir_link ", ".target"),
            Leads::Posting { .. } => ("fhir_posting ", ".k"),
        };
        let select = |s: &mut Self| {
            let term = s.alias();
            s.text("SELECT ").name(term).text(".target AS way").terms(term, words);
        };
        let key = |s: &mut Self| {
            s.end_of(to, place);
        };
        self.by_way(select, (table, place), key, column);
    }

    /// A word leads to the record at a place.
    fn is_led(&mut self, words: (i64, &[u8], Option<&[u8]>), to: Leads, of: Place) {
        let (term, place) = (self.alias(), self.alias());
        self.text("EXISTS (SELECT 1").terms(term, words);
        self.text(" AND EXISTS (SELECT 1 FROM ");
        self.text(if matches!(to, Leads::Link { .. }) { "fhir_link " } else { "fhir_posting " });
        self.name(place).text(" WHERE ").tenant_of(place);
        let column = self.end_of(to, place);
        self.text(" AND ").name(place).text(column).text(" = ").name(term).text(".target AND ");
        self.rid(place).text(" = ").rid(of).text(PROBE).text(PROBE);
    }

    /// From the parts of strings to the rows of those that have them all.
    fn parted(&mut self, (key, of): (i64, i64), asked: &[(i64, i64)], place: Place) {
        let texts = |s: &mut Self| {
            let part = s.alias();
            s.text("SELECT ").name(part).text(".text AS way FROM fhir_gram ").name(part).text(" WHERE ");
            s.tenant_of(part).key_of(part, key);
            for (at, (from, before)) in asked.iter().enumerate() {
                let other = if at == 0 { part } else { s.alias() };
                if at > 0 {
                    s.text(" AND EXISTS (SELECT 1 FROM fhir_gram ").name(other).text(" WHERE ");
                    s.tenant_of(other).key_of(other, key);
                }
                s.text(" AND ").name(other).text(".gram >= ").int(*from);
                s.text(" AND ").name(other).text(".gram < ").int(*before);
                if at > 0 {
                    s.text(" AND ").name(other).text(".text = ").name(part).text(".text").text(PROBE);
                }
            }
        };
        let select = |s: &mut Self| {
            let whole = s.alias();
            s.text("SELECT ").name(whole).text(".folded AS way FROM ");
            let key = |s: &mut Self| {
                s.key_of(whole, key);
            };
            s.by_way(texts, ("fhir_text ", whole), key, ".number");
        };
        let key = |s: &mut Self| {
            s.key_of(place, of);
        };
        self.by_way(select, ("fhir_string ", place), key, ".folded");
    }

    /// From the records that hold the inner condition over their identities to the rows that refer to them, in this order.
    fn chained(&mut self, (way, of): (key::Way, ResourceType), inner: &Condition, place: Place) {
        let select = |s: &mut Self| {
            s.identities(of, inner);
        };
        let key = |s: &mut Self| {
            s.refers(place, way);
        };
        self.by_way(select, ("fhir_link ", place), key, ".target");
    }

    /// A select of the identities, as `way`, of the records of a type that hold a condition.
    pub(super) fn identities(&mut self, of: ResourceType, inner: &Condition) -> &mut Self {
        let (found, version) = (self.alias(), self.alias());
        self.text("SELECT (SELECT ").name(version).text(".identity FROM fhir_version ").name(version);
        self.text(" WHERE ").tenant_of(version).text(" AND ").rid(version).text(" = ").rid(found);
        self.text(") AS way FROM (").inner(of, inner).text(") AS ").name(found)
    }

    /// `(…) AS p1 CROSS JOIN fhir_version v WHERE …`: the versions at the places of a select.
    pub(super) fn versions_at(&mut self, select: impl FnOnce(&mut Self)) -> &mut Self {
        let found = self.alias();
        self.text("(");
        select(self);
        self.text(") AS ").name(found);
        self.sql.each(LEADS_TO);
        let number = self.tenant.number();
        self.text("fhir_version v WHERE v.tenant = ").int(number).text(" AND v.rid = ").rid(found);
        self.sql.postgres(|sql| {
            sql.text(" OFFSET 0) AS v");
        });
        self
    }

    /// The places of the records of a type that hold a condition, without knowing what is rare.
    pub(super) fn inner(&mut self, of: ResourceType, inner: &Condition) -> &mut Self {
        let conditions = conjuncts(inner);
        let driver = conditions.iter().enumerate().filter_map(|(at, one)| Some((rank(one)?, at))).min();
        self.places(of, conditions, driver.map(|(_, at)| at), None)
    }

    /// A condition on the record at a place.
    fn holds(&mut self, condition: &Condition, of: Place) {
        match condition {
            Condition::Any => {
                self.text("1 = 1");
            }
            Condition::None => {
                self.text("1 = 0");
            }
            Condition::Posting { .. }
            | Condition::Postings { .. }
            | Condition::Link { .. }
            | Condition::Date { .. }
            | Condition::Present { .. } => {
                let place = self.alias();
                self.text("EXISTS (SELECT 1 FROM ");
                self.rows_of(condition, place);
                self.text(" AND ").rid(place).text(" = ").rid(of).text(PROBE);
            }
            Condition::Term { key, from, before, to } => {
                self.is_led((*key, from, before.as_deref()), *to, of);
            }
            // Rows of these cannot be found by their record, so they are gathered once.
            Condition::Text { .. }
            | Condition::Parts { .. }
            | Condition::Number { .. }
            | Condition::Ids { .. }
            | Condition::Chain { .. } => {
                let place = self.alias();
                self.sql.each(GATHERED);
                self.rid(of).text(" IN (SELECT ").rid(place).text(" FROM ");
                self.rows_of(condition, place);
                self.sql.each(GATHERED_END);
            }
            Condition::Updated { comparison, asked } => {
                let place = self.alias();
                self.text("EXISTS (SELECT 1 FROM fhir_version ").name(place).text(" WHERE ").tenant_of(place);
                self.text(" AND ").rid(place).text(" = ").rid(of);
                self.updated(place, *comparison, *asked);
                self.text(PROBE);
            }
            Condition::Has { way, inner } => self.has(*way, inner, of),
            Condition::Permitted(consented) => self.permitted(consented, of),
            Condition::All(all) => self.joined(all, " AND ", of),
            Condition::AnyOf(any) => self.joined(any, " OR ", of),
            Condition::Not(inner) => {
                self.text("NOT (");
                self.holds(inner, of);
                self.text(")");
            }
        }
    }

    fn joined(&mut self, conditions: &[Condition], by: &'static str, of: Place) {
        self.text("(");
        for (at, condition) in conditions.iter().enumerate() {
            self.text(if at == 0 { "" } else { by });
            self.holds(condition, of);
        }
        self.text(")");
    }

    /// Something refers to the record's identity and holds the inner condition.
    fn has(&mut self, way: key::Way, inner: &Condition, of: Place) {
        let (version, link) = (self.alias(), self.alias());
        self.text("EXISTS (SELECT 1 FROM fhir_link ").name(link).text(" WHERE ").tenant_of(link);
        self.refers(link, way).text(" AND ").name(link).text(".target = (SELECT ").name(version);
        self.text(".identity FROM fhir_version ").name(version).text(" WHERE ").tenant_of(version);
        self.text(" AND ").rid(version).text(" = ").rid(of).text(") AND ");
        self.is_inner(way, inner, link);
        self.text(PROBE);
    }

    /// Of each of these targets the newest record that refers to it and holds the inner condition, where there is one.
    pub(super) fn witnesses(&mut self, way: key::Way, inner: &Condition, targets: &[i64]) {
        let (asked, link, found) = (self.alias(), self.alias(), self.alias());
        self.text("SELECT rid FROM (SELECT (SELECT ").rid(link).text(" FROM fhir_link ").name(link);
        self.text(" WHERE ").tenant_of(link).refers(link, way).text(" AND ").name(link).text(".target = ");
        self.name(asked).text(".column1 AND ");
        self.is_inner(way, inner, link);
        self.text(" ORDER BY ").rid(link).text(" DESC LIMIT 1) AS rid FROM (VALUES ");
        for (at, target) in targets.iter().enumerate() {
            self.text(if at == 0 { "(" } else { ", (" }).int(*target).text(")");
        }
        self.text(") AS ").name(asked).text(") AS ").name(found).text(" WHERE rid IS NOT NULL");
    }

    /// The record of a link holds a condition.
    fn is_inner(&mut self, way: key::Way, inner: &Condition, link: Place) {
        match inner {
            Condition::Any => {
                let every = Condition::Posting { key: key::of_type(way.of), system: None };
                self.holds(&every, link);
            }
            inner => self.holds(inner, link),
        }
    }

    /// How long a list is, as far as it is worth knowing: `SELECT COUNT(*) …`.
    pub(super) fn length(&mut self, driver: &Condition, most: usize) -> bool {
        let Some(drivers) = drivers(driver) else { return false };
        self.text("SELECT COUNT(*) FROM (");
        for (at, one) in drivers.iter().enumerate() {
            let (place, list) = (self.alias(), self.alias());
            self.text(if at == 0 { "" } else { " UNION ALL " }).text("SELECT rid FROM (SELECT ").rid(place);
            self.text(" AS rid FROM ");
            self.rows_of(one, place);
            self.text(" LIMIT ").int(i64::try_from(most).unwrap_or(i64::MAX)).text(") AS ").name(list);
        }
        let all = self.alias();
        self.text(") AS ").name(all);
        true
    }
}

#[cfg(test)]
mod tests {
    use kernel::Id;
    use store::{DbError, Engine, Writer};
    use testkit::engine::{SQLITE, on};

    use super::*;
    use crate::{parameter::Compartment, tenant};

    #[test]
    fn a_page_walks_links_to_a_few_records_each_by_itself() {
        on(SQLITE, &[audit::MIGRATIONS, crate::MIGRATIONS], async |db| {
            let (world, _) = testkit::world();
            let opened: Result<Tenant, DbError> = db
                .write(async move |tx: &mut Writer| {
                    tenant::open(tx, &world, Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), "HC00001")
                        .await
                })
                .await;
            let (tenant, of) = (opened.unwrap(), ResourceType::named("Observation").unwrap());
            let walked = |targets: usize, rows: Option<usize>| {
                let targets = (0_i64..).take(targets).collect();
                let link = Condition::Link { way: key::membership(of, Compartment::Patient), targets };
                let window = Window { way: Way::Down { before: Rid(i64::MAX) }, rows };
                let mut statement = Statement::new(&tenant, "");
                statement.places(of, &[link], Some(0), Some(window));
                statement.done().unwrap().parts(Engine::Sqlite).0.matches("FROM fhir_link").count()
            };
            assert_eq!(walked(3, Some(21)), 3);
            assert_eq!((walked(1, Some(21)), walked(3, None)), (1, 1));
            assert_eq!(walked(LINKS_APART_MAX, Some(21)), LINKS_APART_MAX);
            assert_eq!(walked(LINKS_APART_MAX + 1, Some(21)), 1);
        });
    }
}
