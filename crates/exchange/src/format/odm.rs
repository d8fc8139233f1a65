//! ODM-XML 1.3: clinical data, an item group at a time.  <https://wiki.cdisc.org/display/ODMV1X>
//!
//! A record is one occurrence of an item group with all that it stands in, as members that are called as in the standard, and `items`, an object with a text
//! or null for each item. In a transactional file what is inserted is a record, what is removed is gone; an item group that is updated in part is told of,
//! since what is not in the file is not known here. There are no document types and no entities but those of XML itself.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    COLUMNS_MAX, DEPTH_MAX, Encoding, End, Place, Position, ROWS_MAX, Read, Row, Unreadable, What, Within,
};

/// The most characters of an identifier or a repeat key.
const KEY_CHARACTERS_MAX: usize = 1_000;

/// Bytes within which a file says in which characters it is written.
pub(super) const DECLARED_WITHIN: usize = 200;

const NO_XML: Unreadable = Unreadable("it is not well-formed XML");
const NO_ODM: Unreadable = Unreadable("it is no ODM of version 1");

/// The elements that are open between two item groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    pub encoding: Encoding,
    elements: Vec<Element>,
    /// Whether the root has been closed.
    is_closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Element {
    /// As it is written, prefix and all.
    name: String,
    /// What it says that a record has to say: members of the record.
    says: Vec<(String, String)>,
    /// Its `TransactionType`.
    transaction: Option<String>,
    /// Item groups within it so far.
    groups: u64,
}

/// The elements that say where an item group belongs, and the attributes that do.
const LEVELS: [(&str, &[&str]); 5] = [
    ("ODM", &["FileType"]),
    ("ClinicalData", &["StudyOID", "MetaDataVersionOID"]),
    ("SubjectData", &["SubjectKey"]),
    ("StudyEventData", &["StudyEventOID", "StudyEventRepeatKey"]),
    ("FormData", &["FormOID", "FormRepeatKey"]),
];
const GROUP: &[&str] = &["ItemGroupOID", "ItemGroupRepeatKey"];
/// What tells a record apart.
const KEY: [&str; 7] = [
    "StudyOID",
    "SubjectKey",
    "StudyEventOID",
    "StudyEventRepeatKey",
    "FormOID",
    "FormRepeatKey",
    "ItemGroupRepeatKey",
];

/// The characters that a file says it is written in; UTF-8 if it says nothing.
pub(super) fn encoding(window: &[u8]) -> Result<Encoding, Unreadable> {
    let begin = window.get(..window.len().min(DECLARED_WITHIN)).unwrap_or_default();
    let begin: String = begin.iter().map(|byte| char::from(*byte)).collect();
    let declaration = begin.split("?>").next().filter(|text| text.contains("<?xml")).unwrap_or_default();
    let Some((_, stated)) = declaration.split_once("encoding") else { return Ok(Encoding::Utf8) };
    let stated = stated.trim_start().trim_start_matches('=').trim_start();
    let stated: String =
        stated.trim_start_matches(['"', '\'']).chars().take_while(|c| !"\"'".contains(*c)).collect();
    match stated.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" => Ok(Encoding::Utf8),
        "iso-8859-1" | "latin1" => Ok(Encoding::Latin1),
        _ => Err(Unreadable("it is written in characters that are not read: UTF-8 and ISO-8859-1 are")),
    }
}

pub(super) fn read(from: &Position, encoding: Encoding, text: &str) -> Result<Read, Unreadable> {
    let open = match &from.within {
        Within::Odm(open) => open.clone(),
        _ => Open { encoding, ..Open::default() },
    };
    let mut xml = Reader::from_str(text);
    let config = xml.config_mut();
    // A window begins and ends between elements: ends are compared with what is open here.
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut odm = Odm { xml, open, rows: Vec::new(), before: from.row, consumed: 0 };
    while odm.rows.len() < ROWS_MAX && odm.step()? {}
    let end = if odm.open.is_closed { End::Anywhere } else { End::Behind };
    let mut consumed = odm.consumed;
    if odm.open.is_closed && text.get(consumed..).unwrap_or_default().trim().is_empty() {
        consumed = text.len();
    }
    Ok(Read { rows: odm.rows, consumed, within: Within::Odm(odm.open), end })
}

