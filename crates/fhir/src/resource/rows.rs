//! The rows by which a record is found, made of the values that its parameters select.

use std::collections::BTreeSet;

use fhirpath::document::{Document, DocumentLimits};
use store::{Composed, DbError, ToValue, Value, Writer};

use super::{
    Rid,
    sheet::Inserts,
    words::{Heap, Known, Words},
};
use crate::{
    index::{self, Entries, Entry, Quantity, Reference, Token, extract},
    key::{self, Of, Reach},
    parameter::{Compartment, ParameterId, ParameterKind, Registry, ResourceType, Standing},
    tenant::Tenant,
};

/// Rows of one record, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Key, system.
    postings: Vec<(i64, i64)>,
    /// Target, and by which way.
    references: Vec<(i64, u16)>,
    /// Type, target, ways: as rows have them.
    links: Vec<(i64, i64, i64)>,
    /// Key, folded beginning.
    strings: Vec<(i64, Vec<u8>)>,
    dates: Vec<(i64, Reach)>,
    numbers: Vec<(i64, Reach)>,
    words: Box<Words>,
    /// The identities of the patients in whose compartments it is.
    pub(super) patients: Vec<i64>,
}

/// The rows that a record of this text is written with; none if it cannot be read, which what was stored always can.
pub(crate) fn rows(tenant: &Tenant, registry: &Registry, text: &str) -> Rows {
    made(registry, text, |entries| {
        let is_left = |id| {
            let known = registry.parameter_by_id(entries.resource_type, id);
            known.is_some_and(|known| known.standing == Standing::Leaving)
        };
        Rows::of(tenant, registry, entries, &|id| id.0 < ParameterId::ADDED_MIN || !is_left(id))
    })
}

/// All that it may have, also of parameters that are leaving.
pub(crate) fn all_rows(tenant: &Tenant, registry: &Registry, text: &str) -> Rows {
    made(registry, text, |entries| Rows::of(tenant, registry, entries, &|_| true))
}

/// Those of some parameters alone.
pub(crate) fn rows_of(tenant: &Tenant, registry: &Registry, text: &str, of: &BTreeSet<ParameterId>) -> Rows {
    if of.is_empty() {
        return Rows::default();
    }
    made(registry, text, |entries| {
        let mut rows = Rows::default();
        rows.values(tenant, registry, entries, &|id| of.contains(&id));
        rows.settle(entries.resource_type);
        rows
    })
}

