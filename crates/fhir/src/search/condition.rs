//! A test as conditions on index rows.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use crate::{
    index::{DateRange, Position, Range, fold},
    key::{self, FOLDED_BYTES_MAX, Of, Reach, Way},
    parameter::{ParameterId, Registry, ResourceType},
    query::{
        Comparison, Match, NumberMatch, QuantityMatch, ReferenceMatch, SystemMatch, Test, TextMatch,
        TokenMatch, UnitMatch, UriMatch,
    },
    resource::{Found, LogicalId, push_part},
    search::{Access, Consented, NESTED_MAX, PARTS_ASKED_MAX},
    tenant::Tenant,
};

/// What index rows are asked. A condition that is not exact lets through more than the test that it was made of, never less.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    /// Nothing that rows could tell.
    Any,
    None,
    Posting {
        key: i64,
        system: Option<i64>,
    },
    /// One of many, all of one system if one is said.
    Postings {
        keys: Vec<i64>,
        system: Option<i64>,
    },
    Link {
        way: Way,
        targets: Vec<i64>,
    },
    /// From here on, and before there.
    Text {
        key: i64,
        from: Vec<u8>,
        before: Option<Vec<u8>>,
    },
    /// A word from here on and before there leads to it.
    Term {
        key: i64,
        from: Vec<u8>,
        before: Option<Vec<u8>>,
        to: Leads,
    },
    /// A string of it has all of these parts, each from one up to before another.
    Parts {
        key: i64,
        of: i64,
        asked: Vec<(i64, i64)>,
    },
    /// The parameter has a value.
    Present {
        key: i64,
        of: ResourceType,
        parameter: ParameterId,
    },
    Date {
        key: i64,
        comparison: Comparison,
        asked: Reach,
    },
    Number {
        key: i64,
        comparison: Comparison,
        asked: Reach,
    },
    Ids {
        resource_type: ResourceType,
        ids: Vec<LogicalId>,
    },
    /// In milliseconds.
    Updated {
        comparison: Comparison,
        asked: Reach,
    },
    /// It refers to a record that holds the condition of its type.
    Chain {
        way: Way,
        of: ResourceType,
        inner: Box<Condition>,
    },
    /// A record of this type that holds the condition refers to it.
    Has {
        way: Way,
        inner: Box<Condition>,
    },
    /// Consents do not withhold it.
    Permitted(Arc<Consented>),
    All(Vec<Condition>),
    AnyOf(Vec<Condition>),
    Not(Box<Condition>),
}

/// Where a word leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To postings, of this system alone if one is said.
    Posting { system: Option<i64> },
    /// To links of this way.
    Link { way: Way },
}

/// Whether a condition says all that its test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    All,
    Less,
}

impl Says {
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, Self::All) => Self::All,
            _ => Self::Less,
        }
    }
}

pub(crate) type Told = (Condition, Says);

/// What conditions are made with.
#[derive(Clone, Copy)]
pub(crate) struct Maker<'m> {
    pub(crate) tenant: &'m Tenant,
    pub(crate) registry: &'m Registry,
    pub(crate) access: &'m Access,
}

