//! One change of a document: the elements of one name within one element become others. What is not changed is written from the
//! tape, strings and numbers as they were spelled; white space is not kept.

use super::{Element, Format, Kind, write_json};

/// What an element becomes: one of any document, or an object that is put together of such.
#[derive(Debug, Clone)]
pub enum Content<'e> {
    /// An element, with all that it has; its name does not matter.
    Element(Element<'e>),
    /// Members by name.
    Object(Vec<Member<'e>>),
}

/// A member of an object that is put together.
#[derive(Debug, Clone)]
pub struct Member<'e> {
    /// As instances write it: of a choice with its type.
    pub name: String,
    /// Whether it is an array, even of one.
    pub repeats: Repeats,
    /// Its items.
    pub items: Vec<Content<'e>>,
}

/// Whether a name is written as an array when it has one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// The elements of one name, as they shall be.
#[derive(Debug, Clone)]
pub struct Change<'e> {
    pub(super) parent: Element<'e>,
    pub(super) name: String,
    pub(super) becomes: Member<'e>,
}

impl<'e> Change<'e> {
    /// In `parent`, what is called `name` becomes `member`; nothing remains of it where that has no items, and where there was
    /// nothing it is written last.
    pub fn new(parent: Element<'e>, name: &str, member: Member<'e>) -> Self {
        Self { parent, name: name.to_owned(), becomes: member }
    }

    /// The document with this change, in JSON.
    pub fn to_json(&self) -> String {
        let root = self.parent.document().root();
        let mut out = String::with_capacity(root.raw().len() + 256);
        write_json::Writer::with(self, &mut out).object(root);
        out
    }
}

impl Content<'_> {
    /// Whether it is an object in JSON, and not a primitive.
    pub fn is_object(&self) -> bool {
        match self {
            Self::Element(element) => element.kind() == Kind::Object,
            Self::Object(_) => true,
        }
    }
}

/// Whether an element's strings are spelled as JSON spells them.
pub(super) fn is_json(element: Element<'_>) -> bool {
    element.document().format() == Format::Json
}