struct Odm<'a> {
    xml: Reader<&'a [u8]>,
    open: Open,
    rows: Vec<Row>,
    /// Rows before this window.
    before: u64,
    consumed: usize,
}

impl Odm<'_> {
    /// One element on; false where the window ends, or holds only a part of what comes.
    fn step(&mut self) -> Result<bool, Unreadable> {
        // What is not whole is read again with more behind it. What is wrong stays so, and then brings nothing.
        let Ok(event) = self.xml.read_event() else { return Ok(false) };
        match event {
            Event::Eof => return Ok(false),
            Event::DocType(_) => return Err(Unreadable("it has a document type, which is not read")),
            Event::Start(start) if local(&start) == "ItemGroupData" => {
                let Some(group) = self.group(&start)? else { return Ok(false) };
                self.rows.extend(group);
            }
            Event::Empty(start) if local(&start) == "ItemGroupData" => {
                let group = Group {
                    says: says(&start, GROUP)?,
                    transaction: transaction(&start)?,
                    items: Map::new(),
                };
                let row = self.row(group);
                self.rows.extend(row);
            }
            Event::Start(start) => self.enter(&start)?,
            Event::Empty(start) => {
                self.enter(&start)?;
                self.leave();
            }
            Event::End(end) => {
                let name = end.name().into_inner().to_owned();
                if self.open.elements.last().is_none_or(|last| last.name != name) {
                    return Err(NO_XML);
                }
                self.leave();
            }
            Event::Text(text) => {
                // It may be cut: what comes behind it says that it is over.
                let is_blank = text.chars().all(char::is_whitespace);
                if self.open.elements.is_empty() && !is_blank && self.consumed == 0 && self.before == 0 {
                    return Err(NO_ODM);
                }
                return Ok(true);
            }
            Event::CData(_) | Event::GeneralRef(_) => return Ok(true),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        self.consumed = usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX);
        Ok(true)
    }

    fn enter(&mut self, start: &BytesStart<'_>) -> Result<(), Unreadable> {
        if self.open.is_closed {
            return Err(NO_XML);
        }
        if self.open.elements.len() >= DEPTH_MAX {
            return Err(Unreadable("it nests deeper than is read"));
        }
        let name = local(start);
        if self.open.elements.is_empty() {
            let version = attribute(start, "ODMVersion")?;
            if name != "ODM" || version.is_some_and(|version| !version.starts_with("1.")) {
                return Err(NO_ODM);
            }
        }
        // Where a subject is treated stands beside its events.
        if name == "SiteRef"
            && let Some(site) = attribute(start, "LocationOID")?
            && let Some(subject) = self.open.elements.last_mut()
            && subject.name.ends_with("SubjectData")
        {
            subject.says.push(("LocationOID".to_owned(), site));
        }
        let level = LEVELS.iter().find(|(level, _)| *level == name);
        let (says, transaction) = match level {
            Some((_, attributes)) => (says(start, attributes)?, transaction(start)?),
            None => (Vec::new(), None),
        };
        let name = start.name().into_inner().to_owned();
        self.open.elements.push(Element { name, says, transaction, groups: 0 });
        Ok(())
    }

    fn leave(&mut self) {
        let Some(left) = self.open.elements.pop() else { return };
        if let Some(around) = self.open.elements.last_mut() {
            around.groups += left.groups;
        }
        self.open.is_closed = self.open.elements.is_empty();
        if left.transaction.as_deref() == Some("Remove") && left.groups == 0 {
            let mut record = self.record();
            record.extend(left.says.into_iter().map(|(name, value)| (name, Value::from(value))));
            let place = self.place();
            let why = "it takes away more than one record, without saying which: a full export is needed";
            let what = What::Unreadable { why, text: Value::Object(record).to_string() };
            self.rows.push(Row { stream: None, key: place.to_string(), place, what });
            if let Some(around) = self.open.elements.last_mut() {
                around.groups += 1;
            }
        }
    }

    fn place(&self) -> Place {
        Place::ItemGroup(self.before + self.rows.len() as u64 + 1)
    }

    /// What is said by the elements that are open.
    fn record(&self) -> Map<String, Value> {
        let said = self.open.elements.iter().flat_map(|element| &element.says);
        let said = said.filter(|(name, _)| name != "FileType");
        said.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    }

    /// An item group up to its end; none if that is not in the window.
    fn group(&mut self, start: &BytesStart<'_>) -> Result<Option<Option<Row>>, Unreadable> {
        let mut group =
            Group { says: says(start, GROUP)?, transaction: transaction(start)?, items: Map::new() };
        let mut open: Vec<String> = vec![start.name().into_inner().to_owned()];
        let mut item: Option<Item> = None;
        while !open.is_empty() {
            let Ok(event) = self.xml.read_event() else { return Ok(None) };
            match event {
                Event::Eof => return Ok(None),
                Event::DocType(_) => return Err(NO_XML),
                Event::Start(start) => {
                    if open.len() >= DEPTH_MAX {
                        return Err(Unreadable("it nests deeper than is read"));
                    }
                    if open.len() == 1 {
                        item = Item::of(&start)?;
                    }
                    open.push(start.name().into_inner().to_owned());
                }
                Event::Empty(start) if open.len() == 1 => {
                    if let Some(item) = Item::of(&start)? {
                        group.take(item)?;
                    }
                }
                Event::End(end) => {
                    if open.pop().is_none_or(|name| name != end.name().into_inner()) {
                        return Err(NO_XML);
                    }
                    if open.len() == 1
                        && let Some(item) = item.take()
                    {
                        group.take(item)?;
                    }
                }
                // The value of an item of a type of its own is what stands in it.
                Event::Text(text) if open.len() == 2 => {
                    item.iter_mut().for_each(|item| item.add(&text.xml10_content()));
                }
                Event::CData(text) if open.len() == 2 => {
                    item.iter_mut().for_each(|item| item.add(&text.xml10_content()));
                }
                Event::GeneralRef(entity) if open.len() == 2 => {
                    let entity = format!("&{};", entity.xml10_content());
                    let text = unescaped(&entity)?;
                    item.iter_mut().for_each(|item| item.add(&text));
                }
                _ => {}
            }
        }
        Ok(Some(self.row(group)))
    }

    /// The record of an item group; none if it only gives context.
    fn row(&mut self, group: Group) -> Option<Row> {
        let inherited = self.open.elements.iter().rev().find_map(|element| element.transaction.clone());
        let transaction = group.transaction.or(inherited);
        let is_transactional = self.open.elements.iter().flat_map(|element| &element.says);
        let is_transactional =
            is_transactional.clone().any(|(name, value)| name == "FileType" && value == "Transactional");
        if let Some(around) = self.open.elements.last_mut() {
            around.groups += 1;
        }
        let place = self.place();
        let mut record = self.record();
        record.extend(group.says.into_iter().map(|(name, value)| (name, Value::from(value))));
        let stream = record.get("ItemGroupOID").and_then(Value::as_str).map(str::to_owned);
        let key =
            Value::Array(KEY.iter().map(|name| record.get(*name).cloned().unwrap_or_default()).collect());
        let key = key.to_string();
        let is_named =
            stream.is_some() && record.contains_key("SubjectKey") && record.contains_key("StudyOID");
        let what = match transaction.as_deref() {
            _ if !is_named => {
                record.insert("items".to_owned(), Value::Object(group.items));
                let why = "the item group does not say of which study, subject and kind it is";
                let what = What::Unreadable { why, text: Value::Object(record).to_string() };
                return Some(Row { stream, key: place.to_string(), place, what });
            }
            Some("Context") => return None,
            Some("Remove") => What::Removed(Value::Object(record)),
            other => {
                record.insert("items".to_owned(), Value::Object(group.items));
                let record = Value::Object(record);
                if other == Some("Update") && is_transactional {
                    let why = "the item group is updated in part: a full export is needed";
                    What::Unreadable { why, text: record.to_string() }
                } else {
                    What::Record(record)
                }
            }
        };
        Some(Row { stream, key, place, what })
    }
}

