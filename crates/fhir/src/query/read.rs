//! The words of a search, read.  <https://hl7.org/fhir/R4/search.html>

use std::{cell::Cell, collections::BTreeSet};

use kernel::{Criteria, Timestamp};

use super::{
    Criterion, Ignored, Match, Problem, Query, QueryFault, Test, control,
    escape::{split, unescape},
    filter, limits,
    value::{self, Modifier},
};
use crate::{
    index::{Within, is_id, words},
    parameter::{Parameter, ParameterKind, Registry, ResourceType, Standing},
};

/// What a search is read with.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r> {
    /// The parameters that there are.
    pub registry: &'r Registry,
    /// For `ap` and `_since`.
    pub now: Timestamp,
    /// What is done with parameters that are not known.
    pub handling: Handling,
}

/// `Prefer: handling=…`  <https://hl7.org/fhir/R4/search.html#errors>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handling {
    /// What is not known is a fault: an unknown restriction that is passed over would answer with everything.
    #[default]
    Strict,
    /// What is not known is told in [`Query::ignored`].
    Lenient,
}

/// Reads the parameters of a search of some types, in the order in which they were given, decoded; no types stand for all.
pub fn read<'p>(
    parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    resource_types: &[ResourceType],
    reading: &Reading<'_>,
) -> Result<Query, QueryFault> {
    let parameters: Vec<(&str, &str)> = parameters.into_iter().collect();
    let mut query = Query { resource_types: resource_types.to_vec(), ..Query::default() };
    let types = parameters.iter().find(|(name, _)| *name == "_type").filter(|_| resource_types.is_empty());
    if let Some((name, value)) = types {
        query.resource_types = control::types(value).map_err(|problem| fault(name, problem))?;
    }
    let mut once = BTreeSet::new();
    for (name, value) in parameters {
        let read = if control::is_control(name) {
            let first = once.insert(name) || control::may_repeat(name);
            if first { control::read(&mut query, name, value, reading) } else { Err(Problem::Twice) }
        } else {
            criterion(&mut query, name, value, reading)
        };
        match read {
            Err(problem) if reading.handling == Handling::Lenient && problem.is_of_what_is_not_known() => {
                query.ignored.push(Ignored { name: shown(name), why: problem.to_string().into() });
            }
            read => read.map_err(|problem| fault(name, problem))?,
        }
    }
    Ok(query)
}

/// One parameter as a test, for rules that are written as searches.
pub fn read_test(
    name: &str,
    value: &str,
    resource_types: &[ResourceType],
    reading: &Reading<'_>,
) -> Result<Test, QueryFault> {
    Reader::new(reading).test(resource_types, name, value, 0).map_err(|problem| fault(name, problem))
}

/// What a scope asks of records of a type; if it asks what is not known, none holds it.
pub fn scope_test(criteria: &Criteria, resource_type: ResourceType, reading: &Reading<'_>) -> Test {
    let tests = criteria.iter().map(|(name, values)| {
        let values = values.collect::<Vec<_>>().join(",");
        read_test(name, &values, &[resource_type], reading).unwrap_or(Test::NONE)
    });
    Test::All(tests.collect())
}

impl Problem {
    fn is_of_what_is_not_known(&self) -> bool {
        matches!(self, Self::Unknown { .. } | Self::Empty)
    }
}

fn fault(name: &str, problem: Problem) -> QueryFault {
    QueryFault { parameter: shown(name), problem }
}

pub(super) fn shown(name: &str) -> Box<str> {
    let mut end = name.len().min(limits::NAME_SHOWN_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default().into()
}

fn criterion(query: &mut Query, name: &str, value: &str, reading: &Reading<'_>) -> Result<(), Problem> {
    if query.criteria.len() >= limits::CRITERIA_MAX {
        return Err(Problem::TooMany { what: "criteria", max: limits::CRITERIA_MAX });
    }
    let test = Reader::new(reading).test(&query.resource_types, name, value, 0)?;
    query.criteria.push(Criterion { name: name.into(), value: value.into(), test });
    Ok(())
}

pub(super) struct Reader<'r> {
    reading: &'r Reading<'r>,
    /// Tests that one parameter has come to: a chain without a type leads to every type that its references may lead to.
    tests: Cell<usize>,
}

impl<'r> Reader<'r> {
    fn new(reading: &'r Reading<'r>) -> Self {
        Self { reading, tests: Cell::new(0) }
    }

