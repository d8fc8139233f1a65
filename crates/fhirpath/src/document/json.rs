//! The reader of JSON: one pass, no table of its own but the names of the objects it stands in.
//! RFC 8259, <https://hl7.org/fhir/R4/json.html>

use std::collections::HashMap;

use super::{
    DocumentLimits, ESCAPED, Kind, Node, PAIRED, ParseFault, Problem, REPEATS, TYPED, fault::Found,
    name::hash, scan, text,
};

/// An object with more names finds duplicates through a table instead of comparing with each.
const NAMES_COMPARED_MAX: usize = 24;

/// Reads into `nodes`, which are empty, and answers them whether the text is good or not; `names` is room to work in.
pub(super) fn read(
    source: &str,
    limits: &DocumentLimits,
    mut nodes: Vec<Node>,
    names: &mut Vec<Named>,
) -> (Vec<Node>, Result<(), ParseFault>) {
    nodes.reserve(source.len() / 32 + 8);
    names.clear();
    let mut reader = Reader {
        source,
        bytes: source.as_bytes(),
        at: 0,
        nodes,
        names,
        depth: 0,
        depth_max: limits.depth_max.min(DocumentLimits::DEPTH_CEILING),
        elements_max: limits.elements_max.min(u32::MAX as usize - 1),
    };
    let read = reader.document();
    (reader.nodes, read)
}

/// A string as it stands in the text.
#[derive(Clone, Copy)]
struct Text {
    start: usize,
    len: usize,
    escaped: bool,
}

/// A name of an object that is being read, and the first element of that name.
#[derive(Debug)]
pub(super) struct Named {
    start: u32,
    len: u32,
    hash: u32,
    first: u32,
    seen: Half,
}

/// A primitive may be told in two halves: `name` and `_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Value,
    Extensions,
    Both,
}

/// The object that is being read.
struct Frame<'a> {
    node: u32,
    last: u32,
    base: usize,
    table: Option<HashMap<&'a [u8], usize>>,
}

/// Where the next element of a name goes.
#[derive(Clone, Copy)]
struct Slot {
    name_start: usize,
    name_len: usize,
    hash: u32,
    half: Half,
    flags: u8,
}

