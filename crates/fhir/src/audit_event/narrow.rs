//! What of a question says in which rows its answers can be at all: of which patients, and from when. The event itself decides.

use std::{collections::BTreeSet, ops::RangeInclusive};

use kernel::{EventRow, Id};

use crate::{
    index::DateRange,
    parameter::{Compartment, ParameterId, Registry, ResourceType},
    query::{Comparison, Match, ReferenceMatch, Test},
};

/// Patients whose rows are looked up one by one; of more all rows are walked.
pub const AUDIT_PATIENTS_ASKED_MAX: usize = 64;

/// The parameters that tell.
pub(super) struct Told {
    patient: Option<ParameterId>,
    moments: Vec<ParameterId>,
}

impl Told {
    pub fn by(registry: &Registry, of: ResourceType) -> Self {
        let known = |code: &&str| registry.parameter(of, code).map(|parameter| parameter.id);
        Self {
            patient: known(&"patient"),
            moments: ["date", "_lastUpdated"].iter().filter_map(known).collect(),
        }
    }

    /// The patients of whom one has to occur; none where it may be anybody, and nobody.
    pub fn patients(&self, test: &Test) -> Option<BTreeSet<Box<str>>> {
        match test {
            Test::In { compartment: Compartment::Patient, ids } => Some(ids.iter().cloned().collect()),
            Test::Any { parameter, values } if Some(*parameter) == self.patient => {
                values.iter().map(patient).collect()
            }
            Test::All(tests) => tests.iter().filter_map(|test| self.patients(test)).min_by_key(BTreeSet::len),
            Test::AnyOf(tests) => {
                let all: Option<Vec<_>> = tests.iter().map(|test| self.patients(test)).collect();
                all.map(|all| all.into_iter().flatten().collect())
            }
            _ => None,
        }
    }

    /// From when to when, in milliseconds.
    pub fn moments(&self, test: &Test) -> RangeInclusive<i64> {
        match test {
            Test::Any { parameter, values } if self.moments.contains(parameter) => {
                wider(values.iter().map(moment))
            }
            Test::All(tests) => tests
                .iter()
                .map(|test| self.moments(test))
                .fold(EVER, |so_far, one| *so_far.start().max(one.start())..=*so_far.end().min(one.end())),
            Test::AnyOf(tests) => wider(tests.iter().map(|test| self.moments(test))),
            _ => EVER,
        }
    }
}

const EVER: RangeInclusive<i64> = 0..=MILLIS_MAX;
/// What the 48 bits of an id hold.
const MILLIS_MAX: i64 = (1 << 48) - 1;

fn wider(all: impl Iterator<Item = RangeInclusive<i64>>) -> RangeInclusive<i64> {
    let wider = all.reduce(|so_far, one| *so_far.start().min(one.start())..=*so_far.end().max(one.end()));
    // Of no alternative nothing holds; what is asked of the events says so.
    wider.unwrap_or(EVER)
}

fn patient(asked: &Match) -> Option<Box<str>> {
    match asked {
        Match::Reference(ReferenceMatch::Local { resource_type, id, .. })
            if resource_type.is_none_or(|of| of.as_str() == "Patient") =>
        {
            Some(id.as_ref().into())
        }
        _ => None,
    }
}

/// A moment says one millisecond, so each of these holds all that can match.
fn moment(asked: &Match) -> RangeInclusive<i64> {
    let Match::Date(comparison, DateRange { lo, hi }) = asked else { return EVER };
    let millis = |micros: &i64| micros.div_euclid(1_000).clamp(0, MILLIS_MAX);
    match comparison {
        Comparison::Equal | Comparison::Approximately => millis(lo)..=millis(hi),
        Comparison::Greater | Comparison::StartsAfter => millis(hi)..=MILLIS_MAX,
        Comparison::GreaterOrEqual => millis(lo)..=MILLIS_MAX,
        Comparison::Less | Comparison::EndsBefore => 0..=millis(lo),
        Comparison::LessOrEqual => 0..=millis(hi),
        Comparison::NotEqual => EVER,
    }
}

/// The ids of these milliseconds.
pub(super) fn ids(millis: &RangeInclusive<i64>) -> (Id<EventRow>, Id<EventRow>) {
    let id = |millis: i64, rest: u8| {
        let mut bytes = [rest; 16];
        bytes.iter_mut().zip(millis.to_be_bytes().into_iter().skip(2)).for_each(|(to, byte)| *to = byte);
        Id::from_bytes(bytes)
    };
    (id(*millis.start(), 0), id(*millis.end(), 0xff))
}
