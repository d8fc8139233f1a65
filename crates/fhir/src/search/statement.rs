//! Conditions as SQL: one list drives, everything else is asked of its rows.

use store::{Composed, Value};

use crate::{
    key::{self, Reach},
    parameter::ResourceType,
    query::Comparison,
    resource::Rid,
    search::{
        SearchFault,
        condition::{Condition, Leads},
    },
    tenant::Tenant,
};

/// The end of an `EXISTS` that is asked row by row by key. PostgreSQL would make a join of it, and without statistics of a table that has
/// just been filled a bad one; behind an offset it leaves it as it is.
const PROBE: &str = " LIMIT 1 OFFSET 0)";

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

    fn ints(&mut self, values: impl IntoIterator<Item = i64>) -> &mut Self {
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
        let is_alone = drivers.len() == 1;
        for (at, one) in drivers.iter().enumerate() {
            self.text(if at == 0 { "" } else { " UNION " });
            let wrapped =
                (!is_alone && window.is_some_and(|window| window.rows.is_some())).then(|| self.alias());
            if wrapped.is_some() {
                self.text("SELECT rid FROM (");
            }
            let rest = conditions
                .iter()
                .enumerate()
                .filter(|(place, condition)| Some(*place) != driver || !is_told_by(condition, one));
            let rest: Vec<&Condition> = rest.map(|(_, condition)| condition).collect();
            self.branch(one, &rest, window);
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
        self.text("SELECT DISTINCT ").rid(place).text(" AS rid FROM ");
        self.rows_of(driver, place);
        for condition in rest {
            self.text(" AND ");
            self.holds(condition, place);
        }
        if let Some(window) = window {
            match window.way {
                Way::Down { before } => self.text(" AND ").rid(place).text(" < ").int(before.0),
                Way::Up { after, until } => {
                    self.text(" AND ").rid(place).text(" > ").int(after.0);
                    self.text(" AND ").rid(place).text(" <= ").int(until.0)
                }
            };
            if window.rows.is_some() {
                self.text(" ORDER BY ").rid(place).text(window.way.sorted()).text(" LIMIT ");
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

    /// From words to the rows that they lead to.
    fn led(&mut self, (key, from, before): (i64, &[u8], Option<&[u8]>), to: Leads, place: Place) {
        let term = self.alias();
        self.text("fhir_term ").name(term).text(" CROSS JOIN ");
        self.text(if matches!(to, Leads::Link { .. }) { "fhir_link " } else { "fhir_posting " });
        self.name(place).text(" WHERE ").tenant_of(term).key_of(term, key);
        self.between(term, from, before);
        self.text(" AND ").tenant_of(place);
        match to {
            Leads::Link { way } => self.refers(place, way).text(" AND ").name(place).text(".target = "),
            Leads::Posting { system: None } => self.text(" AND ").name(place).text(".k = "),
            Leads::Posting { system: Some(system) } => {
                self.text(" AND ").name(place).text(".system = ").int(system);
                self.text(" AND ").name(place).text(".k = ")
            }
        };
        self.name(term).text(".target");
    }

    /// From the parts of strings to the rows of those that have them all.
    fn parted(&mut self, (key, of): (i64, i64), asked: &[(i64, i64)], place: Place) {
        let (part, whole) = (self.alias(), self.alias());
        self.text("fhir_gram ").name(part).text(" CROSS JOIN fhir_text ").name(whole);
        self.text(" CROSS JOIN fhir_string ").name(place).text(" WHERE ");
        self.tenant_of(part).key_of(part, key);
        for (at, (from, before)) in asked.iter().enumerate() {
            let other = if at == 0 { part } else { self.alias() };
            if at > 0 {
                self.text(" AND EXISTS (SELECT 1 FROM fhir_gram ").name(other).text(" WHERE ");
                self.tenant_of(other).key_of(other, key);
            }
            self.text(" AND ").name(other).text(".gram >= ").int(*from);
            self.text(" AND ").name(other).text(".gram < ").int(*before);
            if at > 0 {
                self.text(" AND ").name(other).text(".text = ").name(part).text(".text").text(PROBE);
            }
        }
        self.text(" AND ").tenant_of(whole).key_of(whole, key);
        self.text(" AND ").name(whole).text(".number = ").name(part).text(".text");
        self.text(" AND ").tenant_of(place).key_of(place, of);
        self.text(" AND ").name(place).text(".folded = ").name(whole).text(".folded");
    }

    /// From the records that hold the inner condition over their identities to the rows that refer to them, in this order.
    fn chained(&mut self, (way, of): (key::Way, ResourceType), inner: &Condition, place: Place) {
        let (found, version) = (self.alias(), self.alias());
        self.text("(");
        self.inner(of, inner);
        self.text(") AS ").name(found).text(" CROSS JOIN fhir_version ").name(version);
        self.text(" CROSS JOIN fhir_link ").name(place).text(" WHERE ").tenant_of(version).text(" AND ");
        self.rid(version).text(" = ").rid(found).text(" AND ").tenant_of(place).refers(place, way);
        self.text(" AND ").name(place).text(".target = ").name(version).text(".identity");
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
            | Condition::Term { .. }
            | Condition::Present { .. } => {
                let place = self.alias();
                self.text("EXISTS (SELECT 1 FROM ");
                self.rows_of(condition, place);
                self.text(" AND ").rid(place).text(" = ").rid(of).text(PROBE);
            }
            // Rows of these cannot be found by their record, so they are gathered once.
            Condition::Text { .. }
            | Condition::Parts { .. }
            | Condition::Number { .. }
            | Condition::Ids { .. }
            | Condition::Chain { .. } => {
                let place = self.alias();
                self.rid(of).text(" IN (SELECT ").rid(place).text(" FROM ");
                self.rows_of(condition, place);
                self.text(")");
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
        self.text("EXISTS (SELECT 1 FROM fhir_version ")
            .name(version)
            .text(" CROSS JOIN fhir_link ")
            .name(link);
        self.text(" WHERE ").tenant_of(version).text(" AND ").rid(version).text(" = ").rid(of);
        self.text(" AND ").tenant_of(link).refers(link, way);
        self.text(" AND ").name(link).text(".target = ").name(version).text(".identity AND ");
        match inner {
            Condition::Any => {
                let every = Condition::Posting { key: key::of_type(way.of), system: None };
                self.holds(&every, link);
            }
            inner => self.holds(inner, link),
        }
        self.text(PROBE);
    }

    /// `lo` and `lo + span` of a row against what is asked, both ends of both included.
    fn compared(
        &mut self,
        place: Place,
        (lo, span): (&'static str, &'static str),
        comparison: Comparison,
        asked: Reach,
    ) {
        let (from, to) = (asked.lo, asked.lo.saturating_add(asked.span));
        let begin = |s: &mut Self, sign, value| {
            s.name(place).text(lo).text(sign).int(value);
        };
        let end = |s: &mut Self, sign, value| {
            s.name(place).text(lo).text(" + ").name(place).text(span).text(sign).int(value);
        };
        self.text(" AND (");
        match comparison {
            Comparison::Equal => {
                begin(self, " >= ", from);
                self.text(" AND ");
                begin(self, " <= ", to);
                self.text(" AND ");
                end(self, " <= ", to);
            }
            Comparison::NotEqual => {
                begin(self, " < ", from);
                self.text(" OR ");
                end(self, " > ", to);
            }
            Comparison::Greater => end(self, " > ", to),
            Comparison::Less => begin(self, " < ", from),
            Comparison::GreaterOrEqual => {
                end(self, " > ", to);
                self.text(" OR (");
                begin(self, " >= ", from);
                self.text(" AND ");
                end(self, " <= ", to);
                self.text(")");
            }
            Comparison::LessOrEqual => {
                begin(self, " < ", from);
                self.text(" OR (");
                begin(self, " >= ", from);
                self.text(" AND ");
                end(self, " <= ", to);
                self.text(")");
            }
            Comparison::StartsAfter => begin(self, " > ", to),
            Comparison::EndsBefore => {
                begin(self, " < ", from);
                self.text(" AND ");
                end(self, " < ", from);
            }
            Comparison::Approximately => {
                begin(self, " <= ", to);
                self.text(" AND ");
                end(self, " >= ", from);
            }
        }
        self.text(")");
    }

    /// As [`Statement::compared`], letting through what is as near as a row can tell.
    fn nearly(&mut self, place: Place, comparison: Comparison, asked: Reach) {
        let (from, to) = (asked.lo, asked.lo.saturating_add(asked.span));
        let is_from = |s: &mut Self| {
            s.text(" AND ").name(place).text(".lo + ").name(place).text(".span >= ").int(from);
        };
        let is_to = |s: &mut Self| {
            s.text(" AND ").name(place).text(".lo <= ").int(to);
        };
        match comparison {
            Comparison::NotEqual => {}
            Comparison::Greater | Comparison::GreaterOrEqual | Comparison::StartsAfter => is_from(self),
            Comparison::Less | Comparison::LessOrEqual | Comparison::EndsBefore => is_to(self),
            Comparison::Equal | Comparison::Approximately => {
                is_from(self);
                is_to(self);
            }
        }
    }

    /// When a version was written is one moment.
    fn updated(&mut self, place: Place, comparison: Comparison, asked: Reach) {
        let (from, to) =
            (asked.lo.saturating_mul(1_000), asked.lo.saturating_add(asked.span).saturating_mul(1_000));
        let at = |s: &mut Self, sign, value: i64| {
            s.name(place).text(".at").text(sign).int(value);
        };
        self.text(" AND (");
        match comparison {
            Comparison::Equal | Comparison::Approximately => {
                at(self, " >= ", from);
                self.text(" AND ");
                at(self, " <= ", to);
            }
            Comparison::NotEqual => {
                at(self, " < ", from);
                self.text(" OR ");
                at(self, " > ", to);
            }
            Comparison::Greater | Comparison::StartsAfter => at(self, " > ", to),
            Comparison::Less | Comparison::EndsBefore => at(self, " < ", from),
            Comparison::GreaterOrEqual => at(self, " >= ", from),
            Comparison::LessOrEqual => at(self, " <= ", to),
        }
        self.text(")");
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

/// What all have to hold.
pub(super) fn conjuncts(condition: &Condition) -> &[Condition] {
    match condition {
        Condition::All(all) => all,
        Condition::Any => &[],
        one => std::slice::from_ref(one),
    }
}

/// The lists that together have every record that holds a condition, if there are such.
pub(super) fn drivers(condition: &Condition) -> Option<Vec<&Condition>> {
    match condition {
        Condition::Posting { .. }
        | Condition::Postings { .. }
        | Condition::Link { .. }
        | Condition::Text { .. }
        | Condition::Term { .. }
        | Condition::Parts { .. }
        | Condition::Present { .. }
        | Condition::Ids { .. }
        | Condition::Chain { .. } => Some(vec![condition]),
        Condition::Date { comparison, .. } => matches!(
            comparison,
            Comparison::Equal | Comparison::Less | Comparison::StartsAfter | Comparison::EndsBefore
        )
        .then(|| vec![condition]),
        Condition::Number { comparison, .. } => {
            (*comparison != Comparison::NotEqual).then(|| vec![condition])
        }
        Condition::AnyOf(any) => {
            let lists: Option<Vec<Vec<&Condition>>> = any.iter().map(drivers).collect();
            lists.map(|lists| lists.into_iter().flatten().collect())
        }
        Condition::All(all) => {
            let ranked = all.iter().filter_map(|one| Some((rank(one)?, drivers(one)?)));
            ranked.min_by_key(|(rank, _)| *rank).map(|(_, drivers)| drivers)
        }
        Condition::Any
        | Condition::None
        | Condition::Updated { .. }
        | Condition::Has { .. }
        | Condition::Permitted(_)
        | Condition::Not(_) => None,
    }
}

/// Whether whatever stands in a list holds the condition that it drives for: it is the condition, or one of its alternatives.
fn is_told_by(condition: &Condition, driver: &Condition) -> bool {
    let is_driver = |one: &Condition| std::ptr::eq(one, driver);
    is_driver(condition) || matches!(condition, Condition::AnyOf(any) if any.iter().any(is_driver))
}

/// Which lists are short as a rule, where they are not counted.
fn rank(condition: &Condition) -> Option<u8> {
    match condition {
        Condition::Ids { .. } => Some(0),
        Condition::Link { targets, .. } if targets.len() == 1 => Some(1),
        Condition::Text { .. } => Some(2),
        Condition::Link { .. } => Some(3),
        Condition::Posting { .. } | Condition::Postings { .. } => Some(4),
        Condition::Parts { .. } => Some(4),
        Condition::Chain { .. } | Condition::Term { .. } => Some(5),
        Condition::AnyOf(_) | Condition::All(_) => drivers(condition).map(|_| 6),
        Condition::Number { .. } | Condition::Date { .. } => drivers(condition).map(|_| 7),
        Condition::Present { .. } => Some(8),
        _ => None,
    }
}