struct Group {
    says: Vec<(String, String)>,
    transaction: Option<String>,
    items: Map<String, Value>,
}

impl Group {
    fn take(&mut self, item: Item) -> Result<(), Unreadable> {
        if self.items.len() >= COLUMNS_MAX {
            return Err(Unreadable("an item group has too many items"));
        }
        self.items.insert(item.oid, item.value.map_or(Value::Null, Value::from));
        Ok(())
    }
}

struct Item {
    oid: String,
    /// None if it is null.
    value: Option<String>,
    /// Whether its value is what stands in it.
    is_typed: bool,
}

impl Item {
    /// `ItemData` with its value as an attribute, or `ItemDataInteger` and the like.  ODM 1.3.2 §3.1.4.1.1.3.1
    fn of(start: &BytesStart<'_>) -> Result<Option<Self>, Unreadable> {
        let Some(kind) = local(start).strip_prefix("ItemData").map(str::to_owned) else { return Ok(None) };
        let Some(oid) = attribute(start, "ItemOID")? else { return Ok(None) };
        let is_null = attribute(start, "IsNull")?.as_deref() == Some("Yes");
        let is_gone = transaction(start)?.as_deref() == Some("Remove");
        let value = match attribute(start, "Value")? {
            _ if is_null || is_gone => None,
            None if !kind.is_empty() => Some(String::new()),
            value => value,
        };
        Ok(Some(Self { oid, value, is_typed: !kind.is_empty() && !is_null && !is_gone }))
    }