impl Maker<'_> {
    /// The condition of what a record of this type is asked, and of what the caller may see of it.
    pub(crate) fn make(&self, of: ResourceType, test: &Test) -> Told {
        self.whole(of, test, 0)
    }

    /// The way by which a parameter's references to a type are kept.
    pub(crate) fn way(&self, of: ResourceType, parameter: ParameterId, to: ResourceType) -> Way {
        self.link(self.of(of, parameter), Some(to)).0
    }

    fn whole(&self, of: ResourceType, test: &Test, depth: usize) -> Told {
        if depth > NESTED_MAX {
            return (Condition::None, Says::All);
        }
        let seen = (self.access)(of);
        all([self.test(of, test, depth), self.test(of, &seen, depth)])
    }

    fn test(&self, of: ResourceType, test: &Test, depth: usize) -> Told {
        match test {
            Test::Any { parameter, values } => any_of(values.iter().map(|one| self.one(of, *parameter, one))),
            Test::NotAny { parameter, values } => {
                not(any_of(values.iter().map(|one| self.one(of, *parameter, one))))
            }
            Test::InAny(_) => (Condition::Any, Says::Less),
            Test::Present(parameter) => self.present(of, *parameter),
            Test::Missing(parameter) => not(self.present(of, *parameter)),
            Test::Chain { parameter, targets } => any_of(targets.iter().map(|(target, test)| {
                let (inner, says) = self.whole(*target, test, depth + 1);
                let (way, tells) = self.link(self.of(of, *parameter), Some(*target));
                (Condition::Chain { way, of: *target, inner: Box::new(inner) }, says.and(tells))
            })),
            Test::Has { source, parameter, test } => {
                let (inner, says) = self.whole(*source, test, depth + 1);
                let (way, tells) = self.link(self.of(*source, *parameter), Some(of));
                (Condition::Has { way, inner: Box::new(inner) }, says.and(tells))
            }
            Test::In { compartment, ids } => {
                let whose = ResourceType::named(compartment.as_str());
                let targets =
                    ids.iter().filter_map(|id| Some(key::identity(self.tenant, whose?, id))).collect();
                let way = key::membership(of, *compartment);
                let member = (Condition::Link { way, targets }, Says::All);
                let own = (whose == Some(of)).then(|| (ids_of(of, ids.iter().map(AsRef::as_ref)), Says::All));
                any_of([member].into_iter().chain(own))
            }
            Test::Is { resource_type, ids } if *resource_type == of => {
                (ids_of(of, ids.iter().map(AsRef::as_ref)), Says::All)
            }
            Test::Is { .. } => (Condition::None, Says::All),
            Test::Says { .. } => (Condition::Any, Says::Less),
            Test::Consented(consented) => (Condition::Permitted(Arc::clone(consented)), Says::All),
            Test::OfType(types) => {
                (if types.contains(&of) { Condition::Any } else { Condition::None }, Says::All)
            }
            Test::All(tests) => all(tests.iter().map(|test| self.test(of, test, depth))),
            Test::AnyOf(tests) => any_of(tests.iter().map(|test| self.test(of, test, depth))),
            Test::Not(test) => not(self.test(of, test, depth)),
        }
    }

    fn of(&self, resource_type: ResourceType, parameter: ParameterId) -> Of<'_> {
        Of { tenant: self.tenant, resource_type, parameter }
    }

    /// The way by which a parameter's references to a type are kept, and whether nothing else is there.
    fn link(&self, of: Of<'_>, to: Option<ResourceType>) -> (Way, Says) {
        let shared = self.registry.shared(of.resource_type);
        match shared.and_then(|shared| shared.patients_of(of.parameter)) {
            Some(subject) => {
                let is_patient = to.is_some_and(|to| to.as_str() == "Patient");
                (Of { parameter: subject, ..of }.link(), plain(is_patient))
            }
            None => (of.link(), Says::All),
        }
    }

    fn present(&self, of: ResourceType, parameter: ParameterId) -> Told {
        if [ParameterId::ID, ParameterId::LAST_UPDATED].contains(&parameter) {
            return (Condition::Any, Says::All);
        }
        if parameter.0 >= ParameterId::ADDED_MIN {
            return posted(self.of(of, parameter).present());
        }
        (Condition::Present { key: key::of_type(of), of, parameter }, Says::All)
    }

    fn one(&self, resource_type: ResourceType, parameter: ParameterId, one: &Match) -> Told {
        let shared = self.registry.shared(resource_type);
        if let Some(parts) = shared.and_then(|shared| shared.union(parameter)) {
            return any_of(parts.map(|part| self.one(resource_type, part, one)));
        }
        let of = self.of(resource_type, parameter);
        let code = self.registry.parameter_by_id(resource_type, parameter).map(|known| &*known.code);
        match (code, one) {
            (Some("_id"), Match::Token(TokenMatch { code: Some(id), .. })) => {
                (ids_of(resource_type, [id.as_ref()]), Says::All)
            }
            (Some("_lastUpdated"), Match::Date(comparison, range)) => {
                let says = exactly(*range);
                let asked = in_rows(*comparison, *range, says);
                let updated = |(comparison, asked)| Condition::Updated { comparison, asked };
                (asked.map_or(Condition::Any, updated), says)
            }
            (_, Match::Token(token)) => match (&token.code, &token.system) {
                (None, SystemMatch::Is(system)) => self.of_system(of, system),
                _ => self.token(token, |code| of.token(code)),
            },
            (_, Match::Identifier(token)) => match (&token.code, &token.system) {
                (None, SystemMatch::Is(system)) => posted(of.of_identifier_system(system)),
                _ => self.token(token, |code| of.identifier(code)),
            },
            (_, Match::TypedToken { type_system, .. }) if type_system.is_empty() => {
                (Condition::Any, Says::Less)
            }
            (_, Match::TypedToken { type_system, type_code, value }) => {
                let key = of.typed_token(type_system, type_code, value);
                (Condition::Posting { key, system: None }, Says::All)
            }
            (_, Match::TokenText(words)) => self.words(of, words),
            (_, Match::Text(text)) => told_text(of, text),
            (_, Match::Reference(reference)) => self.reference(of, reference),
            (_, Match::Date(comparison, range)) => {
                let says = exactly(*range);
                let date = dated(of.date(&[]), *comparison, *range);
                (date, says)
            }
            (_, Match::Number(number)) => number_told(of.number(&[]), number, number.range),
            (_, Match::Quantity(quantity)) => quantity_told(of, &[], quantity),
            (_, Match::Uri(uri)) => told_uri(of, uri),
            (_, Match::Composite(parts)) => self.composite(of, parts),
            (_, Match::Near { position, distance_m }) => near(of, *position, *distance_m),
            (_, Match::Terminology(_)) => (Condition::Any, Says::Less),
        }
    }

    /// All codes of a system: what of identifiers is a row, leads of codes to those that there are.
    fn of_system(&self, of: Of<'_>, system: &str) -> Told {
        if Found::by(self.registry, of) != Found::Code {
            return posted(of.of_system(system));
        }
        let to = Leads::Posting { system: Some(key::system(self.tenant, Some(system))) };
        let from = key::system_word(self.tenant, system);
        let before = [from.as_slice(), &[0]].concat();
        (Condition::Term { key: of.systems(), from, before: Some(before), to }, Says::All)
    }

    fn words(&self, of: Of<'_>, words: &str) -> Told {
        let to = match Found::by(self.registry, of) {
            Found::Reference => Leads::Link { way: self.link(of, None).0 },
            Found::Code | Found::Identifier => Leads::Posting { system: None },
        };
        (begins(of.words(), words, to), Says::Less)
    }

    fn token(&self, token: &TokenMatch, key: impl Fn(&str) -> i64) -> Told {
        // `|` alone asks for nothing, and is not read.
        let Some(code) = &token.code else { return (Condition::None, Says::All) };
        let system = match &token.system {
            SystemMatch::Any => None,
            SystemMatch::None => Some(0),
            SystemMatch::Is(system) => Some(key::system(self.tenant, Some(system))),
        };
        (Condition::Posting { key: key(code), system }, Says::All)
    }

    fn reference(&self, of: Of<'_>, reference: &ReferenceMatch) -> Told {
        let told = |to: Option<ResourceType>, targets, is_plain| {
            let (way, tells) = self.link(of, to);
            (Condition::Link { way, targets }, tells.and(plain(is_plain)))
        };
        match reference {
            ReferenceMatch::Local { resource_type: Some(to), id, version } => {
                told(Some(*to), vec![key::identity(self.tenant, *to, id)], version.is_none())
            }
            ReferenceMatch::Local { resource_type: None, id, version } => {
                let known = self.registry.parameter_by_id(of.resource_type, of.parameter);
                let targets = known.map(|known| known.targets.clone()).unwrap_or_default();
                let targets = if targets.is_empty() { ResourceType::all().collect() } else { targets };
                let only = if let [only] = *targets { Some(only) } else { None };
                let targets = targets.into_iter().map(|to| key::identity(self.tenant, to, id)).collect();
                told(only, targets, version.is_none())
            }
            ReferenceMatch::Absolute(url) => told(None, vec![key::url_target(self.tenant, url)], true),
            ReferenceMatch::Canonical { url, version } => {
                told(None, vec![key::canonical_target(self.tenant, url)], version.is_none())
            }
            ReferenceMatch::CanonicalVersion { url, .. } => {
                told(None, vec![key::canonical_target(self.tenant, url)], false)
            }
            ReferenceMatch::CanonicalBelow(url) => {
                let to = Leads::Link { way: self.link(of, None).0 };
                (begins(of.canonicals(), url.trim_end_matches('/'), to), Says::Less)
            }
        }
    }

    /// As the rows of composites are made: see `resource::rows`.
    fn composite(&self, of: Of<'_>, parts: &[Match]) -> Told {
        let mut within = Vec::new();
        let mut ranged = None;
        for (place, part) in parts.iter().enumerate() {
            let text: Cow<'_, str> = match part {
                Match::Token(TokenMatch { code: Some(code), .. }) => Cow::Borrowed(code),
                Match::Uri(UriMatch::Is(uri)) => Cow::Borrowed(uri),
                Match::Reference(
                    ReferenceMatch::Local { id: text, .. }
                    | ReferenceMatch::Absolute(text)
                    | ReferenceMatch::Canonical { url: text, .. },
                ) => Cow::Borrowed(text),
                Match::Date(..) | Match::Number(_) | Match::Quantity(_) => {
                    ranged = ranged.or(Some(part));
                    continue;
                }
                Match::Text(_) => continue,
                _ => return (Condition::Any, Says::Less),
            };
            push_part(&mut within, place, text.as_bytes());
        }
        let condition = match ranged {
            Some(Match::Date(comparison, range)) => dated(of.date(&within), *comparison, *range),
            Some(Match::Number(number)) => number_told(of.number(&within), number, number.range).0,
            Some(Match::Quantity(quantity)) => quantity_told(of, &within, quantity).0,
            _ => Condition::Posting { key: of.composite(&within), system: None },
        };
        (condition, Says::Less)
    }
}

