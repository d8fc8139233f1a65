//! Why a search cannot be read.

use crate::parameter::ParameterKind;

/// What is wrong, and with which parameter. It never shows a value: what is searched for may be somebody's diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("search parameter `{parameter}`: {problem}")]
pub struct QueryFault {
    /// As it was written, with modifiers, cut where it is longer than [`limits::NAME_SHOWN_BYTES`](super::limits::NAME_SHOWN_BYTES).
    pub parameter: Box<str>,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No type that is searched has it.
    #[error("`{code}` is no search parameter of {of}")]
    Unknown {
        /// The code that is not known.
        code: Box<str>,
        /// The type or types.
        of: Box<str>,
    },
    /// A parameter by which not all records can be found yet.
    #[error("the records of the site are being indexed by `{0}`: until they are, it cannot be asked for")]
    BeingIndexed(Box<str>),
    /// A type that R4 does not have.
    #[error("`{0}` is no type of resource")]
    UnknownType(Box<str>),
    /// The types that are searched compare it differently.
    #[error("the types that are searched do not agree on what kind of parameter it is")]
    Ambiguous,
    /// No such modifier, or not for this kind.
    #[error("`:{modifier}` is no modifier of a {} parameter", kind.as_str())]
    Modifier {
        /// As it was written.
        modifier: Box<str>,
        /// The kind.
        kind: ParameterKind,
    },
    /// Only a reference leads to other records.
    #[error("`{0}` is no reference, so that nothing can be asked of what it refers to")]
    NotAReference(Box<str>),
    /// A reference that cannot lead there.
    #[error("`{code}` does not refer to {to}")]
    NotATarget {
        /// The reference.
        code: Box<str>,
        /// The type.
        to: Box<str>,
    },
    /// Nothing stands behind `=`.
    #[error("it has no value")]
    Empty,
    /// A value that is not one of its kind.
    #[error("value {nth} is not {expected}")]
    Value {
        /// Which of the values that commas part, from 1.
        nth: usize,
        /// What it has to be.
        expected: &'static str,
    },
    /// A value set or a hierarchy whose codes are not here, or are too many.
    #[error("the codes of `{0}` cannot be told here")]
    Terminology(Box<str>),
    /// A parameter that can be given once.
    #[error("it may be given once")]
    Twice,
    /// A parameter that cannot be sorted by.
    #[error("`{0}` cannot be sorted by")]
    NotSortable(Box<str>),
    /// Too much of something.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}
