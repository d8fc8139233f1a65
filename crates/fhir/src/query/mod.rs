//! What a search asks for: its words read into tests that a table can be asked for and a record can be held against.
//! <https://hl7.org/fhir/R4/search.html>
//!
//! [`read`] makes a [`Query`] of parameters, [`holds`] says whether the [entries](crate::index::Entries) of a record hold a [`Test`].
//!
//! A [`Query`] finds the records of its types for which every [`Criterion`] holds. A criterion's [`Test`] is a tree whose leaves compare
//! the [values](crate::index::Value) of one parameter; a chain or `_has` leads to other records. Who may see what is a [`Test`] as
//! well ([`Test::In`], [`Test::All`], [`Test::AnyOf`]), joined to those of the search.

mod control;
mod escape;
mod fault;
mod filter;
mod holds;
mod read;
mod terminology;
#[cfg(test)]
mod tests;
mod value;

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    index::{Asked, Canonical, DateRange, Position, Range, Within},
    parameter::{Compartment, ParameterId, ResourceType},
};

pub use fault::{Problem, QueryFault};
pub use holds::{Alone, Around, Undecided, holds};
pub use read::{Handling, Reading, read, read_test, scope_test};
pub(crate) use read::{SITE_FORMS, lookup};
pub use terminology::Terminology;

/// Limits of one search; each stands in `docs/limits.md`.
pub mod limits {
    /// Parameters that choose records.
    pub const CRITERIA_MAX: usize = 64;
    /// Words and parentheses of one `_filter`.
    pub const FILTER_WORDS_MAX: usize = 1_000;
    /// Parentheses within one another in `_filter`.
    pub const FILTER_DEPTH_MAX: usize = 16;
    /// Values of one parameter, parted by commas.
    pub const VALUES_MAX: usize = 1000;
    /// Steps to other records in one parameter, by chains and `_has`.
    pub const CHAIN_DEPTH_MAX: usize = 4;
    /// Ways that one parameter's chains can take: without types they multiply.
    pub const TESTS_MAX: usize = 500;
    /// `_include` and `_revinclude`.
    pub const INCLUDES_MAX: usize = 32;
    /// Parameters to sort by.
    pub const SORTS_MAX: usize = 8;
    /// Names in `_elements`.
    pub const ELEMENTS_MAX: usize = 200;
    /// How far back `_since` reaches (contract 3).
    pub const SINCE_DAYS_MAX: i64 = 90;
    /// How near `near` is where it does not say: 10 km.
    pub const NEAR_DISTANCE_M: f64 = 10_000.0;
    /// Bytes of a name that a fault shows.
    pub const NAME_SHOWN_BYTES: usize = 100;
}

/// A search, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// The types that are searched; none for all of them.
    pub resource_types: Vec<ResourceType>,
    /// All of them have to hold.
    pub criteria: Vec<Criterion>,
    /// By what the answer is sorted, first things first; nothing for newest first.
    pub sort: Vec<Sort>,
    /// `_include` and `_revinclude`.
    pub includes: Vec<Include>,
    /// Entries of a page: `_count`, or `count` of contract 3.
    pub count: Option<u32>,
    /// `page` of contract 3, from 1: the answer is a Bundle of type `collection`.
    pub page: Option<u32>,
    /// `_total`
    pub total: Option<Total>,
    /// `_summary`
    pub summary: Option<Summary>,
    /// `_elements`: names of elements at the top of a record.
    pub elements: Vec<Box<str>>,
    /// `_since`: created or changed since, in microseconds since 1970; within the last [`limits::SINCE_DAYS_MAX`].
    pub since: Option<i64>,
    /// What is not known and was not followed; empty where the caller asked for strict handling, which makes it a fault.
    pub ignored: Vec<Ignored>,
}

/// One parameter of a search that chooses records.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// As it was written, with modifiers: for the `self` link.
    pub name: Box<str>,
    /// As it was written, decoded.
    pub value: Box<str>,
    /// What it asks.
    pub test: Test,
}

