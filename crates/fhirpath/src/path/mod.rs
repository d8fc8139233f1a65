//! Expressions as programs. FHIRPath N1: <https://hl7.org/fhirpath/N1/>

mod check;
mod function;
mod lex;
mod parse;
mod program;

pub use check::{Order, PathFault};
pub use program::Program;

pub(crate) use function::Function;
pub(crate) use parse::regex;
pub(crate) use program::{BinaryOperator, Op, OpId, Step, TypeSpecifier, TypeTest};

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at character {at})")]
pub struct SyntaxFault {
    /// What is wrong.
    pub problem: String,
    /// Where, in bytes from the beginning.
    pub at: usize,
}

/// Limits of an expression; each stands in `docs/limits.md`.
pub mod limits {
    /// A longer expression is refused.
    pub const EXPRESSION_BYTES_MAX: usize = 64 * 1024;
    /// Expressions within expressions: a chain of steps is one within the other.
    pub const EXPRESSION_DEPTH_MAX: usize = 160;
    /// Bytes that a compiled regular expression may take.
    pub const REGEX_BYTES_MAX: usize = 1 << 20;
}
