//! Files of records, read a window at a time.
//!
//! A reader is a pure function: where it is in a file and the bytes from there on go in, records and where it is then come out. It keeps nothing between
//! two calls, so that a file is read on by another process from the very byte, and it never holds more of a file than one window. Bytes come from
//! outside: whatever they are, a reader answers with records and findings, and does not panic.

mod csv;
mod dataset_json;
mod lines;
mod odm;
mod scan;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use csv::{Csv, Header};
pub use text::Encoding;

/// The most bytes of a file that are held at once; no row, header or element may be longer.
pub const WINDOW_BYTES_MAX: usize = 4 << 20;
/// Rows that one call answers with at most.
pub const ROWS_MAX: usize = 500;
/// The most columns of a table, items of an item group and attributes of an element.
pub const COLUMNS_MAX: usize = 2_000;
/// The most bytes of the names of all columns of a table.
pub const COLUMNS_BYTES_MAX: usize = 64 * 1024;
/// How deep elements of a file may nest.
pub const DEPTH_MAX: usize = 32;

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// A table of texts, separated.  RFC 4180
    Csv(Csv),
    /// Clinical data of the Operational Data Model.  <https://www.cdisc.org/standards/data-exchange/odm-xml>
    OdmXml,
    /// A dataset in JSON.  <https://www.cdisc.org/standards/data-exchange/dataset-json>
    DatasetJson,
    /// JSON values, each in its line: records, or a dataset whose first line is its head.
    Ndjson,
}

/// A file as it is read: how it is written, and what tells one record from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// How it is written.
    pub format: Format,
    /// In which characters. ODM-XML says it itself.
    pub encoding: Encoding,
    /// Members of a record that together tell it apart; where there are none, its place does.
    pub key: Vec<String>,
}

/// Whether more of the file follows the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It does.
    More,
    /// The window goes to the end of the file.
    Nothing,
}

/// Where in a file a reader is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Bytes before it.
    pub byte: u64,
    /// Rows before it.
    pub row: u64,
    /// Ends of lines before it.
    line: u64,
    within: Within,
}

/// What a reader knows from what came before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
enum Within {
    /// Nothing.
    #[default]
    Start,
    /// The names of the columns.
    Table { columns: Vec<String> },
    /// The head of a dataset.
    Dataset(dataset_json::Head),
    /// Lines that are records.
    Lines,
    /// Elements that are open.
    Odm(odm::Open),
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The dataset or item group that it belongs to; none where a file holds only one sort and does not name it.
    pub stream: Option<String>,
    /// Tells it apart in its stream, as long as the source does not change what it calls things.
    pub key: String,
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub what: What,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A record as it is.
    Record(Value),
    /// A record is gone; what is said of it is what tells it apart.
    Removed(Value),
    /// It cannot be read.
    Unreadable {
        /// Why.
        why: &'static str,
        /// What stands there.
        text: String,
    },
}

/// Where in a file something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(u64),
    /// A row of a dataset, counted from 1.
    Row(u64),
    /// An item group, counted from 1.
    ItemGroup(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(nth) => write!(f, "line {nth}"),
            Self::Row(nth) => write!(f, "row {nth}"),
            Self::ItemGroup(nth) => write!(f, "item group {nth}"),
        }
    }
}

/// What a window comes to. One that brings nothing and leads nowhere asks for a longer window, up to [`WINDOW_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Behind them; none at the end of the file.
    pub next: Option<Position>,
}

/// Nothing more of the file can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

const TOO_LONG: Unreadable = Unreadable("something in it does not end within what is read at once");
const CUT_OFF: Unreadable = Unreadable("it ends in the middle, or is not well-formed");

/// What a reader made of a text.
struct Read {
    rows: Vec<Row>,
    /// Bytes of the text that are dealt with.
    consumed: usize,
    within: Within,
    end: End,
}

/// Where a file may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It says that nothing more comes.
    Here,
    /// Behind what is dealt with.
    Anywhere,
    /// Something has to follow.
    Behind,
}

