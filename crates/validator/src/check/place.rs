//! Where a finding is: FHIRPath, line and column, as HL7's validator tells them.

use fhirpath::{
    document::{Document, Element, Format, Kind},
    model::{Definitions, Model},
};

use super::findings::{Found, Place};
use crate::finding::Finding;

/// Works out places over one document; its lines are counted once.
pub(super) struct Places<'p> {
    document: &'p Document<'p>,
    model: &'p Definitions,
    lines: Vec<usize>,
}

impl<'p> Places<'p> {
    pub(super) fn new(document: &'p Document<'p>, model: &'p Definitions) -> Self {
        let source = document.source().as_bytes();
        let ends = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        Self { document, model, lines: std::iter::once(0).chain(ends).collect() }
    }

    pub(super) fn finding(&self, found: Found<'_>) -> Finding {
        let parent = found.at.parent().unwrap_or(found.at);
        let (line, column) = match found.place {
            Place::Nowhere => (0, 0),
            Place::AtParent => self.position(offset(parent)),
            _ => self.position(offset(found.at)),
        };
        let expression = match found.place {
            Place::Parent => self.expression(parent),
            Place::XmlParent => xml_path(parent),
            Place::Bare => self.plain(found.at).0,
            Place::Name => format!("{}.{}", self.expression(parent), found.at.name()),
            Place::First => format!("{}.{}[0]", self.expression(parent), found.at.name()),
            Place::FromOne => from_one(found.at),
            Place::Url => {
                let url = found.at.child("url").and_then(|url| url.text()).unwrap_or_default();
                format!("{}[url='{url}']", self.expression(found.at))
            }
            Place::Element | Place::AtParent | Place::Nowhere => self.expression(found.at),
        };
        Finding {
            severity: found.severity,
            message: found.message,
            arguments: found.arguments,
            expression,
            line,
            column,
            profile: found.profile,
        }
    }

    /// `Bundle.entry[0].resource/*Patient/1*/.value.ofType(Quantity)`
    fn expression(&self, element: Element<'_>) -> String {
        let (mut path, _) = self.plain(element);
        if element.parent().is_some()
            && let Some(name) = element.resource_type()
        {
            let id = element.child("id").and_then(|id| id.text());
            path.push_str(&format!("/*{name}/{}*/", id.as_deref().unwrap_or("null")));
        }
        path
    }

    /// The path without what is said of a resource at its end, and the type.
    fn plain(&self, element: Element<'_>) -> (String, Option<fhirpath::model::TypeId>) {
        let own = element.resource_type().and_then(|name| self.model.type_named(&name));
        let Some(parent) = element.parent() else {
            return (
                element.resource_type().map_or_else(|| "$this".to_owned(), |name| name.into_owned()),
                own,
            );
        };
        let (_, parent_type) = self.plain(parent);
        let mut path = self.expression(parent);
        let known = parent_type.and_then(|of| self.model.element(of, element.name()));
        path.push('.');
        match parent_type.and_then(|of| self.choice(of, element.name())) {
            Some(choice) => {
                let code = known.map_or("", |known| self.model.type_name(known.type_id));
                path.push_str(&format!("{choice}.ofType({code})"));
            }
            None => path.push_str(element.name()),
        }
        if known.map_or(element.repeats(), |known| known.repeats) {
            let before = parent.children().take_while(|child| child.index() != element.index());
            let index = before.filter(|child| child.name() == element.name()).count();
            path.push_str(&format!("[{index}]"));
        }
        (path, own.or(known.map(|known| known.type_id)))
    }

    fn choice<'n>(&self, of: fhirpath::model::TypeId, written: &'n str) -> Option<&'n str> {
        let ends = written.char_indices().filter(|(at, letter)| *at > 0 && letter.is_ascii_uppercase());
        ends.filter_map(|(end, _)| written.get(..end)).find(|name| {
            self.model.is_choice(name)
                && self.model.choices(of, name).iter().any(|(known, _)| known == written)
        })
    }

    fn position(&self, offset: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(0);
        let text = self.document.source().as_bytes().get(start..offset).unwrap_or_default();
        // The mark of UTF-8 at the beginning is no character of the text.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let column = text.iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// The byte that HL7's validator counts to: in XML behind the start tag; in JSON behind a bare value, behind the brace of the root and
/// of an item, behind the quote before the name of any other object.
fn offset(element: Element<'_>) -> usize {
    let document = element.document();
    if document.format() == Format::Xml {
        let start = if element.parent().is_none() || element.kind() == Kind::Markup {
            element.offset()
        } else {
            element.name_offset()
        };
        return behind_tag(document.source(), start);
    }
    match element.kind() {
        Kind::String => element.offset() + element.raw().len() + 1,
        Kind::Number | Kind::Boolean | Kind::Null | Kind::EmptyArray => {
            element.offset() + element.raw().len()
        }
        Kind::Object if element.parent().is_none() || element.repeats() => {
            behind_first(document.source(), element.offset())
        }
        _ => behind_first(document.source(), element.name_offset()),
    }
}

/// The byte behind the `>` that ends the tag around `start`; none of its attributes' values ends it.
fn behind_tag(source: &str, start: usize) -> usize {
    let mut quote = None;
    for (at, byte) in source.bytes().enumerate().skip(start) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return at + 1,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    source.len()
}

/// The byte behind the first that is no white space in the line of `at`: HL7's reader of JSON counts lines of objects so.
fn behind_first(source: &str, at: usize) -> usize {
    let before = source.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = source.get(start..).unwrap_or_default();
    start + line.len() - line.trim_start_matches([' ', '\t', '\r', '\u{feff}']).len() + 1
}

/// `Bundle.entry[1].resource.author[1]`
fn from_one(element: Element<'_>) -> String {
    let Some(parent) = element.parent() else {
        return element.resource_type().map_or_else(|| "$this".to_owned(), |name| name.into_owned());
    };
    let mut path = format!("{}.{}", from_one(parent), element.name());
    if element.repeats() {
        let before = parent.children().take_while(|child| child.index() != element.index());
        let number = before.filter(|child| child.name() == element.name()).count() + 1;
        path.push_str(&format!("[{number}]"));
    }
    path
}

/// `/f:Patient`, and within a resource `Patient/f:contact`.
fn xml_path(element: Element<'_>) -> String {
    if let Some(name) = element.resource_type() {
        return if element.parent().is_none() { format!("/f:{name}") } else { name.into_owned() };
    }
    match element.parent() {
        Some(parent) => {
            let of_parent = parent.resource_type().map_or_else(|| xml_path(parent), |name| name.into_owned());
            format!("{of_parent}/f:{}", element.name())
        }
        None => String::new(),
    }
}
