//! What collections hold.

use crate::{document::Element, value::Value};

/// An element of a document, or a value that was computed.
#[derive(Debug, Clone)]
pub enum Item<'d> {
    /// Of a document.
    Element(Element<'d>),
    /// Of one of FHIRPath's own types.
    Value(Value<'d>),
}

impl<'d> Item<'d> {
    /// The element, if it is one.
    pub fn element(&self) -> Option<Element<'d>> {
        match self {
            Self::Element(element) => Some(*element),
            Self::Value(_) => None,
        }
    }
}

impl<'d> From<Element<'d>> for Item<'d> {
    fn from(element: Element<'d>) -> Self {
        Self::Element(element)
    }
}

impl<'d> From<Value<'d>> for Item<'d> {
    fn from(value: Value<'d>) -> Self {
        Self::Value(value)
    }
}
