//! FHIRPath Patch: changes of a resource that are told as `Parameters`. <https://hl7.org/fhir/R4/fhirpatch.html>
//!
//! A patch is read once and can be applied to many resources. Each operation sees what those before it left; what comes out is
//! JSON, and is a document again, but whether it is a good resource is for a validator to say.

mod apply;
mod read;
mod value;

use crate::{document::ParseFault, evaluate::EvaluationFault, path::SyntaxFault};

/// Limits of a patch; each stands in `docs/limits.md`.
pub mod limits {
    /// More operations are refused.
    pub const OPERATIONS_MAX: usize = 1000;
    /// Parts within parts of a value that is put together.
    pub const PART_DEPTH_MAX: usize = 16;
}

/// The operations of a patch, in order. Their values are borrowed from the `Parameters`.
#[derive(Debug)]
pub struct Patch<'p> {
    operations: Vec<Operation<'p>>,
}

#[derive(Debug)]
struct Operation<'p> {
    path: String,
    act: Act<'p>,
}

/// What is done at the path.
#[derive(Debug)]
enum Act<'p> {
    Add { name: String, value: value::Given<'p> },
    Insert { index: usize, value: value::Given<'p> },
    Delete,
    Replace { value: value::Given<'p> },
    Move { source: usize, destination: usize },
}

/// Why a patch cannot be read or applied; the resource stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operation {operation}: {problem}")]
pub struct PatchFault {
    /// Which one, from 1.
    pub operation: usize,
    /// What is wrong.
    pub problem: PatchProblem,
}

/// What is wrong with an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchProblem {
    /// Not `Parameters` with operations.
    #[error("this is no FHIRPath Patch: it has to be Parameters, each parameter called `operation`")]
    NotAPatch,
    /// More than [`OPERATIONS_MAX`](limits::OPERATIONS_MAX).
    #[error("there are more operations than {}", limits::OPERATIONS_MAX)]
    TooMany,
    /// A part is missing, or is not what it has to be.
    #[error("`{0}` is missing or is not what it has to be")]
    Part(&'static str),
    /// A part that the operation does not have, or has already.
    #[error("the part `{0}` has no place in this operation")]
    UnexpectedPart(String),
    /// The path is no expression.
    #[error("the path is no expression: {0}")]
    Syntax(#[from] SyntaxFault),
    /// The path could not be evaluated.
    #[error("the path cannot be evaluated: {0}")]
    Evaluation(#[from] EvaluationFault),
    /// The path leads to no element of the resource, or to several.
    #[error("the path leads to {0} elements, not to one")]
    NotSingle(usize),
    /// The path leads to a computed value, into another resource, or to the resource itself.
    #[error("the path leads to something that cannot be changed here")]
    Elsewhere,
    /// The elements of the path are not items of one list.
    #[error("the path does not lead to one list")]
    NotAList,
    /// There is nothing at an index.
    #[error("the list has {count} items, so {index} is none of its places")]
    Index {
        /// What was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The type has no such element.
    #[error("`{type_name}` has no element `{element}`")]
    NoElement {
        /// The type.
        type_name: String,
        /// The element.
        element: String,
    },
    /// It is there already, and does not repeat.
    #[error("`{0}` is there already and does not repeat")]
    Exists(String),
    /// The value is of another type.
    #[error("a value of type `{found}` cannot stand where a `{expected}` belongs")]
    WrongType {
        /// What belongs there.
        expected: String,
        /// What was given.
        found: String,
    },
    /// What came out is no document.
    #[error("the outcome is no document: {0}")]
    Outcome(#[from] ParseFault),
}