    fn add(&mut self, text: &str) {
        if self.is_typed {
            self.value.get_or_insert_default().push_str(text);
        }
    }
}

/// Its name without a prefix.
fn local(start: &BytesStart<'_>) -> String {
    start.local_name().into_inner().to_owned()
}

fn transaction(start: &BytesStart<'_>) -> Result<Option<String>, Unreadable> {
    attribute(start, "TransactionType")
}

fn says(start: &BytesStart<'_>, names: &[&str]) -> Result<Vec<(String, String)>, Unreadable> {
    let mut says = Vec::new();
    for name in names {
        let Some(value) = attribute(start, name)? else { continue };
        if value.chars().count() > KEY_CHARACTERS_MAX {
            return Err(Unreadable("a key in it is longer than is read"));
        }
        says.push(((*name).to_owned(), value));
    }
    Ok(says)
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, Unreadable> {
    // Comparing each attribute with all before it takes too long where somebody writes a million of them.
    let mut attributes = start.attributes();
    attributes.with_checks(false);
    for (nth, found) in attributes.enumerate() {
        let found = found.map_err(|_| NO_XML)?;
        if nth >= COLUMNS_MAX {
            return Err(Unreadable("an element has too many attributes"));
        }
        if found.key.into_inner() == name {
            return unescaped(&found.value).map(|text| Some(text.into_owned()));
        }
    }
    Ok(None)
}

fn unescaped(raw: &str) -> Result<Cow<'_, str>, Unreadable> {
    quick_xml::escape::unescape(raw)
        .map_err(|_| Unreadable("it holds an entity that is not one of XML's own"))
}
