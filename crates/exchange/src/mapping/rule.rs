//! A rule: which resource a record becomes, under which id, and where each of its elements comes from.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    date::Form,
    source::{Expression, Scalar},
    target::Step,
    value::Primitive,
};

/// A resource that records of a stream become.
#[derive(Debug)]
pub(super) struct Rule {
    /// What references call it; the only one in the mapping.
    pub name: String,
    /// `Patient`
    pub target: String,
    /// What it is applied to one by one; none for the record itself.
    pub each: Option<Expression>,
    /// Whether it is for this record.
    pub when: Option<Expression>,
    /// What tells the record from every other.
    pub key: Vec<Expression>,
    pub elements: Vec<Element>,
}

/// An element that a rule sets.
#[derive(Debug)]
pub(super) struct Element {
    /// As it was written.
    pub place: String,
    pub path: Vec<Step>,
    pub made: Made,
}

/// Codes of the source, and what they are here; none where a code is to be left out.
pub(super) type Codes = Arc<BTreeMap<String, Option<Scalar>>>;

/// Whether a record without a value is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum Made {
    /// This, in JSON; left out where nothing else of its element came.
    Constant(Vec<String>),
    Read(Read),
    /// A quantity of this value, with these members beside it, in JSON.
    Quantity(Read, Vec<(&'static str, String)>),
    /// A reference to what another rule makes of a record with this key.
    Reference {
        rule: String,
        target: String,
        key: Vec<Expression>,
        need: Need,
    },
    /// A reference that whoever brings the record knows.
    Given(String, Need),
}

/// A value of the record.
#[derive(Debug)]
pub(super) struct Read {
    pub from: Expression,
    pub codes: Option<Codes>,
    pub form: Option<Form>,
    /// In JSON.
    pub default: Option<String>,
    pub need: Need,
    pub of: Primitive,
}

impl Made {
    /// Whether it says the same of every record.
    pub const fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}
