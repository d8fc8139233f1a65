//! Does a record hold a test?  The same question that tables are asked, asked of the record itself: of what was found by a hash, by
//! scopes with search parameters, and by the tests of everything else.

use super::{
    Comparison, Match, NumberMatch, QuantityMatch, ReferenceMatch, Stands, SystemMatch, TerminologyMatch,
    Test, TextMatch, TokenMatch, UnitMatch, UriMatch,
};
use crate::{
    index::{DateRange, Entries, Position, Quantity, Range, Reference, Token, Value},
    parameter::{ParameterId, ResourceType},
};

/// The test needs something beside the record that is not there: neither yes nor no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} cannot be decided by the record alone")]
pub struct Undecided(pub &'static str);

/// Records and codes around the one that is asked.
pub trait Around {
    /// Asks a record; false if there is none, or none that the caller may see.
    fn record(
        &self,
        _of: ResourceType,
        _id: &str,
        _ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        Err(Undecided("a chain"))
    }

    /// Asks the records of a type that refer to this one by a parameter, until one answers yes.
    fn referring(
        &self,
        _source: ResourceType,
        _parameter: ParameterId,
        _to: (ResourceType, &str),
        _ask: &mut dyn FnMut(&Entries<'_>) -> Result<bool, Undecided>,
    ) -> Result<bool, Undecided> {
        Err(Undecided("_has"))
    }

    /// Whether a code is in a value set, or above or below another.
    fn terminology(&self, _token: &Token<'_>, _asked: &TerminologyMatch) -> Result<bool, Undecided> {
        Err(Undecided("a question to a terminology"))
    }
}

/// Nothing is around.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Around for Alone {}

type Answer = Result<bool, Undecided>;

/// Whether a record holds a test.
pub fn holds(test: &Test, record: &Entries<'_>, around: &dyn Around) -> Answer {
    match test {
        Test::Any { parameter, values } => any(*parameter, values, record, around),
        Test::NotAny { parameter, values } => any(*parameter, values, record, around).map(|any| !any),
        Test::Present(parameter) => Ok(record.of(*parameter).next().is_some()),
        Test::Missing(parameter) => Ok(record.of(*parameter).next().is_none()),
        Test::Chain { parameter, targets } => chain(*parameter, targets, record, around),
        Test::Has { source, parameter, test } => {
            let to = (record.resource_type, &*record.id);
            around.referring(*source, *parameter, to, &mut |other| holds(test, other, around))
        }
        Test::In { compartment, ids } => Ok(record
            .compartments
            .iter()
            .any(|own| own.compartment == *compartment && ids.iter().any(|id| **id == *own.id))),
        Test::InAny(compartment) => Ok(record.compartments.iter().any(|own| own.compartment == *compartment)),
        Test::Says { .. } => Err(Undecided("a question about words")),
        Test::Is { resource_type, ids } => {
            Ok(*resource_type == record.resource_type && ids.contains(&*record.id))
        }
        Test::Consented(_) => Err(Undecided("what consents withhold")),
        Test::OfType(types) => Ok(types.contains(&record.resource_type)),
        Test::All(tests) => all(tests.iter().map(|test| holds(test, record, around))),
        Test::AnyOf(tests) => one(tests.iter().map(|test| holds(test, record, around))),
        Test::Not(test) => holds(test, record, around).map(|held| !held),
    }
}

/// A "no" decides, whatever else is undecided.
fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    one(answers.map(|answer| answer.map(|held| !held))).map(|any| !any)
}

/// A "yes" decides, whatever else is undecided.
fn one(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut undecided = None;
    for answer in answers {
        match answer {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(why) => undecided = Some(why),
        }
    }
    undecided.map_or(Ok(false), Err)
}

fn any(parameter: ParameterId, values: &[Match], record: &Entries<'_>, around: &dyn Around) -> Answer {
    let own = record.of(parameter);
    one(own.flat_map(|own| values.iter().map(move |asked| matches(asked, own, around))))
}

fn chain(
    parameter: ParameterId,
    targets: &[(ResourceType, Test)],
    record: &Entries<'_>,
    around: &dyn Around,
) -> Answer {
    one(record.of(parameter).filter_map(|own| match own {
        Value::Reference(Reference::Local { resource_type, id, .. }) => {
            let (_, test) = targets.iter().find(|(of, _)| of == resource_type)?;
            Some(around.record(*resource_type, id, &mut |other| holds(test, other, around)))
        }
        _ => None,
    }))
}

/// Whether one value is what was asked for.
fn matches(asked: &Match, own: &Value<'_>, around: &dyn Around) -> Answer {
    Ok(match (asked, own) {
        (Match::Token(asked), Value::Token(own)) | (Match::Identifier(asked), Value::Identifier(own)) => {
            is_token(asked, own)
        }
        (Match::TokenText(asked), Value::TokenText(own)) => own.folded().starts_with(&**asked),
        (Match::TypedToken { type_system, type_code, value }, Value::TypedToken(own)) => {
            **type_code == *own.type_code
                && **value == *own.value
                && (type_system.is_empty() || **type_system == *own.type_system)
        }
        (Match::Terminology(asked), Value::Token(own)) => return around.terminology(own, asked),
        (Match::Text(asked), Value::Text(own)) => match asked {
            TextMatch::Begins(asked) => own.folded().starts_with(&**asked),
            TextMatch::Contains(asked) => own.folded().contains(&**asked),
            TextMatch::Ends(asked) => own.folded().ends_with(&**asked),
            TextMatch::Exact(asked) => **asked == *own.exact,
        },
        (Match::Reference(asked), Value::Reference(own)) => is_reference(asked, own),
        (Match::Date(comparison, asked), Value::Date(own)) => is_date(*comparison, *asked, *own),
        (Match::Number(asked), Value::Number(own)) => is_number(asked.comparison, asked.range, *own),
        (Match::Quantity(asked), Value::Quantity(own)) => is_quantity(asked, own),
        (Match::Uri(asked), Value::Uri(own)) => is_uri(asked, own),
        (Match::Composite(asked), Value::Composite(own)) => {
            let parts = asked.iter().zip(own.iter());
            return if asked.len() == own.len() {
                all(parts.map(|(asked, own)| matches(asked, own, around)))
            } else {
                Ok(false)
            };
        }
        (Match::Near { position, distance_m }, Value::Position(own)) => {
            apart_m(*position, *own) <= *distance_m
        }
        _ => false,
    })
}

fn is_token(asked: &TokenMatch, own: &Token<'_>) -> bool {
    let of_system = match &asked.system {
        SystemMatch::Any => true,
        SystemMatch::None => own.system.is_none(),
        SystemMatch::Is(system) => own.system.as_deref() == Some(system),
    };
    of_system && asked.code.as_deref().is_none_or(|code| code == own.code)
}

fn is_reference(asked: &ReferenceMatch, own: &Reference<'_>) -> bool {
    match (asked, own) {
        (
            ReferenceMatch::Local { resource_type: wanted, id: asked, version: of },
            Reference::Local { resource_type, id, version },
        ) => {
            wanted.is_none_or(|wanted| wanted == *resource_type)
                && **asked == **id
                && of.as_deref().is_none_or(|of| version.as_deref() == Some(of))
        }
        (ReferenceMatch::Absolute(asked), Reference::Absolute { url }) => **asked == **url,
        (ReferenceMatch::Canonical { url: asked, version: of }, Reference::Canonical { url, version }) => {
            **asked == **url && of.as_deref().is_none_or(|of| version.as_deref() == Some(of))
        }
        (ReferenceMatch::CanonicalBelow(asked), Reference::Canonical { url, .. }) => is_below(url, asked),
        (
            ReferenceMatch::CanonicalVersion { url: asked, version: of, stands },
            Reference::Canonical { url, version: Some(version) },
        ) => {
            **asked == **url
                && match stands {
                    Stands::Above => is_part(of, version),
                    Stands::Below => is_part(version, of),
                }
        }
        _ => false,
    }
}

fn is_uri(asked: &UriMatch, own: &str) -> bool {
    match asked {
        UriMatch::Is(asked) => **asked == *own,
        UriMatch::Below(asked) => is_below(own, asked),
        UriMatch::Above(asked) => is_below(asked, own),
    }
}

/// "Matches a path": by whole parts between slashes.
fn is_below(own: &str, above: &str) -> bool {
    let rest = own.strip_prefix(above.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a version says all that another does, and perhaps more: `1.2.3` of `1.2`.
fn is_part(version: &str, of: &str) -> bool {
    let rest = version.strip_prefix(of);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_date(comparison: Comparison, asked: DateRange, own: DateRange) -> bool {
    let equal = asked.lo <= own.lo && own.hi <= asked.hi;
    match comparison {
        Comparison::Equal => equal,
        Comparison::NotEqual => !equal,
        Comparison::Greater => own.hi > asked.hi,
        Comparison::Less => own.lo < asked.lo,
        Comparison::GreaterOrEqual => own.hi > asked.hi || equal,
        Comparison::LessOrEqual => own.lo < asked.lo || equal,
        Comparison::StartsAfter => own.lo > asked.hi,
        Comparison::EndsBefore => own.hi < asked.lo,
        Comparison::Approximately => own.lo <= asked.hi && asked.lo <= own.hi,
    }
}

fn is_number(comparison: Comparison, asked: Range, own: Range) -> bool {
    let (Some(from), Some(to)) = (asked.lo, asked.hi) else { return false };
    let within = own.lo.is_some_and(|lo| from <= lo) && own.hi.is_some_and(|hi| hi < to);
    // Of the other comparisons what was asked is one number.
    let is_it = own.lo == asked.lo && own.hi == asked.hi;
    let above = own.hi.is_none_or(|hi| hi > to);
    let below = own.lo.is_none_or(|lo| lo < from);
    match comparison {
        Comparison::Equal => within,
        Comparison::NotEqual => !within,
        Comparison::Greater => above,
        Comparison::Less => below,
        Comparison::GreaterOrEqual => above || is_it,
        Comparison::LessOrEqual => below || is_it,
        Comparison::StartsAfter => own.lo.is_some_and(|lo| lo > to),
        Comparison::EndsBefore => own.hi.is_some_and(|hi| hi < from),
        Comparison::Approximately => own.lo.is_none_or(|lo| lo <= to) && own.hi.is_none_or(|hi| from <= hi),
    }
}

fn is_quantity(asked: &QuantityMatch, own: &Quantity<'_>) -> bool {
    let NumberMatch { comparison, range } = asked.number;
    let as_written = || is_number(comparison, range, own.range);
    match &asked.unit {
        UnitMatch::Any => as_written(),
        UnitMatch::Word(word) => {
            let says = |own: Option<&str>| own == Some(word);
            (says(own.code.as_deref()) || says(own.unit.as_deref())) && as_written()
        }
        UnitMatch::Code { system, code, canonical } => match (canonical, &own.canonical) {
            (Some(asked), Some(own)) => {
                asked.unit == own.unit && is_number(comparison, asked.range, own.range)
            }
            _ => {
                let same = own.system.as_deref() == Some(&**system) && own.code.as_deref() == Some(&**code);
                same && as_written()
            }
        },
    }
}

/// The way over the ground of a round earth: wrong by less than a hundredth.
fn apart_m(a: Position, b: Position) -> f64 {
    const RADIUS_M: f64 = 6_371_008.8;
    let (from, to) = (a.latitude.to_radians(), b.latitude.to_radians());
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let across = half((b.longitude - a.longitude).to_radians());
    let chord = half(to - from) + from.cos() * to.cos() * across;
    2.0 * RADIUS_M * chord.sqrt().min(1.0).asin()
}
