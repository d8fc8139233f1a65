//! Where a finding is: FHIRPath, line and column, as HL7's validator tells them.

use std::{cell::RefCell, collections::HashMap};

use fhirpath::{
    document::{Document, Element, Format, Kind},
    model::{Definitions, Model, TypeId},
};

use super::findings::{Found, Place};
use crate::finding::Finding;

/// Works out places over one document; its lines are counted once.
pub(super) struct Places<'p> {
    document: &'p Document<'p>,
    model: &'p Definitions,
    lines: Vec<usize>,
    numbers: RefCell<HashMap<u32, u32>>,
}

impl<'p> Places<'p> {
    pub(super) fn new(document: &'p Document<'p>, model: &'p Definitions) -> Self {
        let source = document.source().as_bytes();
        let ends = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        Self { document, model, lines: std::iter::once(0).chain(ends).collect(), numbers: RefCell::default() }
    }

    pub(super) fn finding(&self, found: Found<'_>) -> Finding {
        let parent = found.at.parent().unwrap_or(found.at);
        let (line, column) = match found.place {
            Place::Nowhere => (0, 0),
            Place::AtParent => self.position(self.offset(parent)),
            Place::AtGrandparent => self.position(self.offset(parent.parent().unwrap_or(parent))),
            _ => self.position(self.offset(found.at)),
        };
        let expression = match found.place {
            Place::Parent => self.expression(parent),
            Place::XmlParent => xml_path(parent),
            Place::JsonElement => self.as_read(found.at).0,
            Place::JsonName => {
                let path = self.as_read(found.at).0;
                path.strip_suffix(']')
                    .and_then(|path| path.rsplit_once('['))
                    .filter(|(_, number)| *number != "x")
                    .map_or(path.as_str(), |(path, _)| path)
                    .to_owned()
            }
            Place::JsonParent => self.as_read(parent).0,
            Place::Bare => self.plain(found.at).0,
            Place::Name => format!("{}.{}", self.expression(parent), found.at.name()),
            Place::First => format!("{}.{}[0]", self.expression(parent), found.at.name()),
            Place::FromOne => from_one(found.at),
            Place::Url => {
                let url = found.at.child("url").and_then(|url| url.text()).unwrap_or_default();
                format!("{}[url='{url}']", self.expression(found.at))
            }
            Place::Element | Place::AtParent | Place::AtGrandparent | Place::Nowhere => {
                self.expression(found.at)
            }
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
        self.marked(element).0
    }

    /// The path, with what is said of a resource at its end, and the type.
    fn marked(&self, element: Element<'_>) -> (String, Option<TypeId>) {
        let (mut path, of) = self.plain(element);
        if element.parent().is_some()
            && let Some(name) = element.resource_type()
        {
            let id = element.child("id").and_then(|id| id.text());
            path.push_str(&format!("/*{name}/{}*/", id.as_deref().unwrap_or("null")));
        }
        (path, of)
    }

    /// The path without what is said of a resource at its end, and the type.
    fn plain(&self, element: Element<'_>) -> (String, Option<TypeId>) {
        let own = element.resource_type().and_then(|name| self.model.type_named(&name));
        let Some(parent) = element.parent() else {
            return (
                element.resource_type().map_or_else(|| "$this".to_owned(), |name| name.into_owned()),
                own,
            );
        };
        let (mut path, parent_type) = self.marked(parent);
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
            path.push_str(&format!("[{}]", self.number(parent, element)));
        }
        (path, own.or(known.map(|known| known.type_id)))
    }

    /// `Bundle.entry[0].resource.component[0].value[x].value`, and the type.
    fn as_read(&self, element: Element<'_>) -> (String, Option<TypeId>) {
        let own = element.resource_type().and_then(|name| self.model.type_named(&name));
        let Some(parent) = element.parent() else { return self.plain(element) };
        let (mut path, parent_type) = self.as_read(parent);
        let known = parent_type.and_then(|of| self.model.element(of, element.name()));
        path.push('.');
        match parent_type.and_then(|of| self.choice(of, element.name())) {
            Some(choice) => path.push_str(&format!("{choice}[x]")),
            None => path.push_str(element.name()),
        }
        let is_simple = element.kind() != Kind::Object;
        if element.repeats() && !(is_simple && known.is_some_and(|known| known.repeats)) {
            path.push_str(&format!("[{}]", self.number(parent, element)));
        }
        (path, own.or(known.map(|known| known.type_id)))
    }

    /// How many siblings of its name come before an element; all children of a parent are counted at once.
    fn number(&self, parent: Element<'_>, element: Element<'_>) -> u32 {
        let mut numbers = self.numbers.borrow_mut();
        if let Some(number) = numbers.get(&element.index()) {
            return *number;
        }
        let (mut name, mut number) = ("", 0);
        for child in parent.children() {
            number = if child.name() == name { number + 1 } else { 0 };
            name = child.name();
            numbers.insert(child.index(), number);
        }
        numbers.get(&element.index()).copied().unwrap_or(0)
    }

    fn choice<'n>(&self, of: TypeId, written: &'n str) -> Option<&'n str> {
        let ends = written.char_indices().filter(|(at, letter)| *at > 0 && letter.is_ascii_uppercase());
        ends.filter_map(|(end, _)| written.get(..end)).find(|name| {
            self.model.is_choice(name)
                && self.model.choices(of, name).iter().any(|(known, _)| known == written)
        })
    }

    /// The byte that HL7's validator counts to: in XML behind the start tag; in JSON behind a bare value, behind the brace of the root and
    /// of an item, behind the quote before the name of any other object.
    fn offset(&self, element: Element<'_>) -> usize {
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
                self.behind_first(element.offset())
            }
            _ => self.behind_first(element.name_offset()),
        }
    }

    /// The byte behind the first that is no white space in the line of `at`: HL7's reader of JSON counts lines of objects so.
    fn behind_first(&self, at: usize) -> usize {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(0);
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | 0xEF | 0xBB | 0xBF);
        let bytes = self.document.source().as_bytes().get(start..).unwrap_or_default();
        start + bytes.iter().take_while(|byte| blank(byte)).count() + 1
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
