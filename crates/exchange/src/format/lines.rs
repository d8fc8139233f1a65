//! JSON values, each in its line: records, or a dataset whose first line is its head and whose others are rows.  <https://github.com/ndjson/ndjson-spec>

use serde_json::Value;

use super::{
    End, Place, Position, ROWS_MAX, Read, Rest, Row, Shape, Unreadable, What, Within, dataset_json::Head,
    keyed,
};

pub(super) fn read(shape: &Shape, from: &Position, (text, rest): (&str, Rest)) -> Result<Read, Unreadable> {
    let mut read = Read { rows: Vec::new(), consumed: 0, within: from.within.clone(), end: End::Anywhere };
    let mut line = from.line;
    while read.rows.len() < ROWS_MAX {
        let left = text.get(read.consumed..).unwrap_or_default();
        let len = match left.find('\n') {
            Some(end) => end + 1,
            None if rest == Rest::Nothing && !left.is_empty() => left.len(),
            None => break,
        };
        let words = left.get(..len).unwrap_or_default().trim();
        read.consumed += len;
        line += 1;
        if words.is_empty() {
            continue;
        }
        let nth = from.row + read.rows.len() as u64;
        if read.within == Within::Start {
            if is_head(words) {
                read.within = Within::Dataset(Head::parse(words)?);
                continue;
            }
            read.within = Within::Lines;
        }
        read.rows.push(match &read.within {
            Within::Dataset(head) => head.row(words, nth, Place::Line(line)),
            _ => record(words, shape, Place::Line(line)),
        });
    }
    if rest == Rest::Nothing
        && read.consumed == text.len()
        && let Within::Dataset(head) = &read.within
    {
        // The rows before are given out first: this is told from behind them.
        match head.has_all(from.row + read.rows.len() as u64) {
            Err(fault) if read.rows.is_empty() => return Err(fault),
            Err(_) => read.end = End::Behind,
            Ok(()) => {}
        }
    }
    Ok(read)
}

fn is_head(words: &str) -> bool {
    let value = serde_json::from_str::<Value>(words);
    value.is_ok_and(|value| value.get("datasetJSONVersion").is_some())
}

fn record(words: &str, shape: &Shape, place: Place) -> Row {
    let (key, what) = match serde_json::from_str::<Value>(words) {
        Ok(record) if record.is_object() => keyed(record, &shape.key, place),
        Ok(_) => {
            let what = What::Unreadable { why: "the line is no object in JSON", text: words.to_owned() };
            (place.to_string(), what)
        }
        Err(_) => {
            let what = What::Unreadable { why: "the line is not JSON", text: words.to_owned() };
            (place.to_string(), what)
        }
    };
    Row { stream: None, key, place, what }
}