/// What a record is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of the parameter's values matches one of these.
    Any {
        /// Of the record.
        parameter: ParameterId,
        /// Alternatives.
        values: Vec<Match>,
    },
    /// None of the parameter's values matches any of these; so it is of a record without values: `:not`, `:not-in`.
    NotAny {
        /// Of the record.
        parameter: ParameterId,
        /// None of them.
        values: Vec<Match>,
    },
    /// The parameter has a value: `:missing=false`.
    Present(ParameterId),
    /// It has none: `:missing=true`.
    Missing(ParameterId),
    /// A record that it refers to holds the test of its type: `subject:Patient.name=…`.
    Chain {
        /// A reference of the record.
        parameter: ParameterId,
        /// By type of the record that is referred to; other types are not followed.
        targets: Vec<(ResourceType, Self)>,
    },
    /// A record that refers to it holds the test: `_has:Observation:patient:code=…`.
    Has {
        /// The type of the record that refers.
        source: ResourceType,
        /// The reference by which it does.
        parameter: ParameterId,
        /// What is asked of it.
        test: Box<Self>,
    },
    /// It is in the compartment of one of these records, or is one of them.
    In {
        /// Of which type.
        compartment: Compartment,
        /// Whose.
        ids: Vec<Box<str>>,
    },
    /// It is in a compartment of this type, whosever.
    InAny(Compartment),
    /// It says all words of one of these: `_text`, `_content`.
    Says {
        /// Where.
        within: Within,
        /// Alternatives.
        any: Vec<BTreeSet<Box<str>>>,
    },
    /// It is one of these records.
    Is {
        /// Of this type.
        resource_type: ResourceType,
        /// Their ids.
        ids: Arc<BTreeSet<Box<str>>>,
    },
    /// The consents of its patients let it be had to do with: told by the tables that are written with them.
    Consented(std::sync::Arc<crate::search::Consented>),
    /// It is of one of these types.
    OfType(Vec<ResourceType>),
    /// All of these; of none, every record.
    All(Vec<Self>),
    /// One of these; of none, no record.
    AnyOf(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

impl Test {
    /// Of what a record alone can answer; whatever else is asked, none holds.
    #[must_use]
    pub(crate) fn alone(self) -> Self {
        match self {
            Self::Chain { .. } | Self::Has { .. } | Self::Says { .. } => Self::NONE,
            Self::Any { values, .. } | Self::NotAny { values, .. }
                if values.iter().any(|one| matches!(one, Match::Terminology(_))) =>
            {
                Self::NONE
            }
            Self::All(tests) => Self::All(tests.into_iter().map(Self::alone).collect()),
            Self::AnyOf(tests) => Self::AnyOf(tests.into_iter().map(Self::alone).collect()),
            Self::Not(test) if *test != (*test).clone().alone() => Self::NONE,
            test => test,
        }
    }

    /// Whether a record alone can answer it.
    pub(crate) fn is_alone(&self) -> bool {
        match self {
            Self::Chain { .. } | Self::Has { .. } | Self::Says { .. } | Self::Consented(_) => false,
            Self::Any { values, .. } | Self::NotAny { values, .. } => !values.iter().any(asks_a_terminology),
            Self::All(tests) | Self::AnyOf(tests) => tests.iter().all(Self::is_alone),
            Self::Not(test) => test.is_alone(),
            Self::Present(_)
            | Self::Missing(_)
            | Self::In { .. }
            | Self::InAny(_)
            | Self::Is { .. }
            | Self::OfType(_) => true,
        }
    }

    /// What of a record itself it looks at.
    pub(crate) fn asked(&self, asked: &mut Asked) {
        match self {
            Self::Any { parameter, .. }
            | Self::NotAny { parameter, .. }
            | Self::Present(parameter)
            | Self::Missing(parameter)
            | Self::Chain { parameter, .. } => asked.parameters.extend([*parameter]),
            Self::In { compartment, .. } | Self::InAny(compartment) => {
                asked.compartments.extend([*compartment]);
            }
            Self::All(tests) | Self::AnyOf(tests) => tests.iter().for_each(|test| test.asked(asked)),
            Self::Not(test) => test.asked(asked),
            Self::Has { .. } | Self::Says { .. } | Self::Is { .. } | Self::Consented(_) | Self::OfType(_) => {
            }
        }
    }

    /// Every record holds it.
    pub const EVERY: Self = Self::All(Vec::new());
    /// No record holds it.
    pub const NONE: Self = Self::AnyOf(Vec::new());
}

fn asks_a_terminology(asked: &Match) -> bool {
    match asked {
        Match::Terminology(_) => true,
        Match::Composite(parts) => parts.iter().any(asks_a_terminology),
        _ => false,
    }
}

/// What one value of a parameter is compared with. Each compares one variant of [`Value`](crate::index::Value).
#[derive(Debug, Clone, PartialEq)]
pub enum Match {
    /// A token.
    Token(TokenMatch),
    /// The words of a token or a reference: they begin so, folded. `:text`
    TokenText(Box<str>),
    /// `:of-type`
    TypedToken {
        /// Of the identifier's type.
        type_system: Box<str>,
        /// Of the identifier's type.
        type_code: Box<str>,
        /// Of the identifier.
        value: Box<str>,
    },
    /// A token that a value set has, or that is above or below another: asked of a terminology.
    Terminology(TerminologyMatch),
    /// A string.
    Text(TextMatch),
    /// A reference.
    Reference(ReferenceMatch),
    /// The identifier of a logical reference: `:identifier`.
    Identifier(TokenMatch),
    /// A date.
    Date(Comparison, DateRange),
    /// A number.
    Number(NumberMatch),
    /// A quantity.
    Quantity(QuantityMatch),
    /// A URI.
    Uri(UriMatch),
    /// One part for each component.
    Composite(Vec<Self>),
    /// A place.
    Near {
        /// From here.
        position: Position,
        /// No farther than this, in metres.
        distance_m: f64,
    },
}

/// How a value stands to what was asked. <https://hl7.org/fhir/R4/search.html#prefix>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `eq`: what was asked holds all of the value.
    Equal,
    /// `ne`: it does not.
    NotEqual,
    /// `gt`: some of the value is above.
    Greater,
    /// `lt`: some of the value is below.
    Less,
    /// `ge`
    GreaterOrEqual,
    /// `le`
    LessOrEqual,
    /// `sa`: all of the value is above.
    StartsAfter,
    /// `eb`: all of the value is below.
    EndsBefore,
    /// `ap`: they overlap; what was asked is already widened by a tenth.
    Approximately,
}