    pub(super) fn test(
        &self,
        of: &[ResourceType],
        name: &str,
        value: &str,
        depth: usize,
    ) -> Result<Test, Problem> {
        if depth > limits::CHAIN_DEPTH_MAX {
            return Err(Problem::TooMany { what: "steps to other records", max: limits::CHAIN_DEPTH_MAX });
        }
        self.tests.set(self.tests.get() + 1);
        if self.tests.get() > limits::TESTS_MAX {
            return Err(Problem::TooMany {
                what: "ways by references that name no type",
                max: limits::TESTS_MAX,
            });
        }
        if value.is_empty() {
            return Err(Problem::Empty);
        }
        if let Some(rest) = name.strip_prefix("_has:") {
            return self.has(of, rest, value, depth);
        }
        match name {
            "_filter" if depth == 0 => return filter::read(self, of, value),
            // Whatever a List has is referred to by its items.
            "_list" => return self.has(of, "List:item:_id", list_ids(value)?, depth),
            "_text" => return says(Within::Narrative, value),
            "_content" => return says(Within::Record, value),
            _ => {}
        }
        match name.split_once('.') {
            Some((reference, rest)) => self.chain(of, reference, rest, value, depth),
            None => self.leaf(of, name, value),
        }
    }

    /// `_has:Observation:patient:code`
    fn has(&self, of: &[ResourceType], rest: &str, value: &str, depth: usize) -> Result<Test, Problem> {
        let mut parts = rest.splitn(3, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (source, code, inner) = (typed(next())?, next(), next());
        let parameter = self.reference(&[source], code)?;
        let reaches = |own: &ResourceType| parameter.targets.is_empty() || parameter.targets.contains(own);
        if !of.is_empty() && !of.iter().any(reaches) {
            return Err(Problem::NotATarget { code: shown(code), to: names(of) });
        }
        let test = Box::new(self.test(&[source], inner, value, depth + 1)?);
        Ok(Test::Has { source, parameter: parameter.id, test })
    }

    /// `subject:Patient.name`, `subject.name`
    fn chain(
        &self,
        of: &[ResourceType],
        reference: &str,
        rest: &str,
        value: &str,
        depth: usize,
    ) -> Result<Test, Problem> {
        let (code, wanted) = match reference.split_once(':') {
            Some((code, wanted)) => (code, Some(typed(wanted)?)),
            None => (reference, None),
        };
        let parameter = self.reference(of, code)?;
        if let Some(wanted) = wanted {
            if !parameter.targets.is_empty() && !parameter.targets.contains(&wanted) {
                return Err(Problem::NotATarget { code: shown(code), to: wanted.as_str().into() });
            }
            let targets = vec![(wanted, self.test(&[wanted], rest, value, depth + 1)?)];
            return Ok(Test::Chain { parameter: parameter.id, targets });
        }
        let all: Vec<ResourceType> = match parameter.targets.as_slice() {
            [] => ResourceType::all().collect(),
            targets => targets.to_vec(),
        };
        let (mut targets, mut first) = (Vec::new(), None);
        for target in all {
            match self.test(&[target], rest, value, depth + 1) {
                Ok(test) => targets.push((target, test)),
                Err(problem @ (Problem::TooMany { .. } | Problem::BeingIndexed(_))) => return Err(problem),
                Err(problem) => first = first.or(Some(problem)),
            }
        }
        match first {
            Some(problem) if targets.is_empty() => Err(problem),
            _ => Ok(Test::Chain { parameter: parameter.id, targets }),
        }
    }

    fn reference(&self, of: &[ResourceType], code: &str) -> Result<&'r Parameter, Problem> {
        let parameter = lookup(self.reading.registry, of, code)?;
        if parameter.kind != ParameterKind::Reference {
            return Err(Problem::NotAReference(shown(code)));
        }
        Ok(parameter)
    }

    /// The kind of the parameter at the end of a path.
    pub(super) fn kind(&self, of: &[ResourceType], path: &str) -> Result<ParameterKind, Problem> {
        let Some((reference, rest)) = path.split_once('.') else {
            return lookup(self.reading.registry, of, path).map(|parameter| parameter.kind);
        };
        let (code, wanted) = match reference.split_once(':') {
            Some((code, wanted)) => (code, Some(typed(wanted)?)),
            None => (reference, None),
        };
        let parameter = self.reference(of, code)?;
        let targets = wanted.map_or_else(|| parameter.targets.clone(), |wanted| vec![wanted]);
        let unknown = || Problem::Unknown { code: shown(rest), of: names(&targets) };
        let mut kinds = targets.iter().filter_map(|target| self.kind(&[*target], rest).ok());
        kinds.next().ok_or_else(unknown)
    }

