//! The reader of XML, into the shape that JSON has. <https://hl7.org/fhir/R4/xml.html>
//!
//! FHIR's element names begin with a small letter, its resource types with a capital: an element called `Patient` makes the element
//! that it stands in that resource. Attributes `id` and `url` become the children that they are in JSON.

use std::collections::HashMap;

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::ResolveResult,
};

use super::{
    DocumentLimits, ESCAPED, Kind, Node, ParseFault, Problem, REPEATS, TYPED, json::is_json_number,
    name::hash, text,
};
use crate::model::{Model, TypeId};

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
const RESOURCE_TYPE: &str = "resourceType";

/// Reads into `nodes`, which are empty, and answers them whether the text is good or not.
pub(super) fn read(
    source: &str,
    limits: &DocumentLimits,
    model: &dyn Model,
    mut nodes: Vec<Node>,
) -> (Vec<Node>, Result<(), ParseFault>) {
    nodes.reserve(source.len() / 48 + 8);
    let mut reader = Reader {
        source,
        model,
        nodes,
        open: Vec::new(),
        names: Vec::new(),
        depth_max: limits.depth_max.min(DocumentLimits::DEPTH_CEILING),
        elements_max: limits.elements_max.min(u32::MAX as usize - 1),
        root: Root::Awaited,
    };
    let read = reader.document();
    (reader.nodes, read)
}

#[derive(PartialEq, Eq)]
enum Root {
    Awaited,
    Open,
    Closed,
}

/// An XML element whose end has not been met.
struct Open<'a> {
    node: u32,
    type_id: Option<TypeId>,
    last: u32,
    /// Where its names begin among those of all that is open.
    base: usize,
    /// Its further names, if there are many.
    many: Option<HashMap<&'a str, u32>>,
}

/// A name of an open element, and the last of its elements that is called so.
struct Named<'a> {
    name: &'a str,
    hash: u32,
    last: u32,
}

/// Names that are found by comparing with each.
const NAMES_COMPARED_MAX: usize = 24;