/// <https://hl7.org/fhir/R4/search.html#token>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMatch {
    /// Which system.
    pub system: SystemMatch,
    /// None for every code: `system|`.
    pub code: Option<Box<str>>,
}

/// Which system a code has to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemMatch {
    /// `code`: whichever, or none.
    Any,
    /// `|code`: none.
    None,
    /// `system|code`
    Is(Box<str>),
}

/// What only a terminology can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminologyMatch {
    /// `:in`, `:not-in`: a value set by its canonical URL.
    In(Box<str>),
    /// `:above`: the code or one that subsumes it.
    Above {
        /// Of the code.
        system: Box<str>,
        /// The code.
        code: Box<str>,
    },
    /// `:below`: the code or one that it subsumes.
    Below {
        /// Of the code.
        system: Box<str>,
        /// The code.
        code: Box<str>,
    },
}

/// <https://hl7.org/fhir/R4/search.html#string>
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextMatch {
    /// It begins so, folded.
    Begins(Box<str>),
    /// It has this in it, folded: `:contains`.
    Contains(Box<str>),
    /// It ends so, folded: `ew` of `_filter`.
    Ends(Box<str>),
    /// It is written so: `:exact`.
    Exact(Box<str>),
}

/// <https://hl7.org/fhir/R4/search.html#reference>
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceMatch {
    /// A record of this server: `Patient/1`, or `1`.
    Local {
        /// Its type; none for any of those that the parameter may refer to.
        resource_type: Option<ResourceType>,
        /// Its id.
        id: Box<str>,
        /// If a version was asked for.
        version: Option<Box<str>>,
    },
    /// A URL.
    Absolute(Box<str>),
    /// A definition.
    Canonical {
        /// Without version.
        url: Box<str>,
        /// None for every version.
        version: Option<Box<str>>,
    },
    /// Any version or definition whose URL begins so: `:below` of a canonical.
    CanonicalBelow(Box<str>),
    /// A version of it, and how that stands to this one: `:above` and `:below` of a canonical with a version.
    CanonicalVersion {
        /// Without version.
        url: Box<str>,
        /// The version that is asked with.
        version: Box<str>,
        /// How that of the value stands to it.
        stands: Stands,
    },
}

