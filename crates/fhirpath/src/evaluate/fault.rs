//! Why a run has no answer.

/// A run that ended without an answer. None of its messages shows a value of the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationFault {
    /// The budget of steps is spent.
    #[error("the expression takes more than {steps_max} steps")]
    TooManySteps {
        /// The limit.
        steps_max: u64,
    },
    /// The budget of items is spent.
    #[error("the expression holds more than {items_max} items")]
    TooManyItems {
        /// The limit.
        items_max: usize,
    },
    /// The caller's time is over.
    #[error("the expression takes too long")]
    TooLate,
    /// Several items where one is expected.
    #[error("{what} needs one item, found {count}")]
    NotSingle {
        /// Which operation.
        what: &'static str,
        /// How many there are.
        count: usize,
    },
    /// An item of a type that the operation does not take.
    #[error("{what} does not take {found}")]
    WrongType {
        /// Which operation.
        what: &'static str,
        /// The type that was found.
        found: String,
    },
    /// A variable that nobody set.
    #[error("there is no variable %{0}")]
    UnknownVariable(String),
    /// A type that the model does not know.
    #[error("there is no type `{0}`")]
    UnknownType(String),
    /// A regular expression that is wrong or too large.
    #[error("a regular expression is wrong or too large")]
    Regex,
    /// The answer needs something outside, and the caller's port did not give it: the expression is undecided.
    #[error("{0}")]
    Undecided(#[from] super::PortFault),
}
