//! What a rule demands of a record.

use fhirpath::document::{Document, Element};

use super::{Effect, Rule};
use crate::{
    index::{Entries, Value},
    parameter::{Registry, ResourceType},
};

/// A condition on a record. A record that does not say what is asked fulfils none, but the denial of a time, which it may be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It has one of these labels in `meta.security`.
    Labels(Vec<Label>),
    /// It is of one of these types, or of one of these profiles.
    Classes(Vec<Class>),
    /// One of these codes is found in it, with its system where one is said.
    Codes(Vec<(Option<String>, String)>),
    /// It is one of these: `Observation/1`.
    Instances(Vec<String>),
    /// It is about this time: of a denial some of it, of a permission all of it.
    Within {
        /// The first moment.
        from: i64,
        /// The first moment behind it.
        until: i64,
        /// Of what kind of rule.
        effect: Effect,
    },
}

/// A security label that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// This one; without a system of whatever system.
    Is(Option<String>, String),
    /// A degree of confidentiality: of a denial this one or a higher one, of a permission this one or a lower one.
    Confidentiality {
        /// From 0, unrestricted, to 5, very restricted.
        degree: usize,
        /// Of what kind of rule.
        effect: Effect,
    },
}

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Its type.
    Type(String),
    /// A profile that it says it has, without a version.
    Profile(String),
}

/// <http://terminology.hl7.org/CodeSystem/v3-Confidentiality>, the lowest first.
const DEGREES: [&str; 6] = ["U", "L", "M", "N", "R", "V"];
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const TYPES: &str = "http://hl7.org/fhir/resource-types";

fn degree(system: Option<&str>, code: &str) -> Option<usize> {
    (system == Some(CONFIDENTIALITY)).then(|| DEGREES.iter().position(|known| *known == code))?
}

impl Label {
    pub(super) fn of((system, code): &(Option<String>, String), effect: Effect) -> Option<Self> {
        Some(match degree(system.as_deref(), code) {
            Some(degree) => Self::Confidentiality { degree, effect },
            None => Self::Is(system.clone(), code.clone()),
        })
    }

    fn is_on(&self, system: Option<&str>, code: &str) -> bool {
        match self {
            Self::Is(wanted, label) => label == code && wanted.as_deref().is_none_or(|it| Some(it) == system),
            Self::Confidentiality { degree: wanted, effect } => match (degree(system, code), effect) {
                (Some(own), Effect::Deny) => own >= *wanted,
                (Some(own), Effect::Permit) => own <= *wanted,
                (None, _) => false,
            },
        }
    }
}

impl Label {
    /// Whether a record whose confidentiality nobody has said may be meant: it is normal, for a denial.
    fn is_on_unlabelled(&self) -> bool {
        match self {
            Self::Confidentiality { degree, effect: Effect::Deny } => {
                DEGREES.get(*degree).is_some_and(|known| ["U", "L", "M", "N"].contains(known))
            }
            _ => false,
        }
    }
}

impl Class {
    pub(super) fn of((system, code): &(Option<String>, String)) -> Option<Self> {
        match system.as_deref() {
            Some(TYPES) | None if ResourceType::named(code).is_some() => Some(Self::Type(code.clone())),
            _ if code.contains(':') => Some(Self::Profile(code.clone())),
            _ => None,
        }
    }
}

/// A record with what was extracted of it.
pub(crate) struct Asked<'a> {
    pub document: &'a Document<'a>,
    pub entries: &'a Entries<'a>,
    pub registry: &'a Registry,
}

impl Rule {
    /// Whether the rule is about this record of its patient.
    pub(crate) fn is_about(&self, record: &Asked<'_>) -> bool {
        self.records.iter().all(|condition| condition.is_met(record))
    }
}

impl Condition {
    /// How many words it has.
    pub(super) fn words(&self) -> usize {
        match self {
            Self::Labels(all) => all.len(),
            Self::Classes(all) => all.len(),
            Self::Codes(all) => all.len(),
            Self::Instances(all) => all.len(),
            Self::Within { .. } => 1,
        }
    }

    fn is_met(&self, record: &Asked<'_>) -> bool {
        let root = record.document.root();
        let meta = |name: &'static str| {
            let meta = root.child("meta").into_iter();
            meta.flat_map(move |meta| meta.children().filter(move |child| child.name() == name))
        };
        match self {
            Self::Labels(labels) => {
                let own: Vec<(Option<String>, String)> = meta("security")
                    .map(|own| (text(own, "system"), text(own, "code").unwrap_or_default()))
                    .collect();
                let degreed = |(system, code): &(Option<String>, String)| degree(system.as_deref(), code);
                let has_degree = own.iter().any(|own| degreed(own).is_some());
                labels.iter().any(|label| {
                    own.iter().any(|(system, code)| label.is_on(system.as_deref(), code))
                        || (!has_degree && label.is_on_unlabelled())
                })
            }
            Self::Classes(classes) => classes.iter().any(|class| match class {
                Class::Type(name) => record.entries.resource_type.as_str() == name,
                Class::Profile(profile) => meta("profile")
                    .filter_map(|own| own.text())
                    .any(|own| own.split_once('|').map_or(&*own, |(url, _)| url) == profile),
            }),
            Self::Codes(codes) => has_code(root, codes),
            Self::Instances(names) => {
                let own = format!("{}/{}", record.entries.resource_type, record.entries.id);
                names.contains(&own)
            }
            Self::Within { from, until, effect } => within(record, (*from, *until), *effect),
        }
    }
}

fn text(of: Element<'_>, name: &str) -> Option<String> {
    of.child(name)?.text().map(|text| text.into_owned())
}

/// A coding anywhere in the record, also in what it contains; labels and tags are none.
fn has_code(of: Element<'_>, codes: &[(Option<String>, String)]) -> bool {
    let own = text(of, "code");
    let is_it = own.is_some_and(|own| {
        let system = text(of, "system");
        codes.iter().any(|(wanted, code)| {
            *code == own && wanted.as_ref().is_none_or(|wanted| Some(wanted) == system.as_ref())
        })
    });
    is_it || of.children().filter(|child| child.name() != "meta").any(|child| has_code(child, codes))
}

/// By the dates that `date` finds it by.
fn within(record: &Asked<'_>, (from, until): (i64, i64), effect: Effect) -> bool {
    let known = record.registry.parameter(record.entries.resource_type, "date");
    let entries = known.into_iter().flat_map(|known| record.entries.of(known.id));
    let mut dates = entries.filter_map(|value| match value {
        Value::Date(range) => Some(*range),
        _ => None,
    });
    let mut is_dated = false;
    match effect {
        Effect::Deny => {
            let overlaps = dates.any(|date| {
                is_dated = true;
                date.lo < until && date.hi >= from
            });
            overlaps || !is_dated
        }
        Effect::Permit => {
            let is_in = dates.all(|date| {
                is_dated = true;
                date.lo >= from && date.hi < until
            });
            is_in && is_dated
        }
    }
}