fn made(registry: &Registry, text: &str, make: impl Fn(&Entries<'_>) -> Rows) -> Rows {
    let Ok(document) = Document::from_json(text.as_bytes(), &DocumentLimits::default()) else {
        return Rows::default();
    };
    extract(document.root(), registry).map_or_else(Rows::default, |entries| make(&entries))
}

impl Rows {
    fn of(
        tenant: &Tenant,
        registry: &Registry,
        entries: &Entries<'_>,
        is_meant: &dyn Fn(ParameterId) -> bool,
    ) -> Self {
        let mut rows = Self::default();
        let resource_type = entries.resource_type;
        rows.shape(tenant, entries);
        rows.values(tenant, registry, entries, is_meant);
        for one in &entries.compartments {
            let whose = ResourceType::named(one.compartment.as_str());
            let way = key::membership(resource_type, one.compartment);
            let whose = whose.map(|whose| key::identity(tenant, whose, &one.id));
            rows.references.extend(whose.map(|whose| (whose, way.number)));
            rows.patients.extend(whose.filter(|_| one.compartment == Compartment::Patient));
        }
        rows.settle(resource_type);
        rows
    }

    /// What the parameters that are meant select.
    fn values(
        &mut self,
        tenant: &Tenant,
        registry: &Registry,
        entries: &Entries<'_>,
        is_meant: &dyn Fn(ParameterId) -> bool,
    ) {
        let resource_type = entries.resource_type;
        let shared = registry.shared(resource_type);
        // The tables of versions answer these.
        let known = |code| registry.parameter(resource_type, code).map(|parameter| parameter.id);
        let elsewhere: [Option<ParameterId>; 2] = [known("_id"), known("_lastUpdated")];
        for own in entries.entries.chunk_by(|a, b| a.parameter == b.parameter) {
            let Some(parameter) = own.first().map(|entry| entry.parameter) else { continue };
            let is_union = shared.is_some_and(|shared| shared.union(parameter).is_some());
            if is_union || elsewhere.contains(&Some(parameter)) || !is_meant(parameter) {
                continue;
            }
            let of = Of { tenant, resource_type, parameter };
            if parameter.0 >= ParameterId::ADDED_MIN {
                self.postings.push((of.present(), 0));
            }
            self.words_of(of, own, Found::by(registry, of));
            let is_told = shared.is_some_and(|shared| shared.patients_of(parameter).is_some());
            for entry in own.iter().filter(|one| !is_told || !matches!(one.value, index::Value::Reference(_)))
            {
                self.add(of, &entry.value);
            }
        }
    }

    /// The posting by which its type is found says which of R4's parameters it has; of those of packages, which come and go, each has
    /// a posting of its own.
    fn shape(&mut self, tenant: &Tenant, entries: &Entries<'_>) {
        let mut parameters: Vec<ParameterId> = entries.entries.iter().map(|entry| entry.parameter).collect();
        parameters.retain(|parameter| parameter.0 < ParameterId::ADDED_MIN);
        parameters.dedup();
        let number = key::shape(tenant, entries.resource_type, &parameters);
        self.postings.push((key::of_type(entries.resource_type), number));
        self.words.shape(entries.resource_type, number, parameters);
    }

    /// What the values of one parameter say in words, and the rows that are found by it: those of a code or reference that stands
    /// beside it, else one of their own.
    fn words_of(&mut self, of: Of<'_>, own: &[Entry<'_>], found: Found) {
        let stands_for = own.iter().find_map(|entry| match &entry.value {
            index::Value::Token(token) if found == Found::Code => Some(of.token(&token.code)),
            index::Value::Reference(reference) => Some(key::target(of.tenant, reference)),
            _ => None,
        });
        for entry in own {
            match &entry.value {
                index::Value::TokenText(text) => {
                    let folded = text.folded();
                    let target = stands_for.unwrap_or_else(|| self.word(of, &folded, found));
                    self.words.term(of.words(), key::term(&folded), target);
                }
                index::Value::Token(Token { system: Some(system), code }) => match found {
                    Found::Code => {
                        let word = key::system_word(of.tenant, system);
                        self.words.term(of.systems(), word, of.token(code));
                    }
                    Found::Identifier | Found::Reference => self.postings.push((of.of_system(system), 0)),
                },
                index::Value::Identifier(Token { system: Some(system), .. }) => {
                    self.postings.push((of.of_identifier_system(system), 0));
                }
                index::Value::Uri(uri) => self.words.term(of.uris(), key::term(uri), of.uri(uri)),
                index::Value::Reference(Reference::Canonical { url, .. }) => {
                    let target = key::canonical_target(of.tenant, url);
                    self.words.term(of.canonicals(), key::term(url), target);
                }
                index::Value::Text(text) => {
                    let folded = text.folded().into_owned();
                    self.words.string(of.parts(), of.string(&folded), folded);
                }
                _ => {}
            }
        }
    }

    /// A row for words that nothing else stands for.
    fn word(&mut self, of: Of<'_>, folded: &str, found: Found) -> i64 {
        if found == Found::Reference {
            let own = key::display_target(of.tenant, folded);
            self.references.push((own, of.link().number));
            return own;
        }
        let own = of.word(&key::term(folded));
        self.postings.push((own, 0));
        own
    }

    fn add(&mut self, of: Of<'_>, value: &index::Value<'_>) {
        match value {
            index::Value::Token(Token { system, code }) => {
                self.postings.push((of.token(code), key::system(of.tenant, system.as_deref())));
            }
            index::Value::TypedToken(typed) => {
                self.postings.push((of.typed_token(&typed.type_system, &typed.type_code, &typed.value), 0));
            }
            index::Value::Identifier(Token { system, code }) => {
                self.postings.push((of.identifier(code), key::system(of.tenant, system.as_deref())));
            }
            index::Value::Uri(uri) => self.postings.push((of.uri(uri), 0)),
            index::Value::Text(text) => self.strings.push((of.text(), key::folded(&text.folded()))),
            index::Value::Reference(reference) => {
                self.references.push((key::target(of.tenant, reference), of.link().number));
            }
            index::Value::Date(date) => self.dates.push((of.date(&[]), Reach::of_date(*date))),
            index::Value::Number(range) => self.numbers.push((of.number(&[]), Reach::of_range(*range))),
            index::Value::Quantity(quantity) => self.quantity(of, &[], quantity),
            index::Value::Composite(parts) => self.composite(of, parts),
            index::Value::Position(own) => {
                self.numbers.push((of.latitude(), Reach::from_to(own.latitude, own.latitude)));
            }
            index::Value::TokenText(_) => {}
        }
    }

    fn quantity(&mut self, of: Of<'_>, within: &[u8], quantity: &Quantity<'_>) {
        self.numbers.push((of.quantity(within), Reach::of_range(quantity.range)));
        if let Some(canonical) = &quantity.canonical {
            self.numbers.push((of.canonical(&canonical.unit, within), Reach::of_canonical(canonical)));
        }
    }

    /// What can be told by a hash goes into the key; the first part that has a range stands in the row.
    fn composite(&mut self, of: Of<'_>, parts: &[index::Value<'_>]) {
        let within = within(parts);
        let ranged = parts.iter().find(|part| is_ranged(part));
        match ranged {
            Some(index::Value::Date(date)) => self.dates.push((of.date(&within), Reach::of_date(*date))),
            Some(index::Value::Number(range)) => {
                self.numbers.push((of.number(&within), Reach::of_range(*range)))
            }
            Some(index::Value::Quantity(quantity)) => self.quantity(of, &within, quantity),
            _ => self.postings.push((of.composite(&within), 0)),
        }
    }

    /// What refers to the same is one row; what a package's parameter does is one of its own, since it comes and goes.
    fn link(&mut self, resource_type: ResourceType) {
        let mut references = std::mem::take(&mut self.references);
        references.sort_unstable();
        references.dedup();
        for own in references.chunk_by(|a, b| a.0 == b.0) {
            let Some((target, _)) = own.first() else { continue };
            let all = own.iter().map(|(_, way)| *way);
            let (added, mut numbers): (Vec<u16>, Vec<u16>) = all.partition(|way| key::is_added(*way));
            let of = i64::from(resource_type.number());
            self.links.extend(key::ways(&mut numbers).map(|ways| (of, *target, ways)));
            self.links.extend(added.iter().map(|way| (of, *target, i64::from(*way))));
        }
    }

    fn settle(&mut self, resource_type: ResourceType) {
        self.link(resource_type);
        self.postings.sort_unstable();
        self.postings.dedup();
        self.strings.sort_unstable();
        self.strings.dedup();
        self.dates.sort_unstable();
        self.dates.dedup();
        self.numbers.sort_unstable();
        self.numbers.dedup();
        self.words.settle();
    }
}