const fn plain(is_plain: bool) -> Says {
    if is_plain { Says::All } else { Says::Less }
}

/// Rows have milliseconds: a question that is more exact is asked of the record.
const fn exactly(range: DateRange) -> Says {
    let begins = range.lo == i64::MIN || range.lo.rem_euclid(1_000) == 0;
    let ends = range.hi == i64::MAX || range.hi.rem_euclid(1_000) == 999;
    plain(begins && ends)
}

fn dated(key: i64, comparison: Comparison, range: DateRange) -> Condition {
    let asked = in_rows(comparison, range, exactly(range));
    asked.map_or(Condition::Any, |(comparison, asked)| Condition::Date { key, comparison, asked })
}

/// What rows are asked: of a question that is more exact than they are, what lets nothing through too little. None where that is all.
fn in_rows(comparison: Comparison, range: DateRange, says: Says) -> Option<(Comparison, Reach)> {
    let asked = Reach::of_date(range);
    let end = asked.lo.saturating_add(asked.span);
    match (says, comparison) {
        (Says::All, _) | (_, Comparison::Equal | Comparison::Approximately) => Some((comparison, asked)),
        (_, Comparison::NotEqual) => None,
        (_, Comparison::Greater | Comparison::GreaterOrEqual | Comparison::StartsAfter) => {
            Some((Comparison::Greater, Reach { lo: asked.lo.saturating_sub(1), span: 0 }))
        }
        (_, Comparison::Less | Comparison::LessOrEqual | Comparison::EndsBefore) => {
            Some((Comparison::Less, Reach { lo: end.saturating_add(1), span: 0 }))
        }
    }
}

