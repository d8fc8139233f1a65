//! A FHIR resource as it was written: one flat tape of nodes that borrow the text.
//! <https://hl7.org/fhir/R4/json.html>, <https://hl7.org/fhir/R4/xml.html>
//!
//! JSON and XML become the same shape, that of FHIR's own element tree: a repeating element is several siblings of one name, and
//! a primitive is one element with a value and, where the text gives them (`_birthDate` in JSON), an `id` and extensions.

mod change;
mod element;
mod fault;
mod json;
mod limits;
mod name;
mod position;
mod reader;
mod scan;
mod text;
mod write_json;
mod write_xml;
mod xml;

pub use change::{Change, Content, Member, Repeats};
pub use element::{Children, Element, Kind};
pub use fault::{ParseFault, Problem, WriteFault};
pub use limits::DocumentLimits;
pub use name::Name;
pub(crate) use name::hash;
pub use position::Position;
pub use reader::Reader;
pub(crate) use text::{escape_json, unescape_json};

use crate::model::Model;

/// How a document was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/fhir+json`
    Json,
    /// `application/fhir+xml`
    Xml,
}

/// A parsed resource. It borrows its text; its root element is the resource.
#[derive(Debug)]
pub struct Document<'a> {
    source: &'a str,
    format: Format,
    nodes: Vec<Node>,
}

/// One element of the tape. `0` stands for "none" in links, since the root is nobody's child or sibling.
#[derive(Debug, Clone, Copy)]
struct Node {
    name_hash: u32,
    name_start: u32,
    value_start: u32,
    value_len: u32,
    parent: u32,
    first: u32,
    next: u32,
    name_len: u16,
    kind: Kind,
    flags: u8,
}

/// The element stands in a JSON array, or its definition says that it may repeat.
const REPEATS: u8 = 1;
/// The text has escapes: JSON's `\n` in a document read from JSON, XML's `&lt;` in one read from XML.
const ESCAPED: u8 = 2;
/// The element had nothing of its own but `_name`, until its value was met.
const PAIRED: u8 = 4;
/// One of its children is the type of the resource.
const TYPED: u8 = 8;

impl<'a> Document<'a> {
    /// Reads JSON in one pass.
    pub fn from_json(bytes: &'a [u8], limits: &DocumentLimits) -> Result<Self, ParseFault> {
        Reader::new(*limits).json(bytes)
    }

    /// Reads XML in one pass. What XML does not say, whether an element repeats and whether it is a number or a Boolean in
    /// JSON, is asked of `model` by the element's type; with [`NoModel`](crate::model::NoModel) every value is a string.
    pub fn from_xml(bytes: &'a [u8], limits: &DocumentLimits, model: &dyn Model) -> Result<Self, ParseFault> {
        Reader::new(*limits).xml(bytes, model)
    }

    /// How it was written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text it was read from, byte for byte.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// How many elements the tape has.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a document has a root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The resource.
    pub fn root(&self) -> Element<'_> {
        Element { document: self, id: 0 }
    }

    /// Line and column of a byte of the text.
    pub fn position(&self, offset: usize) -> Position {
        Position::of(self.source.as_bytes(), offset)
    }

    /// The resource in JSON: what was read, byte for byte, if that was JSON.
    pub fn to_json(&self) -> String {
        match self.format {
            Format::Json => self.source.to_owned(),
            Format::Xml => self.root().to_json(),
        }
    }

    /// The resource in XML: what was read, byte for byte, if that was XML.
    pub fn to_xml(&self) -> Result<String, WriteFault> {
        match self.format {
            Format::Xml => Ok(self.source.to_owned()),
            Format::Json => self.root().to_xml(),
        }
    }

    fn node(&self, id: u32) -> Node {
        self.nodes.get(id as usize).copied().unwrap_or(Node::ABSENT)
    }

    fn is_called(&self, node: &Node, name: &Name) -> bool {
        let start = node.name_start as usize;
        let written = || self.source.as_bytes().get(start..start + usize::from(node.name_len));
        node.name_hash == name.hash()
            && written().is_some_and(|written| name::is_same(written, name.as_str().as_bytes()))
    }

    fn slice(&self, start: u32, len: u32) -> &str {
        let start = start as usize;
        self.source.get(start..start.saturating_add(len as usize)).unwrap_or_default()
    }
}

impl Node {
    const ABSENT: Self = Self {
        name_hash: 0,
        name_start: 0,
        value_start: 0,
        value_len: 0,
        parent: 0,
        first: 0,
        next: 0,
        name_len: 0,
        kind: Kind::Absent,
        flags: 0,
    };

    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