/// By what a parameter finds records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Codes: few, each of many records.
    Code,
    /// Identifiers: many, each of few records.
    Identifier,
    /// What is referred to.
    Reference,
}

impl Found {
    pub(crate) fn by(registry: &Registry, of: Of<'_>) -> Self {
        let known = registry.parameter_by_id(of.resource_type, of.parameter);
        if known.is_some_and(|known| known.kind == ParameterKind::Reference) {
            return Self::Reference;
        }
        let plan = registry.plan(of.resource_type);
        if plan.is_some_and(|plan| plan.is_manifold(of.parameter)) { Self::Identifier } else { Self::Code }
    }
}

fn is_ranged(value: &index::Value<'_>) -> bool {
    matches!(value, index::Value::Date(_) | index::Value::Number(_) | index::Value::Quantity(_))
}

/// The parts of a composite that a hash can tell, each with its place: codes, references, URIs.
fn within(parts: &[index::Value<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, part) in parts.iter().enumerate() {
        match part {
            index::Value::Token(Token { code, .. }) => push_part(&mut out, place, code.as_bytes()),
            index::Value::Uri(uri) => push_part(&mut out, place, uri.as_bytes()),
            index::Value::Reference(reference) => match reference {
                Reference::Local { id, .. } => push_part(&mut out, place, id.as_bytes()),
                Reference::Absolute { url } | Reference::Canonical { url, .. } => {
                    push_part(&mut out, place, url.as_bytes());
                }
            },
            _ => {}
        }
    }
    out
}