struct Reader<'a, 'm> {
    source: &'a str,
    model: &'m dyn Model,
    nodes: Vec<Node>,
    open: Vec<Open<'a>>,
    names: Vec<Named<'a>>,
    depth_max: usize,
    elements_max: usize,
    root: Root,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<(), ParseFault> {
        let mut xml = NsReader::from_str(self.source);
        let config = xml.config_mut();
        config.check_comments = true;
        loop {
            let before = usize::try_from(xml.buffer_position()).unwrap_or(0);
            let (namespace, event) =
                xml.read_resolved_event().map_err(|fault| self.malformed(&fault, before))?;
            match event {
                Event::Start(start) => {
                    if is_namespace(&namespace, XHTML)
                        && start.local_name().into_inner() == "div"
                        && !self.open.is_empty()
                    {
                        let end = xml
                            .read_to_end(start.to_end().name())
                            .map_err(|fault| self.malformed(&fault, before))?;
                        let len =
                            self.end_of_tag(usize::try_from(end.end).unwrap_or(0)).saturating_sub(before);
                        self.markup(self.borrowed(start.local_name().into_inner()), before, len)?;
                    } else {
                        self.start(&namespace, &start, before)?;
                    }
                }
                Event::Empty(start) => {
                    if is_namespace(&namespace, XHTML)
                        && start.local_name().into_inner() == "div"
                        && !self.open.is_empty()
                    {
                        let len = usize::try_from(xml.buffer_position()).unwrap_or(0).saturating_sub(before);
                        self.markup(self.borrowed(start.local_name().into_inner()), before, len)?;
                    } else {
                        self.start(&namespace, &start, before)?;
                        self.end();
                    }
                }
                Event::End(_) => self.end(),
                Event::Text(text) if text.chars().all(|character| character.is_ascii_whitespace()) => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(self.fault(Problem::StrayText, before));
                }
                Event::DocType(_) => return Err(self.fault(Problem::DocumentType, before)),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if self.root == Root::Closed => return Ok(()),
                Event::Eof => {
                    return Err(
                        self.fault(Problem::NotWellFormed("the text ends too early".to_owned()), before)
                    );
                }
            }
        }
    }

    fn start(
        &mut self,
        namespace: &ResolveResult<'_>,
        start: &BytesStart<'_>,
        at: usize,
    ) -> Result<(), ParseFault> {
        if self.root == Root::Closed {
            return Err(self.fault(Problem::NotWellFormed("a second root".to_owned()), at));
        }
        let name = self.borrowed(start.local_name().into_inner());
        if !is_namespace(namespace, FHIR) {
            return Err(self.fault(Problem::WrongNamespace(name.to_owned()), at));
        }
        if self.open.len() >= self.depth_max {
            return Err(self.fault(Problem::TooDeep { depth_max: self.depth_max }, at));
        }
        if name.len() > DocumentLimits::NAME_BYTES_MAX {
            return Err(self.fault(Problem::TokenTooLong, at));
        }
        let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
        let opened = if is_type { self.resource(name, at)? } else { self.element(name, at)? };
        self.root = Root::Open;
        self.open.push(opened);
        self.attributes(start, at)
    }

    /// A resource's own element becomes the element that it stands in.
    fn resource(&mut self, name: &'a str, at: usize) -> Result<Open<'a>, ParseFault> {
        let node = match self.open.last() {
            None => {
                self.nodes.push(Node { kind: Kind::Object, value_start: at as u32, ..Node::ABSENT });
                0
            }
            Some(parent) if parent.last == 0 => parent.node,
            Some(_) => {
                return Err(
                    self.fault(Problem::NotWellFormed("a resource beside other elements".to_owned()), at)
                );
            }
        };
        let mut opened = self.opened(node, self.model.type_named(name));
        let id = self.append(&mut opened, RESOURCE_TYPE, at)?;
        let start = self.offset(name);
        self.change(id, |node| {
            (node.kind, node.value_start, node.value_len) = (Kind::TypeName, start as u32, name.len() as u32);
        });
        self.change(node, |node| {
            node.kind = Kind::Object;
            node.flags |= TYPED;
        });
        if let Some(parent) = self.open.last_mut() {
            parent.last = id;
        }
        Ok(opened)
    }

    fn element(&mut self, name: &'a str, at: usize) -> Result<Open<'a>, ParseFault> {
        let Some(mut parent) = self.open.pop() else {
            return Err(self.fault(Problem::NotWellFormed(format!("`{name}` is no resource")), at));
        };
        let known = parent.type_id.and_then(|of| self.model.element(of, name));
        let added = self.append(&mut parent, name, at);
        self.open.push(parent);
        let node = added?;
        if known.is_some_and(|known| known.repeats) {
            self.change(node, |node| node.flags |= REPEATS);
        }
        Ok(self.opened(node, known.map(|known| known.type_id)))
    }

    fn opened(&self, node: u32, type_id: Option<TypeId>) -> Open<'a> {
        Open { node, type_id, last: 0, base: self.names.len(), many: None }
    }

    fn attributes(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), ParseFault> {
        for attribute in start.attributes() {
            let attribute =
                attribute.map_err(|fault| self.fault(Problem::NotWellFormed(fault.to_string()), at))?;
            let key = attribute.key.into_inner();
            if key == "xmlns"
                || key.starts_with("xmlns:")
                || key.starts_with("xsi:")
                || key.starts_with("xml:")
            {
                continue;
            }
            let value = self.borrowed(&attribute.value);
            if text::unescape_xml(value).is_none() {
                return Err(self.fault(Problem::UnknownEntity, self.offset(value)));
            }
            let Some(mut of) = self.open.pop() else { return Ok(()) };
            let node = match key {
                "value" => Ok(of.node),
                "id" | "url" => self.append(&mut of, self.borrowed(key), at),
                _ => Err(self.fault(Problem::UnknownAttribute(key.to_owned()), at)),
            };
            let type_id = of.type_id;
            self.open.push(of);
            self.set_value(node?, value, if key == "value" { type_id } else { None });
        }
        Ok(())
    }

    /// A value of a numeric or Boolean type is one in JSON too, if it is written as JSON writes them.
    fn set_value(&mut self, node: u32, value: &'a str, type_id: Option<TypeId>) {
        let kind = match type_id.map(|id| self.model.type_name(id)) {
            Some("boolean") if matches!(value, "true" | "false") => Kind::Boolean,
            Some("decimal" | "integer" | "positiveInt" | "unsignedInt")
                if is_json_number(value.as_bytes()) =>
            {
                Kind::Number
            }
            _ => Kind::String,
        };
        let start = self.offset(value);
        self.change(node, |node| {
            (node.kind, node.value_start, node.value_len) = (kind, start as u32, value.len() as u32);
            node.flags |= if value.contains('&') { ESCAPED } else { 0 };
        });
    }

    fn markup(&mut self, name: &'a str, at: usize, len: usize) -> Result<(), ParseFault> {
        let Some(mut parent) = self.open.pop() else { return Ok(()) };
        let added = self.append(&mut parent, name, at);
        self.open.push(parent);
        self.change(added?, |node| {
            (node.kind, node.value_start, node.value_len) = (Kind::Markup, at as u32, len as u32);
        });
        Ok(())
    }

    fn end(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        self.names.truncate(closed.base);
        let empty = self
            .nodes
            .get(closed.node as usize)
            .is_some_and(|node| node.kind == Kind::Absent && node.first != 0);
        let primitive = closed.type_id.is_some_and(|id| self.is_primitive(id));
        if empty && !primitive && !self.only_extends(closed.node) {
            self.change(closed.node, |node| node.kind = Kind::Object);
        }
        if self.open.is_empty() {
            self.root = Root::Closed;
        }
    }

    fn is_primitive(&self, id: TypeId) -> bool {
        self.model.type_name(id).starts_with(|first: char| first.is_ascii_lowercase())
    }

    /// Whether an element without a known type holds nothing but an id and extensions, as a primitive without a value does.
    fn only_extends(&self, node: u32) -> bool {
        let mut at = self.nodes.get(node as usize).map_or(0, |node| node.first);
        let type_known = self.open.last().is_some_and(|open| open.type_id.is_some());
        while let Some(node) = self.nodes.get(at as usize).filter(|_| at != 0) {
            let name = self.source.get(node.name_start as usize..).unwrap_or_default();
            if type_known || !name.starts_with("extension") || node.name_len != 9 {
                return false;
            }
            at = node.next;
        }
        true
    }

    /// Siblings of one name stand together on the tape, whatever the order of the text was.
    fn append(&mut self, parent: &mut Open<'a>, name: &'a str, at: usize) -> Result<u32, ParseFault> {
        if self.nodes.len() >= self.elements_max {
            return Err(self.fault(Problem::TooManyElements { elements_max: self.elements_max }, at));
        }
        let id = self.nodes.len() as u32;
        let hash = hash(name.as_bytes());
        let last = self.last_of(parent, name, hash, id);
        let before = last.unwrap_or(parent.last);
        let next = self.nodes.get(before as usize).filter(|_| before != 0).map_or(0, |node| node.next);
        self.nodes.push(Node {
            name_hash: hash,
            // `resourceType` stands nowhere in XML.
            name_start: if name == RESOURCE_TYPE { at } else { self.offset(name) } as u32,
            name_len: name.len() as u16,
            value_start: at as u32,
            parent: parent.node,
            next,
            ..Node::ABSENT
        });
        if before == 0 {
            self.change(parent.node, |node| node.first = id);
        } else {
            self.change(before, |node| node.next = id);
        }
        if before == parent.last {
            parent.last = id;
        }
        Ok(id)
    }

    /// The last element of a name so far; from now on that is `id`.
    fn last_of(&mut self, parent: &mut Open<'a>, name: &'a str, hash: u32, id: u32) -> Option<u32> {
        let own = self.names.get_mut(parent.base..).unwrap_or_default();
        let count = own.len();
        if let Some(known) = own.iter_mut().find(|known| known.hash == hash && known.name == name) {
            return Some(std::mem::replace(&mut known.last, id));
        }
        if count < NAMES_COMPARED_MAX {
            self.names.push(Named { name, hash, last: id });
            return None;
        }
        parent.many.get_or_insert_default().insert(name, id)
    }
}

