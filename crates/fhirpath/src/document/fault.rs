//! Why a text is not a FHIR document, and where.

use super::Position;

/// The text could not be read; nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (line {}, column {})", at.line, at.column)]
pub struct ParseFault {
    /// What is wrong.
    pub problem: Problem,
    /// Where it was noticed.
    pub at: Position,
}

/// What can be wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is longer than the limit.
    #[error("the document has more than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// Objects or XML elements are nested deeper than the limit.
    #[error("the document is nested more than {depth_max} levels deep")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// There are more elements than the limit.
    #[error("the document has more than {elements_max} elements")]
    TooManyElements {
        /// The limit.
        elements_max: usize,
    },
    /// A name or number is longer than the limit.
    #[error("a name or number is too long")]
    TokenTooLong,
    /// Not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// A byte that cannot stand there.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What could have stood there.
        expected: &'static str,
        /// What stands there.
        found: Found,
    },
    /// A control character in a string.
    #[error("a control character stands in a string")]
    ControlCharacter,
    /// A backslash with something that JSON does not know, or half a surrogate pair.
    #[error("an escape is not one of JSON's")]
    BadEscape,
    /// A number that is not one of JSON's.
    #[error("a number is not one of JSON's")]
    BadNumber,
    /// The same name twice in one object.
    #[error("`{0}` stands twice in one object")]
    DuplicateName(String),
    /// A name with an escape: FHIR's names have none, and two spellings of one name hide a duplicate.
    #[error("a name has an escape")]
    EscapedName,
    /// An array in an array: FHIR has none.
    #[error("an array stands in an array")]
    NestedArray,
    /// `_name` holds something that is neither an object nor null, or stands beside what is not primitive.
    #[error("`_{0}` must hold the id and extensions of a primitive")]
    MisplacedExtensions(String),
    /// The XML is not well-formed.
    #[error("the XML is not well-formed: {0}")]
    NotWellFormed(String),
    /// A document type declaration: FHIR forbids it.
    #[error("a document type declaration is not allowed")]
    DocumentType,
    /// An entity that is not one of the five of XML.
    #[error("an entity is not one of XML's own")]
    UnknownEntity,
    /// An element that is neither in FHIR's namespace nor the `div` of a narrative.
    #[error("`{0}` is not in FHIR's namespace")]
    WrongNamespace(String),
    /// An attribute that is none of `value`, `id` and `url`.
    #[error("an element has no attribute `{0}`")]
    UnknownAttribute(String),
    /// Text between elements.
    #[error("text stands between elements")]
    StrayText,
}

/// What stood where something else was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The text ended.
    End,
    /// A character.
    Character(char),
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::Character(character) => write!(f, "{character:?}"),
        }
    }
}

impl ParseFault {
    pub(super) fn at(problem: Problem, source: &[u8], offset: usize) -> Self {
        Self { problem, at: Position::of(source, offset) }
    }
}

/// The document cannot be written in XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteFault {
    /// A narrative that is not one well-formed `div` in XHTML's namespace cannot stand in XML.
    #[error("the narrative is not a well-formed XHTML `div`")]
    Narrative,
    /// A control character that XML 1.0 cannot write.
    #[error("a string has a character that XML cannot write")]
    Character,
    /// A resource without a type has no element to stand in.
    #[error("a resource says no resourceType")]
    NoResourceType,
    /// A name that cannot be an element's in XML.
    #[error("`{0}` is no name of an element")]
    Name(String),
}