    fn leaf(&self, of: &[ResourceType], name: &str, value: &str) -> Result<Test, Problem> {
        let (code, modifier) = match name.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (name, None),
        };
        let parameter = lookup(self.reading.registry, of, code)?;
        let Some(modifier) = modifier else {
            let values = self.values(parameter, Modifier::None, value)?;
            return Ok(Test::Any { parameter: parameter.id, values });
        };
        if modifier == "missing" {
            return match value {
                "true" => Ok(Test::Missing(parameter.id)),
                "false" => Ok(Test::Present(parameter.id)),
                _ => Err(Problem::Value { nth: 1, expected: "`true` or `false`" }),
            };
        }
        let unknown = || Problem::Modifier { modifier: shown(modifier), kind: parameter.kind };
        let (how, is_negated) = how(parameter.kind, modifier).ok_or_else(unknown)?;
        if let Modifier::Target(wanted) = how
            && !parameter.targets.is_empty()
            && !parameter.targets.contains(&wanted)
        {
            return Err(Problem::NotATarget { code: shown(code), to: wanted.as_str().into() });
        }
        let values = self.values(parameter, how, value)?;
        Ok(match is_negated {
            Negated::Yes => Test::NotAny { parameter: parameter.id, values },
            Negated::No => Test::Any { parameter: parameter.id, values },
        })
    }

    fn values(&self, parameter: &Parameter, how: Modifier, text: &str) -> Result<Vec<Match>, Problem> {
        let mut all = Vec::new();
        for (at, raw) in split(text, ',').enumerate() {
            if at >= limits::VALUES_MAX {
                return Err(Problem::TooMany { what: "values", max: limits::VALUES_MAX });
            }
            let matches = value::read(parameter, how, raw, self.reading);
            all.extend(matches.map_err(|expected| Problem::Value { nth: at + 1, expected })?);
        }
        Ok(all)
    }
}

/// The ids of Lists; what R4 calls `$current-problems` is computed by nobody here.
fn list_ids(value: &str) -> Result<&str, Problem> {
    match split(value, ',').position(|id| !is_id(id)) {
        Some(at) => Err(Problem::Value { nth: at + 1, expected: "the id of a List" }),
        None => Ok(value),
    }
}

/// Words that a record has to say, all of those of one value.
fn says(within: Within, value: &str) -> Result<Test, Problem> {
    let any: Vec<_> = split(value, ',').map(|one| words(&unescape(one))).collect();
    if any.len() > limits::VALUES_MAX {
        return Err(Problem::TooMany { what: "values", max: limits::VALUES_MAX });
    }
    match any.iter().position(std::collections::BTreeSet::is_empty) {
        Some(at) => Err(Problem::Value { nth: at + 1, expected: "words" }),
        None => Ok(Test::Says { within, any }),
    }
}

enum Negated {
    Yes,
    No,
}

/// <https://hl7.org/fhir/R4/search.html#modifiers>
fn how(kind: ParameterKind, modifier: &str) -> Option<(Modifier, Negated)> {
    use ParameterKind as K;
    let how = match (kind, modifier) {
        (K::Token, "not") => return Some((Modifier::None, Negated::Yes)),
        (K::Token, "not-in") => return Some((Modifier::In, Negated::Yes)),
        (K::Token, "in") => Modifier::In,
        (K::Token | K::Reference, "text") => Modifier::Text,
        (K::Token, "of-type") => Modifier::OfType,
        (K::Token | K::Uri | K::Reference, "above") => Modifier::Above,
        (K::Token | K::Uri | K::Reference, "below") => Modifier::Below,
        (K::String, "exact") => Modifier::Exact,
        (K::String, "contains") => Modifier::Contains,
        (K::Reference, "identifier") => Modifier::Identifier,
        (K::Reference, name) => Modifier::Target(ResourceType::named(name)?),
        _ => return None,
    };
    Some((how, Negated::No))
}

/// How the documented site form names a parameter that R4 has: the date of creation that claims, their answers and payments say of
/// themselves.  Contract 3 "ranges"
pub(crate) const SITE_FORMS: [(&str, &str); 1] = [("dateCreated", "created")];

fn site_form(code: &str) -> Option<&'static str> {
    SITE_FORMS.iter().find(|(own, _)| *own == code).map(|(_, meant)| *meant)
}

/// The parameter of all these types; of no types, of all.
pub(crate) fn lookup<'r>(
    registry: &'r Registry,
    of: &[ResourceType],
    code: &str,
) -> Result<&'r Parameter, Problem> {
    let unknown = || Problem::Unknown { code: shown(code), of: names(of) };
    let mut found: Option<&Parameter> = None;
    let all = of.is_empty().then(ResourceType::all).into_iter().flatten();
    for own in of.iter().copied().chain(all) {
        let meant = registry.parameter(own, code).or_else(|| registry.parameter(own, site_form(code)?));
        let parameter = meant.ok_or_else(unknown)?;
        if parameter.standing == Standing::Building {
            return Err(Problem::BeingIndexed(shown(code)));
        }
        // Two packages may mean different things by one word.
        if found.is_some_and(|found| (found.kind, found.id) != (parameter.kind, parameter.id)) {
            return Err(Problem::Ambiguous);
        }
        found = found.or(Some(parameter));
    }
    found.ok_or_else(unknown)
}

pub(super) fn typed(name: &str) -> Result<ResourceType, Problem> {
    ResourceType::named(name).ok_or_else(|| Problem::UnknownType(shown(name)))
}

fn names(of: &[ResourceType]) -> Box<str> {
    match of {
        [] => "every type of resource".into(),
        of => of.iter().map(|own| own.as_str()).collect::<Vec<_>>().join(", ").into(),
    }
}