impl<'a> Reader<'a, '_> {
    fn change(&mut self, id: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(id as usize) {
            change(node);
        }
    }

    /// The same text, borrowed from the source: what the reader hands out points into it.
    fn borrowed(&self, text: &str) -> &'a str {
        let start = self.offset(text);
        self.source.get(start..start + text.len()).unwrap_or_default()
    }

    fn offset(&self, text: &str) -> usize {
        (text.as_ptr() as usize).wrapping_sub(self.source.as_ptr() as usize)
    }

    /// The byte after the `>` of the end tag that begins at `start`.
    fn end_of_tag(&self, start: usize) -> usize {
        let rest = self.source.get(start..).unwrap_or_default();
        rest.find('>').map_or(self.source.len(), |found| start + found + 1)
    }

    fn malformed(&self, fault: &quick_xml::Error, at: usize) -> ParseFault {
        self.fault(Problem::NotWellFormed(fault.to_string()), at)
    }

    fn fault(&self, problem: Problem, offset: usize) -> ParseFault {
        ParseFault::at(problem, self.source.as_bytes(), offset)
    }
}

fn is_namespace(found: &ResolveResult<'_>, expected: &str) -> bool {
    matches!(found, ResolveResult::Bound(namespace) if namespace.into_inner() == expected)
}
