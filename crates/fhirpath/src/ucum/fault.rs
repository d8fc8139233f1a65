//! What can be wrong with a code, and with two of them.

/// Why a code is no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at character {at})")]
pub struct UnitFault {
    /// What is wrong.
    pub problem: UnitProblem,
    /// Where, in bytes from the beginning.
    pub at: usize,
}

/// What is wrong with a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitProblem {
    /// There is nothing.
    #[error("there is no unit")]
    Empty,
    /// More than [`UNIT_BYTES_MAX`](super::limits::UNIT_BYTES_MAX).
    #[error("the code is too long")]
    TooLong,
    /// Outside of the printable characters of ASCII, or one that stands for nothing here.
    #[error("`{}` has no place here", .0.escape_default())]
    Character(char),
    /// Not in the table.
    #[error("`{0}` is no unit of UCUM")]
    Unknown(String),
    /// The unit is there, but takes no prefix.
    #[error("`{unit}` takes no prefix, so `{prefix}{unit}` is no unit")]
    NotMetric {
        /// What stands before it.
        prefix: &'static str,
        /// The unit.
        unit: String,
    },
    /// A number runs into a unit.
    #[error("a number before `{unit}` needs a dot: `{number}.{unit}`")]
    NumberBeforeUnit {
        /// The number.
        number: String,
        /// The unit.
        unit: String,
    },
    /// Something is missing after `.`, `/` or `(`.
    #[error("a unit is missing")]
    Missing,
    /// An annotation or parenthesis runs into something without `.` or `/` between.
    #[error("`.` or `/` is missing")]
    NotJoined,
    /// `(`, `[` or `{` without its end.
    #[error("`{0}` is not closed")]
    NotClosed(char),
    /// A number that is no factor: nothing, or more digits than are kept.
    #[error("`{0}` is no factor")]
    Number(String),
    /// More than [`UNIT_EXPONENT_MAX`](super::limits::UNIT_EXPONENT_MAX).
    #[error("the exponent `{0}` is too large")]
    Exponent(String),
    /// More than [`UNIT_DEPTH_MAX`](super::limits::UNIT_DEPTH_MAX).
    #[error("parentheses are nested too deep")]
    TooDeep,
}

/// Why a value cannot be told in another unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertFault {
    /// A code is no unit.
    #[error("`{code}`: {fault}")]
    Unit {
        /// The code.
        code: String,
        /// What is wrong with it.
        fault: UnitFault,
    },
    /// A special unit in a term, or factors beyond all numbers.
    #[error("`{0}` measures nothing")]
    NoMeasure(String),
    /// The units measure different things.
    #[error("`{from}` and `{to}` measure different things")]
    Different {
        /// The unit of the value.
        from: String,
        /// The unit that was asked for.
        to: String,
    },
    /// The result is no number, or has more digits than are kept.
    #[error("the result cannot be told in digits")]
    NoNumber,
}
