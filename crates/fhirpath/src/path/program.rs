//! An expression, compiled: its operations in one flat list, each naming its operands by number.

use regex::Regex;

use super::{Function, SyntaxFault, parse};
use crate::{document::Name, model::Model, value::Value};

/// The number of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpId(pub(crate) u32);

/// A step to children.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) name: Name,
    /// Some type has a choice of this name, so that `value` may mean `valueQuantity`.
    pub(crate) may_be_choice: bool,
    /// It begins as types do, so that at the very beginning it may mean the type of what is there.
    pub(crate) names_a_type: bool,
}

/// `Quantity`, `FHIR.Quantity`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeSpecifier {
    pub(crate) namespace: Option<Box<str>>,
    pub(crate) name: Box<str>,
}

/// What a type is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeTest {
    Is,
    As,
    OfType,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Union,
    Add,
    Subtract,
    Concatenate,
    Multiply,
    Divide,
    DivideWhole,
    Modulo,
}

/// An operation.
#[derive(Debug)]
pub(crate) enum Op {
    Literal(Value<'static>),
    /// Different texts, joined by `|`.
    Literals(Box<[Value<'static>]>),
    Empty,
    This,
    Index,
    Total,
    /// A step from `$this`, or the name of its type: `Patient.name`.
    Head(Step),
    Member(OpId, Step),
    Variable(Box<str>),
    Call {
        on: OpId,
        function: Function,
        arguments: Box<[OpId]>,
        pattern: Option<Box<Regex>>,
    },
    Type {
        on: OpId,
        test: TypeTest,
        of: TypeSpecifier,
    },
    At(OpId, OpId),
    Positive(OpId),
    Negative(OpId),
    Binary(BinaryOperator, OpId, OpId),
}

/// A compiled expression. It belongs to no document, and can be used from many threads.
#[derive(Debug)]
pub struct Program {
    text: Box<str>,
    ops: Vec<Op>,
    root: OpId,
}

impl Program {
    /// Compiles an expression; `model` says which names are choices.
    pub fn compile(text: &str, model: &dyn Model) -> Result<Self, SyntaxFault> {
        let (ops, root) = parse::parse(text, model)?;
        Ok(Self { text: text.into(), ops, root })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn root(&self) -> OpId {
        self.root
    }

    pub(crate) fn op(&self, id: OpId) -> &Op {
        self.ops.get(id.0 as usize).unwrap_or(&Op::Empty)
    }
}