fn ids_of<'i>(resource_type: ResourceType, ids: impl IntoIterator<Item = &'i str>) -> Condition {
    let ids: Vec<LogicalId> = ids.into_iter().filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() { Condition::None } else { Condition::Ids { resource_type, ids } }
}

fn posted(key: i64) -> Told {
    (Condition::Posting { key, system: None }, Says::All)
}

/// What a word that begins so leads to.
fn begins(key: i64, begin: &str, to: Leads) -> Condition {
    let from = key::term(begin);
    let before = after_all(&from);
    Condition::Term { key, from, before, to }
}

/// Between two circles of latitude: how far east or west, the record says.
fn near(of: Of<'_>, position: Position, distance_m: f64) -> Told {
    /// Of a degree of latitude, less than anywhere on the round earth that distances are measured on.
    const DEGREE_M: f64 = 111_000.0;
    let apart = distance_m / DEGREE_M + 0.000_1;
    let asked = Reach::from_to(position.latitude - apart, position.latitude + apart);
    (Condition::Number { key: of.latitude(), comparison: Comparison::Approximately, asked }, Says::Less)
}

fn told_text(of: Of<'_>, text: &TextMatch) -> Told {
    let key = of.text();
    match text {
        TextMatch::Begins(begin) => {
            let from = key::folded(begin);
            let before = after_all(&from);
            (Condition::Text { key, from, before }, plain(begin.len() <= FOLDED_BYTES_MAX))
        }
        TextMatch::Exact(text) => {
            let from = key::folded(&fold(text));
            let mut before = from.clone();
            before.push(0);
            (Condition::Text { key, from, before: Some(before) }, Says::Less)
        }
        TextMatch::Contains(text) | TextMatch::Ends(text) => {
            let mut asked = key::asked_parts(text);
            asked.truncate(PARTS_ASKED_MAX);
            let parted = |asked| Condition::Parts { key: of.parts(), of: key, asked };
            let unparted = parted(vec![(key::UNPARTED, key::UNPARTED + 1)]);
            (Condition::AnyOf(vec![parted(asked), unparted]), Says::Less)
        }
    }
}