/// The next rows. `window` begins at `from`.
///
/// # Errors
/// [`Unreadable`]: it stays so, from this place on.
pub fn read(shape: &Shape, from: &Position, window: &[u8], rest: Rest) -> Result<Chunk, Unreadable> {
    let encoding = match (&shape.format, &from.within) {
        (Format::OdmXml, Within::Odm(open)) => open.encoding,
        (Format::OdmXml, _) if rest == Rest::More && window.len() < odm::DECLARED_WITHIN => {
            return Ok(Chunk { rows: Vec::new(), next: Some(from.clone()) });
        }
        (Format::OdmXml, _) => odm::encoding(window)?,
        _ => shape.encoding,
    };
    let decoded = text::decode(window, encoding, (from.byte == 0, rest))?;
    let rest_of_text = decoded.rest;
    let read = match &shape.format {
        Format::Csv(csv) => csv::read(csv, shape, from, (&decoded.text, rest_of_text)),
        Format::OdmXml => odm::read(from, encoding, &decoded.text),
        Format::DatasetJson => dataset_json::read(from, &decoded.text),
        Format::Ndjson => lines::read(shape, from, (&decoded.text, rest_of_text)),
    }?;
    let done = decoded.text.get(..read.consumed).unwrap_or(&decoded.text);
    let bytes = decoded.bytes(done);
    let is_all = rest_of_text == Rest::Nothing && read.consumed == decoded.text.len();
    let is_over = read.end == End::Here || (is_all && read.end == End::Anywhere);
    let next = Position {
        byte: from.byte + bytes as u64,
        row: from.row + read.rows.len() as u64,
        line: from.line + done.bytes().filter(|byte| *byte == b'\n').count() as u64,
        within: read.within,
    };
    if is_over {
        return Ok(Chunk { rows: read.rows, next: None });
    }
    if next.byte == from.byte {
        // Nothing was dealt with: what stands here does not end within what is held.
        return Err(match rest_of_text {
            _ if decoded.is_broken => text::BROKEN,
            Rest::More if window.len() < WINDOW_BYTES_MAX => {
                return Ok(Chunk { rows: Vec::new(), next: Some(from.clone()) });
            }
            Rest::More => TOO_LONG,
            Rest::Nothing => CUT_OFF,
        });
    }
    Ok(Chunk { rows: read.rows, next: Some(next) })
}

/// All rows of a file that is held as a whole.
///
/// # Errors
/// [`Unreadable`]: then nothing of it counts.
pub fn whole(shape: &Shape, file: &[u8]) -> Result<Vec<Row>, Unreadable> {
    let (mut rows, mut at) = (Vec::new(), Position::default());
    loop {
        let begin = usize::try_from(at.byte).unwrap_or(usize::MAX).min(file.len());
        let end = begin.saturating_add(WINDOW_BYTES_MAX).min(file.len());
        let rest = if end < file.len() { Rest::More } else { Rest::Nothing };
        let chunk = read(shape, &at, file.get(begin..end).unwrap_or_default(), rest)?;
        rows.extend(chunk.rows);
        match chunk.next {
            Some(next) => at = next,
            None => return Ok(rows),
        }
    }
}

/// The key of a record by its members, as one text; none if one of them is missing.
fn key_of(record: &Value, names: &[String]) -> Option<String> {
    let part = |name: &String| {
        record.get(name).filter(|value| !value.is_null() && value.as_str() != Some("")).cloned()
    };
    let parts: Vec<Value> = names.iter().map(part).collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| Value::Array(parts).to_string())
}

/// A record with its key, or why it has none.
fn keyed(record: Value, names: &[String], place: Place) -> (String, What) {
    if names.is_empty() {
        return (place.to_string(), What::Record(record));
    }
    match key_of(&record, names) {
        Some(key) => (key, What::Record(record)),
        None => {
            let why = "a member that tells records apart is missing or empty";
            (place.to_string(), What::Unreadable { why, text: record.to_string() })
        }
    }
}

#[cfg(test)]
mod tests;