/// A part of a composite's key.
pub(crate) fn push_part(out: &mut Vec<u8>, place: usize, text: &[u8]) {
    out.push(u8::try_from(place).unwrap_or(u8::MAX));
    out.extend(text);
    out.push(0xff);
}

/// Rows of many records on their way into their tables, where they are written in the order of their keys: one after the other on the
/// same page rather than each on another.
#[derive(Default)]
pub(crate) struct Pile {
    postings: Vec<[i64; 4]>,
    links: Vec<[i64; 5]>,
    strings: Vec<(i64, Vec<u8>, i64)>,
    dates: Vec<[i64; 5]>,
    numbers: Vec<[i64; 5]>,
    words: Heap,
}

impl Pile {
    pub(crate) fn post(&mut self, tenant: &Tenant, key: i64, rid: Rid) {
        self.postings.push([tenant.number(), key, rid.0, 0]);
    }

    pub(crate) fn add(&mut self, tenant: &Tenant, known: &Known, (rid, rows): (Rid, &Rows)) {
        self.words.add(tenant, known, &rows.words);
        let (tenant, rid) = (tenant.number(), rid.0);
        self.postings.extend(rows.postings.iter().map(|(key, system)| [tenant, *key, rid, *system]));
        self.links.extend(rows.links.iter().map(|(of, target, ways)| [tenant, *of, *target, rid, *ways]));
        self.strings.extend(rows.strings.iter().map(|(key, folded)| (*key, folded.clone(), rid)));
        let reach = |(key, Reach { lo, span }): &(i64, Reach)| (*key, *lo, *span);
        self.dates.extend(rows.dates.iter().map(reach).map(|(key, lo, span)| [tenant, key, rid, lo, span]));
        self.numbers
            .extend(rows.numbers.iter().map(reach).map(|(key, lo, span)| [tenant, key, lo, span, rid]));
    }

    /// With the inserts that are waiting to be sent.
    pub(super) async fn write(
        self,
        tx: &mut Writer,
        tenant: &Tenant,
        known: &Known,
        inserts: Inserts,
    ) -> Result<(), DbError> {
        self.written(tx, (tenant, known), (inserts, "")).await
    }

    /// The same where some of the rows may be there already.
    pub(crate) async fn write_over(
        self,
        tx: &mut Writer,
        tenant: &Tenant,
        known: &Known,
    ) -> Result<(), DbError> {
        self.written(tx, (tenant, known), (Inserts::default(), " ON CONFLICT DO NOTHING")).await
    }