/// The first text behind all that begin so; none if there is none.
fn after_all(begin: &[u8]) -> Option<Vec<u8>> {
    let mut after = begin.to_vec();
    while let Some(last) = after.pop() {
        if last < u8::MAX {
            after.push(last + 1);
            return Some(after);
        }
    }
    None
}

/// Close numbers are the same in a row, so the record is asked.
fn number_told(key: i64, number: &NumberMatch, range: Range) -> Told {
    (Condition::Number { key, comparison: number.comparison, asked: Reach::of_range(range) }, Says::Less)
}

fn quantity_told(of: Of<'_>, within: &[u8], quantity: &QuantityMatch) -> Told {
    match &quantity.unit {
        UnitMatch::Code { canonical: Some(canonical), .. } => {
            number_told(of.canonical(&canonical.unit, within), &quantity.number, canonical.range)
        }
        UnitMatch::Any | UnitMatch::Word(_) | UnitMatch::Code { canonical: None, .. } => {
            number_told(of.quantity(within), &quantity.number, quantity.number.range)
        }
    }
}

fn told_uri(of: Of<'_>, uri: &UriMatch) -> Told {
    let posting = |uri: &str| Condition::Posting { key: of.uri(uri), system: None };
    match uri {
        UriMatch::Is(uri) => (posting(uri), Says::All),
        UriMatch::Below(uri) => {
            let to = Leads::Posting { system: None };
            (begins(of.uris(), uri.trim_end_matches('/'), to), Says::Less)
        }
        UriMatch::Above(uri) => {
            let cuts = uri.match_indices('/').flat_map(|(at, _)| [uri.get(..at), uri.get(..=at)]).flatten();
            let above = cuts.chain([uri.as_ref()]).map(posting).collect();
            (Condition::AnyOf(above), Says::Less)
        }
    }
}

fn all(told: impl IntoIterator<Item = Told>) -> Told {
    let mut conditions = Vec::new();
    let mut says = Says::All;
    for (condition, own) in told {
        says = says.and(own);
        match condition {
            Condition::Any => {}
            Condition::None => return (Condition::None, Says::All),
            Condition::All(inner) => conditions.extend(inner),
            other => conditions.push(other),
        }
    }
    match conditions.len() {
        0 => (Condition::Any, says),
        1 => (conditions.pop().unwrap_or(Condition::Any), says),
        _ => (Condition::All(conditions), says),
    }
}

/// More alternatives than this are asked for together, fewer each in its order.
const APART_MAX: usize = 32;

/// Postings that are too many to be asked for one by one, by system.
fn together(conditions: Vec<Condition>) -> Vec<Condition> {
    let (mut postings, mut rest) = (BTreeMap::<Option<i64>, Vec<i64>>::new(), Vec::new());
    if conditions.len() <= APART_MAX {
        return conditions;
    }
    for condition in conditions {
        match condition {
            Condition::Posting { key, system } => postings.entry(system).or_default().push(key),
            other => rest.push(other),
        }
    }
    rest.extend(postings.into_iter().map(|(system, keys)| Condition::Postings { keys, system }));
    rest
}

fn any_of(told: impl IntoIterator<Item = Told>) -> Told {
    let mut conditions = Vec::new();
    let mut says = Says::All;
    for (condition, own) in told {
        match condition {
            // One alternative that lets everything through: exactly, or for the record to tell.
            Condition::Any => return (Condition::Any, own),
            Condition::None => {}
            Condition::AnyOf(inner) => {
                says = says.and(own);
                conditions.extend(inner);
            }
            other => {
                says = says.and(own);
                conditions.push(other);
            }
        }
    }
    let mut conditions = together(conditions);
    match conditions.len() {
        0 => (Condition::None, Says::All),
        1 => (conditions.pop().unwrap_or(Condition::None), says),
        _ => (Condition::AnyOf(conditions), says),
    }
}

/// What lets through too much cannot be turned around.
fn not((condition, says): Told) -> Told {
    match (condition, says) {
        (_, Says::Less) => (Condition::Any, Says::Less),
        (Condition::Any, Says::All) => (Condition::None, Says::All),
        (Condition::None, Says::All) => (Condition::Any, Says::All),
        (condition, Says::All) => (Condition::Not(Box::new(condition)), Says::All),
    }
}
