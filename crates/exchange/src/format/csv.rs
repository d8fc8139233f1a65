//! Tables of texts: the first row names the columns.  RFC 4180
//!
//! A record is an object with a text for each column. A row with another number of fields than there are columns is told of, and the others are read.

use std::collections::BTreeSet;

use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

use super::{
    COLUMNS_BYTES_MAX, COLUMNS_MAX, End, Place, Position, ROWS_MAX, Read, Rest, Row, Shape, Unreadable, What,
    Within, keyed,
};

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    /// Between two fields; ASCII.
    pub delimiter: u8,
    /// Around a field that holds delimiters, quotes or ends of lines; doubled within. ASCII.
    pub quote: u8,
    /// Whether the first row names the columns.
    pub header: Header,
}

/// Whether the first row names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// It does.
    Named,
    /// It is a record already: columns are called `c1`, `c2`, …
    Numbered,
}

impl Default for Csv {
    fn default() -> Self {
        Self { delimiter: b',', quote: b'"', header: Header::Named }
    }
}

pub(super) fn read(
    csv: &Csv,
    shape: &Shape,
    from: &Position,
    (text, rest): (&str, Rest),
) -> Result<Read, Unreadable> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(csv.delimiter)
        .quote(csv.quote)
        .from_reader(text.as_bytes());
    let mut columns = match &from.within {
        Within::Table { columns } => Some(columns.clone()),
        _ => None,
    };
    let mut read = Read { rows: Vec::new(), consumed: 0, within: from.within.clone(), end: End::Anywhere };
    let mut lines = Lines { text, at: 0, line: from.line + 1 };
    let mut fields = StringRecord::new();
    while read.rows.len() < ROWS_MAX {
        let begins = usize::try_from(reader.position().byte()).unwrap_or(0);
        let is_row = reader.read_record(&mut fields).map_err(|_| super::text::BROKEN)?;
        let ends = usize::try_from(reader.position().byte()).unwrap_or(0);
        // What goes up to the end of the window may go on behind it.
        if rest == Rest::More && ends >= text.len() {
            break;
        }
        read.consumed = ends;
        if !is_row {
            break;
        }
        let line = lines.of(begins);
        match (&columns, csv.header) {
            (None, Header::Named) => {
                columns = Some(named(&fields)?);
                continue;
            }
            (None, Header::Numbered) => columns = Some(numbered(&fields)?),
            (Some(_), _) => {}
        }
        let names = columns.as_deref().unwrap_or_default();
        read.rows.push(row(&fields, names, (shape, Place::Line(line))));
    }
    if let Some(columns) = columns {
        read.within = Within::Table { columns };
    }
    Ok(read)
}

/// Counts lines without looking at any of them twice.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line in which the row stands that begins there, behind ends of lines that still belong to the row before.
    fn of(&mut self, begins: usize) -> u64 {
        let bytes = self.text.as_bytes();
        let blank = bytes.get(begins..).unwrap_or_default();
        let blank = blank.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let begins = begins + blank;
        let between = bytes.get(self.at..begins).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = begins;
        self.line
    }
}

fn named(fields: &StringRecord) -> Result<Vec<String>, Unreadable> {
    let names: Vec<String> = fields.iter().map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        return Err(Unreadable("its first row leaves a column without a name"));
    }
    let different: BTreeSet<&String> = names.iter().collect();
    if different.len() < names.len() {
        return Err(Unreadable("two of its columns have the same name"));
    }
    bounded(names)
}

fn numbered(fields: &StringRecord) -> Result<Vec<String>, Unreadable> {
    bounded((1..=fields.len()).map(|nth| format!("c{nth}")).collect())
}

/// The names of the columns, if there are not too many.
pub(super) fn bounded(names: Vec<String>) -> Result<Vec<String>, Unreadable> {
    let bytes: usize = names.iter().map(|name| name.len() + 3).sum();
    if names.len() > COLUMNS_MAX || bytes > COLUMNS_BYTES_MAX {
        return Err(Unreadable("it has too many columns"));
    }
    Ok(names)
}

fn row(fields: &StringRecord, names: &[String], (shape, place): (&Shape, Place)) -> Row {
    if fields.len() != names.len() {
        let why = "the row has another number of fields than there are columns";
        let text = Value::from(fields.iter().collect::<Vec<_>>()).to_string();
        let what = What::Unreadable { why, text };
        return Row { stream: None, key: place.to_string(), place, what };
    }
    let member = |(name, field): (&String, &str)| (name.clone(), Value::from(field));
    let record: Map<String, Value> = names.iter().zip(fields.iter()).map(member).collect();
    let (key, what) = keyed(Value::Object(record), &shape.key, place);
    Row { stream: None, key, place, what }
}
