//! Dataset-JSON 1.1: a head that names the columns, and rows that are arrays.  <https://wiki.cdisc.org/display/DSJSON1DOT1>
//!
//! A record is an object with a member for each column, as its row has it; what tells it apart are the columns with a `keySequence`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    End, Place, Position, ROWS_MAX, Read, Row, Unreadable, What, Within, csv::bounded, key_of, scan,
};

const NO_DATASET: Unreadable = Unreadable("it is no Dataset-JSON");

/// What is known of a dataset once its rows begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    name: String,
    columns: Vec<String>,
    /// The columns that tell a record apart, in their order.
    key: Vec<String>,
    /// How many rows it says that it has.
    records: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stated {
    #[serde(rename = "datasetJSONVersion")]
    version: String,
    name: Option<String>,
    #[serde(rename = "itemGroupOID")]
    item_group_oid: Option<String>,
    records: Option<u64>,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Column {
    name: String,
    key_sequence: Option<u64>,
}

impl Head {
    /// The head of a dataset by itself: the first line of one that is written in lines.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        Self::of(serde_json::from_str(text).map_err(|_| NO_DATASET)?)
    }

    fn of(stated: Stated) -> Result<Self, Unreadable> {
        if stated.version != "1.1" && !stated.version.starts_with("1.1.") {
            return Err(Unreadable("it is of another version of Dataset-JSON than 1.1"));
        }
        let name = stated.name.or(stated.item_group_oid).filter(|name| !name.is_empty());
        let name = name.ok_or(Unreadable("it does not say which dataset it is"))?;
        let mut key: Vec<(u64, &str)> =
            stated.columns.iter().filter_map(|one| Some((one.key_sequence?, one.name.as_str()))).collect();
        key.sort_unstable();
        let key = key.into_iter().map(|(_, name)| name.to_owned()).collect();
        let columns = bounded(stated.columns.into_iter().map(|column| column.name).collect())?;
        let mut once = columns.clone();
        once.sort_unstable();
        once.dedup();
        if columns.is_empty() || once.len() < columns.len() {
            return Err(Unreadable("its columns have no names, or the same"));
        }
        Ok(Self { name, columns, key, records: stated.records })
    }

    /// A row by its text; `nth` is counted from 0.
    pub fn row(&self, text: &str, nth: u64, place: Place) -> Row {
        let stream = Some(self.name.clone());
        let unreadable = |why| Row {
            stream: stream.clone(),
            key: format!("row {}", nth + 1),
            place,
            what: What::Unreadable { why, text: text.to_owned() },
        };
        let Ok(values) = serde_json::from_str::<Vec<Value>>(text) else {
            return unreadable("the row is no array in JSON");
        };
        if values.len() != self.columns.len() {
            return unreadable("the row has another number of values than there are columns");
        }
        let record: Map<String, Value> = self.columns.iter().cloned().zip(values).collect();
        let record = Value::Object(record);
        let key = match key_of(&record, &self.key) {
            Some(key) => key,
            None if self.key.is_empty() => format!("row {}", nth + 1),
            // A key may have empty parts, as datasets have them; all of them empty tell nothing apart.
            None => {
                let part = |name: &String| record.get(name).cloned().unwrap_or_default();
                let parts: Vec<Value> = self.key.iter().map(part).collect();
                if parts.iter().all(|part| part.is_null() || part.as_str() == Some("")) {
                    return unreadable("the columns that tell records apart are all empty");
                }
                Value::Array(parts).to_string()
            }
        };
        Row { stream, key, place, what: What::Record(record) }
    }

    /// Whether so many rows are as many as it says.
    pub fn has_all(&self, rows: u64) -> Result<(), Unreadable> {
        match self.records {
            Some(records) if records != rows => Err(Unreadable("it has another number of rows than it says")),
            _ => Ok(()),
        }
    }
}

pub(super) fn read(from: &Position, text: &str) -> Result<Read, Unreadable> {
    let (head, begins) = match &from.within {
        Within::Dataset(head) => (head.clone(), 0),
        within => match head(text)? {
            Some(found) => found,
            None => {
                return Ok(Read { rows: Vec::new(), consumed: 0, within: within.clone(), end: End::Behind });
            }
        },
    };
    let bytes = text.as_bytes();
    let (mut rows, mut at, mut end) = (Vec::new(), begins, End::Behind);
    while rows.len() < ROWS_MAX {
        let next = scan::behind_blanks(bytes, at);
        let next = if bytes.get(next) == Some(&b',') { scan::behind_blanks(bytes, next + 1) } else { next };
        let nth = from.row + rows.len() as u64;
        match bytes.get(next) {
            None => break,
            Some(b']') => {
                head.has_all(nth)?;
                end = End::Here;
                break;
            }
            Some(_) => {}
        }
        let Some(behind) = scan::behind_value(bytes, next)? else { break };
        rows.push(head.row(text.get(next..behind).unwrap_or_default(), nth, Place::Row(nth + 1)));
        at = behind;
    }
    Ok(Read { rows, consumed: at, within: Within::Dataset(head), end })
}

/// The head, and where the rows begin; none if they begin behind the window.
fn head(text: &str) -> Result<Option<(Head, usize)>, Unreadable> {
    let bytes = text.as_bytes();
    let at = scan::behind_blanks(bytes, 0);
    match bytes.get(at) {
        None => return Ok(None),
        Some(b'{') => {}
        Some(_) => return Err(NO_DATASET),
    }
    let mut at = at + 1;
    let mut stated = Map::new();
    loop {
        at = scan::behind_blanks(bytes, at);
        if bytes.get(at) == Some(&b',') {
            at = scan::behind_blanks(bytes, at + 1);
        }
        match bytes.get(at) {
            None => return Ok(None),
            Some(b'"') => {}
            Some(_) => return Err(Unreadable("it has no rows")),
        }
        let Some(behind) = scan::behind_value(bytes, at)? else { return Ok(None) };
        let name: String =
            serde_json::from_str(text.get(at..behind).unwrap_or_default()).map_err(|_| NO_DATASET)?;
        at = scan::behind_blanks(bytes, behind);
        match bytes.get(at) {
            None => return Ok(None),
            Some(b':') => at = scan::behind_blanks(bytes, at + 1),
            Some(_) => return Err(NO_DATASET),
        }
        if name == "rows" {
            return match bytes.get(at) {
                None => Ok(None),
                Some(b'[') => {
                    let stated = Stated::deserialize(Value::Object(stated));
                    let stated = stated
                        .map_err(|_| Unreadable("what stands before its rows is no head of a dataset"))?;
                    Ok(Some((Head::of(stated)?, at + 1)))
                }
                Some(_) => Err(NO_DATASET),
            };
        }
        let Some(behind) = scan::behind_value(bytes, at)? else { return Ok(None) };
        if matches!(name.as_str(), "datasetJSONVersion" | "name" | "itemGroupOID" | "records" | "columns") {
            let value = serde_json::from_str(text.get(at..behind).unwrap_or_default());
            stated.insert(name, value.map_err(|_| NO_DATASET)?);
        }
        at = behind;
    }
}