    async fn written(
        mut self,
        tx: &mut Writer,
        (tenant, known): (&Tenant, &Known),
        (mut inserts, rest): (Inserts, &'static str),
    ) -> Result<(), DbError> {
        self.words.write(tx, tenant, known).await?;
        let into = "INSERT INTO fhir_posting (tenant, k, rid, system) VALUES ";
        inserts.add(tx, into, (4, in_order(self.postings)), rest).await?;
        let into = "INSERT INTO fhir_link (tenant, type, target, rid, ways) VALUES ";
        inserts.add(tx, into, (5, in_order(self.links)), rest).await?;
        self.strings.sort_unstable();
        let string = |(key, folded, rid): (i64, Vec<u8>, i64)| {
            [Value::Int(tenant.number()), Value::Int(key), folded.to_value(), Value::Int(rid)]
        };
        let strings = self.strings.into_iter().flat_map(string).collect();
        inserts
            .add(tx, "INSERT INTO fhir_string (tenant, k, folded, rid) VALUES ", (4, strings), rest)
            .await?;
        let into = "INSERT INTO fhir_date (tenant, k, rid, lo, span) VALUES ";
        inserts.add(tx, into, (5, in_order(self.dates)), rest).await?;
        let into = "INSERT INTO fhir_number (tenant, k, lo, span, rid) VALUES ";
        inserts.add(tx, into, (5, in_order(self.numbers)), rest).await?;
        inserts.send(tx).await
    }
}

fn in_order<const N: usize>(mut rows: Vec<[i64; N]>) -> Vec<Value> {
    rows.sort_unstable();
    rows.into_iter().flatten().map(Value::Int).collect()
}

/// Keys of one statement that takes rows away: few sizes, so that few statements are kept prepared.
const KEYS_OF_A_STATEMENT: usize = 32;

/// Statements that take rows away and are held until they are sent together.
const REMOVALS_HELD: usize = 96;

/// Take the rows of versions away. On PostgreSQL each statement would wait for the way there and back.
pub(crate) async fn remove_all<'r>(
    tx: &mut Writer,
    tenant: &Tenant,
    old: impl Iterator<Item = (Rid, &'r Rows)>,
) -> Result<(), DbError> {
    let mut removals = Vec::new();
    for (rid, rows) in old {
        remove(&mut removals, tenant, rid, rows);
        if removals.len() >= REMOVALS_HELD {
            tx.execute_all(&removals).await?;
            removals.clear();
        }
    }
    tx.execute_all(&removals).await
}

fn remove(removals: &mut Vec<Composed>, tenant: &Tenant, rid: Rid, rows: &Rows) {
    let ints = |values: &mut dyn Iterator<Item = i64>| values.map(Value::Int).collect::<Vec<_>>();
    let at = (tenant, rid);
    let postings = ints(&mut rows.postings.iter().map(|(key, _)| *key));
    take(removals, at, "DELETE FROM fhir_posting WHERE tenant = ", &[("k", postings)]);
    let types = ints(&mut rows.links.iter().map(|(of, ..)| *of));
    let targets = ints(&mut rows.links.iter().map(|(_, target, _)| *target));
    let ways = ints(&mut rows.links.iter().map(|(.., ways)| *ways));
    let columns = [("type", types), ("target", targets), ("ways", ways)];
    take(removals, at, "DELETE FROM fhir_link WHERE tenant = ", &columns);
    let keys = ints(&mut rows.strings.iter().map(|(key, _)| *key));
    let texts = rows.strings.iter().map(|(_, folded)| folded.to_value()).collect();
    take(removals, at, "DELETE FROM fhir_string WHERE tenant = ", &[("k", keys), ("folded", texts)]);
    let keys = ints(&mut rows.dates.iter().map(|(key, _)| *key));
    take(removals, at, "DELETE FROM fhir_date WHERE tenant = ", &[("k", keys)]);
    let keys = ints(&mut rows.numbers.iter().map(|(key, _)| *key));
    let los = ints(&mut rows.numbers.iter().map(|(_, reach)| reach.lo));
    take(removals, at, "DELETE FROM fhir_number WHERE tenant = ", &[("k", keys), ("lo", los)]);
}

/// The rows of one version whose columns have these values: row by row each has its own, and no other row of the version has them.
fn take(
    removals: &mut Vec<Composed>,
    (tenant, rid): (&Tenant, Rid),
    delete: &'static str,
    columns: &[(&'static str, Vec<Value>)],
) {
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    for from in (0..rows).step_by(KEYS_OF_A_STATEMENT) {
        let mut statement = Composed::new(delete);
        statement.bind(&tenant.number()).text(" AND rid = ").bind(&rid.0);
        for (column, values) in columns {
            statement.text(" AND ").text(column).text(" IN (");
            let own = values.get(from..).unwrap_or_default();
            for place in 0..KEYS_OF_A_STATEMENT {
                // What is missing to a full statement is its last value again.
                let Some(value) = own.get(place).or(own.last()) else { break };
                statement.text(if place == 0 { "" } else { ", " }).bind(value);
            }
            statement.text(")");
        }
        removals.push(statement);
    }
}