/// How a version stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It is the other, or says less of it: `1` above `1.2`.
    Above,
    /// It is the other, or says more of it: `1.2` below `1`.
    Below,
}

/// <https://hl7.org/fhir/R4/search.html#number>
#[derive(Debug, Clone, PartialEq)]
pub struct NumberMatch {
    /// How the value stands to it.
    pub comparison: Comparison,
    /// Of `eq`, `ne` and `ap` the numbers that round to what was written (the upper end is not one of them); of others, it alone.
    pub range: Range,
}

/// <https://hl7.org/fhir/R4/search.html#quantity>
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityMatch {
    /// The number as it was written.
    pub number: NumberMatch,
    /// Which unit.
    pub unit: UnitMatch,
}

/// Which unit a quantity has to be of.
#[derive(Debug, Clone, PartialEq)]
pub enum UnitMatch {
    /// `5.4`: whichever.
    Any,
    /// `5.4||mg`: a code or the unit in words.
    Word(Box<str>),
    /// `5.4|http://unitsofmeasure.org|mg`
    Code {
        /// Of the code.
        system: Box<str>,
        /// The code.
        code: Box<str>,
        /// The number in UCUM's base units, if that is what the code is of: it matches whatever is equal in them.
        canonical: Option<Canonical>,
    },
}

/// <https://hl7.org/fhir/R4/search.html#uri>
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UriMatch {
    /// It is this; what is kept of a canonical with a version is also the text without it.
    Is(Box<str>),
    /// It is this or begins with it, up to a `/`: `:below`.
    Below(Box<str>),
    /// This is it or begins with it, up to a `/`: `:above`.
    Above(Box<str>),
}

/// <https://hl7.org/fhir/R4/search.html#sort>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// By its smallest value if ascending, by its greatest if descending.
    pub parameter: ParameterId,
    /// Which way.
    pub order: Order,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Order {
    Ascending,
    Descending,
}

/// <https://hl7.org/fhir/R4/search.html#include>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// Which way.
    pub direction: Direction,
    /// The type whose references are followed; none for all of them (`*`).
    pub source: Option<ResourceType>,
    /// Which reference; none for all of them (`Observation:*`).
    pub parameter: Option<ParameterId>,
    /// The type that is referred to, if only one shall be followed.
    pub target: Option<ResourceType>,
    /// Whether what was included is followed too.
    pub reach: Reach,
}

/// Which way references are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `_include`: to what the matches refer to.
    Forward,
    /// `_revinclude`: to what refers to them.
    Reverse,
}

/// What references are followed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The matches.
    Matches,
    /// The matches and what was included: `:iterate`.
    Iterate,
}

/// <https://hl7.org/fhir/R4/search.html#total>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the words of the specification")]
pub enum Total {
    None,
    Estimate,
    Accurate,
}

/// <https://hl7.org/fhir/R4/search.html#summary>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the words of the specification")]
pub enum Summary {
    True,
    Text,
    Data,
    Count,
    False,
}

/// A parameter that is not known, or that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// As it was written.
    pub name: Box<str>,
    /// Why it was not followed.
    pub why: Box<str>,
}