struct Reader<'a, 'n> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    names: &'n mut Vec<Named>,
    depth: usize,
    depth_max: usize,
    elements_max: usize,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<(), ParseFault> {
        self.space();
        if self.peek() != Some(b'{') {
            return Err(self.unexpected("`{`"));
        }
        self.nodes.push(Node { kind: Kind::Object, ..Node::ABSENT });
        self.object(0)?;
        self.space();
        if self.at < self.bytes.len() { Err(self.unexpected("the end")) } else { Ok(()) }
    }

    fn object(&mut self, node: u32) -> Result<(), ParseFault> {
        self.depth += 1;
        if self.depth > self.depth_max {
            return Err(self.fault(Problem::TooDeep { depth_max: self.depth_max }));
        }
        let start = self.at;
        self.at += 1;
        let mut frame = Frame { node, last: 0, base: self.names.len(), table: None };
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            self.members(&mut frame)?;
        }
        self.names.truncate(frame.base);
        self.depth -= 1;
        let (value_start, value_len) = (start as u32, (self.at - start) as u32);
        self.change(node, |node| {
            if node.kind == Kind::Object {
                node.value_start = value_start;
                node.value_len = value_len;
            }
        });
        Ok(())
    }

    fn members(&mut self, frame: &mut Frame<'a>) -> Result<(), ParseFault> {
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a name"));
            }
            let name = self.string()?;
            self.space();
            self.expect(b':', "`:`")?;
            self.space();
            self.member(frame, name)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
            self.space();
        }
    }

    fn member(&mut self, frame: &mut Frame<'a>, name: Text) -> Result<(), ParseFault> {
        if name.escaped {
            return Err(self.fault_at(Problem::EscapedName, name.start));
        }
        if name.len > DocumentLimits::NAME_BYTES_MAX {
            return Err(self.fault_at(Problem::TokenTooLong, name.start));
        }
        let written = self.bytes.get(name.start..name.start + name.len).unwrap_or_default();
        let (half, text, name_start) = match written {
            // Of two underlines the first stands for nothing: no element is called `_a` whose half this could be.
            [b'_', text @ ..] if !text.is_empty() && !text.starts_with(b"_") => {
                (Half::Extensions, text, name.start + 1)
            }
            _ => (Half::Value, written, name.start),
        };
        let slot = Slot { name_start, name_len: text.len(), hash: hash(text), half, flags: 0 };
        let known = self.known(frame, text, slot)?;
        let paired = self.names.get(known).map_or(0, |named| named.first);
        let first = match self.peek() {
            Some(b'[') => self.array(frame, slot, paired)?,
            Some(b'"') if half == Half::Value && text == b"resourceType" && self.is_typed(frame) => {
                self.type_name(frame, slot)?
            }
            _ => self.value(frame, slot, paired, paired)?,
        };
        if let Some(named) = self.names.get_mut(known)
            && named.first == 0
        {
            named.first = first;
        }
        Ok(())
    }

    /// Finds or notes the name in the object; each half may stand once.
    fn known(&mut self, frame: &mut Frame<'a>, text: &'a [u8], slot: Slot) -> Result<usize, ParseFault> {
        let seen = self.names.get(frame.base..).unwrap_or_default();
        let found = if seen.len() <= NAMES_COMPARED_MAX {
            seen.iter()
                .position(|named| named.hash == slot.hash && self.text_of(named) == text)
                .map(|at| frame.base + at)
        } else {
            let mut table = frame.table.take().unwrap_or_default();
            for (at, named) in self.names.iter().enumerate().skip(frame.base + table.len()) {
                table.insert(self.text_of(named), at);
            }
            frame.table.insert(table).get(text).copied()
        };
        let Some(found) = found else {
            let (start, len) = (slot.name_start as u32, slot.name_len as u32);
            self.names.push(Named { start, len, hash: slot.hash, first: 0, seen: slot.half });
            return Ok(self.names.len() - 1);
        };
        match self.names.get_mut(found) {
            Some(named) if named.seen != slot.half && named.seen != Half::Both => named.seen = Half::Both,
            _ => {
                return Err(self.fault_at(
                    Problem::DuplicateName(String::from_utf8_lossy(text).into_owned()),
                    slot.name_start,
                ));
            }
        }
        Ok(found)
    }

    fn text_of(&self, named: &Named) -> &'a [u8] {
        let start = named.start as usize;
        self.bytes.get(start..start + named.len as usize).unwrap_or_default()
    }

    /// Whether `resourceType` says what an object is. `ExampleScenario.instance.resourceType` is an element.
    fn is_typed(&self, frame: &Frame<'a>) -> bool {
        self.nodes.get(frame.node as usize).is_none_or(|node| {
            let start = node.name_start as usize;
            self.bytes.get(start..start + usize::from(node.name_len)) != Some(b"instance")
        })
    }

    fn type_name(&mut self, frame: &mut Frame<'a>, slot: Slot) -> Result<u32, ParseFault> {
        let node = self.append(frame, slot, 0)?;
        self.primitive(node)?;
        self.change(node, |node| node.kind = Kind::TypeName);
        self.change(frame.node, |node| node.flags |= TYPED);
        Ok(node)
    }

    /// Each item meets the element of its place in the other half, if that came before.
    fn array(&mut self, frame: &mut Frame<'a>, slot: Slot, paired: u32) -> Result<u32, ParseFault> {
        let slot = Slot { flags: REPEATS, ..slot };
        let start = self.at;
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            let node = self.append(frame, slot, self.last_of_name(slot, paired))?;
            self.change(node, |node| {
                (node.kind, node.value_start, node.value_len) = (Kind::EmptyArray, start as u32, 2);
            });
            return Ok(if paired == 0 { node } else { paired });
        }
        let (mut first, mut partner, mut last) = (0, paired, 0);
        loop {
            if self.peek() == Some(b'[') {
                return Err(self.fault(Problem::NestedArray));
            }
            let node = self.value(frame, slot, partner, last)?;
            first = if first == 0 { node } else { first };
            last = node;
            partner = self.next_of_name(node, slot, paired);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(first);
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
            self.space();
        }
    }

    /// The last element of the other half: those of one name stand together.
    fn last_of_name(&self, slot: Slot, paired: u32) -> u32 {
        let mut last = paired;
        loop {
            match self.next_of_name(last, slot, paired) {
                0 => return last,
                next => last = next,
            }
        }
    }

    /// The element after this one, if it has the same name and so waits for its other half.
    fn next_of_name(&self, node: u32, slot: Slot, paired: u32) -> u32 {
        if paired == 0 {
            return 0;
        }
        let next = self.nodes.get(node as usize).map_or(0, |node| node.next);
        let same = |node: &Node| node.name_hash == slot.hash && usize::from(node.name_len) == slot.name_len;
        if next != 0 && self.nodes.get(next as usize).is_some_and(same) { next } else { 0 }
    }

    /// Reads a value into `partner`, or into a new element after `after`; the last of the object, if that is 0.
    fn value(
        &mut self,
        frame: &mut Frame<'a>,
        slot: Slot,
        partner: u32,
        after: u32,
    ) -> Result<u32, ParseFault> {
        let start = self.at;
        let object = self.peek() == Some(b'{');
        if partner == 0 && !object && slot.half == Half::Value {
            let (kind, text) = self.literal_value()?;
            return self.append_valued(frame, slot, after, (kind, text));
        }
        let node = if partner == 0 { self.append(frame, slot, after)? } else { partner };
        let held = self.nodes.get(node as usize).map_or(Kind::Absent, |node| node.kind);
        let name = || self.source.get(slot.name_start..slot.name_start + slot.name_len).unwrap_or_default();
        match (slot.half, object) {
            (Half::Extensions, true) if matches!(held, Kind::Object | Kind::EmptyArray | Kind::TypeName) => {
                Err(self.fault_at(Problem::MisplacedExtensions(name().to_owned()), start))
            }
            (Half::Extensions, true) => {
                self.change(node, |node| {
                    node.flags |= PAIRED | slot.flags;
                    if matches!(node.kind, Kind::Absent | Kind::Null) {
                        (node.kind, node.value_start) = (Kind::Absent, start as u32);
                    }
                });
                self.object(node)?;
                Ok(node)
            }
            (Half::Extensions, false) if self.literal(b"null") => {
                self.change(node, |node| {
                    if node.kind == Kind::Absent && !node.has(PAIRED) {
                        (node.kind, node.value_start, node.value_len) = (Kind::Null, start as u32, 4);
                    }
                });
                Ok(node)
            }
            (Half::Value, true) if partner != 0 => {
                Err(self.fault_at(Problem::MisplacedExtensions(name().to_owned()), start))
            }
            (Half::Value, true) => {
                self.change(node, |node| node.kind = Kind::Object);
                self.object(node)?;
                Ok(node)
            }
            (Half::Value, false) => {
                self.primitive(node)?;
                Ok(node)
            }
            _ => Err(self.fault_at(Problem::MisplacedExtensions(name().to_owned()), start)),
        }
    }

    fn append(&mut self, frame: &mut Frame<'a>, slot: Slot, after: u32) -> Result<u32, ParseFault> {
        let nothing = Text { start: 0, len: 0, escaped: false };
        self.append_valued(frame, slot, after, (Kind::Absent, nothing))
    }

    fn append_valued(
        &mut self,
        frame: &mut Frame<'a>,
        slot: Slot,
        after: u32,
        (kind, value): (Kind, Text),
    ) -> Result<u32, ParseFault> {
        if self.nodes.len() >= self.elements_max {
            return Err(self.fault(Problem::TooManyElements { elements_max: self.elements_max }));
        }
        let id = self.nodes.len() as u32;
        let before = if after == 0 { frame.last } else { after };
        let next = self.nodes.get(before as usize).map_or(0, |node| node.next);
        self.nodes.push(Node {
            name_hash: slot.hash,
            name_start: slot.name_start as u32,
            name_len: slot.name_len as u16,
            parent: frame.node,
            next: if before == 0 { 0 } else { next },
            flags: slot.flags | if value.escaped { ESCAPED } else { 0 },
            value_start: value.start as u32,
            value_len: value.len as u32,
            kind,
            first: 0,
        });
        if before == 0 {
            self.change(frame.node, |node| node.first = id);
        } else {
            self.change(before, |node| node.next = id);
        }
        if before == frame.last {
            frame.last = id;
        }
        Ok(id)
    }

    fn literal_value(&mut self) -> Result<(Kind, Text), ParseFault> {
        let start = self.at;
        Ok(match self.peek() {
            Some(b'"') => (Kind::String, self.string()?),
            Some(b'-' | b'0'..=b'9') => (Kind::Number, self.number()?),
            Some(b't') if self.literal(b"true") => (Kind::Boolean, Text { start, len: 4, escaped: false }),
            Some(b'f') if self.literal(b"false") => (Kind::Boolean, Text { start, len: 5, escaped: false }),
            Some(b'n') if self.literal(b"null") => (Kind::Null, Text { start, len: 4, escaped: false }),
            _ => return Err(self.unexpected("a value")),
        })
    }

    fn primitive(&mut self, node: u32) -> Result<(), ParseFault> {
        let (kind, text) = self.literal_value()?;
        self.change(node, |node| {
            if kind == Kind::Null && node.has(PAIRED) {
                return;
            }
            node.kind = kind;
            node.value_start = text.start as u32;
            node.value_len = text.len as u32;
            node.flags |= if text.escaped { ESCAPED } else { 0 };
        });
        Ok(())
    }

    fn string(&mut self) -> Result<Text, ParseFault> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += scan::ordinary(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    let len = self.at - start;
                    self.at += 1;
                    return Ok(Text { start, len, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    let after = self.source.get(self.at + 1..).unwrap_or_default();
                    let Some((_, rest)) = text::escape(after) else {
                        return Err(self.fault(Problem::BadEscape));
                    };
                    self.at += 1 + after.len() - rest.len();
                }
                Some(_) => return Err(self.fault(Problem::ControlCharacter)),
                None => return Err(self.unexpected("`\"`")),
            }
        }
    }

    fn number(&mut self) -> Result<Text, ParseFault> {
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let len = rest
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(rest.len());
        if len > DocumentLimits::NUMBER_BYTES_MAX {
            return Err(self.fault(Problem::TokenTooLong));
        }
        if !is_json_number(rest.get(..len).unwrap_or_default()) {
            return Err(self.fault(Problem::BadNumber));
        }
        self.at += len;
        Ok(Text { start, len, escaped: false })
    }

    fn literal(&mut self, word: &[u8]) -> bool {
        let found = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ParseFault> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            // Indented documents are spaces for a third.
            self.at += 1;
            self.at += scan::spaces(self.bytes, self.at);
        }
    }

    fn change(&mut self, id: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(id as usize) {
            change(node);
        }
    }

    fn unexpected(&self, expected: &'static str) -> ParseFault {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let found = rest.chars().next().map_or(Found::End, Found::Character);
        self.fault(Problem::Unexpected { expected, found })
    }

    fn fault(&self, problem: Problem) -> ParseFault {
        self.fault_at(problem, self.at)
    }

    fn fault_at(&self, problem: Problem, offset: usize) -> ParseFault {
        ParseFault::at(problem, self.bytes, offset)
    }
}

/// RFC 8259 §6: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
pub(super) fn is_json_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.first() == Some(&b'0')) {
        return false;
    }
    let mut rest = text.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return rest.is_empty();
    };
    let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}
