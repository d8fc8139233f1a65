//! A record as the call wants to see it: `_summary`, `_elements`.

use axum::response::Response;
use http::HeaderMap;
use web::{Answer, Problem};

use super::{answer, posted::invalid, shape::Part};
use crate::resource::Version;

/// What is shown of records.
pub(crate) fn part(query: &str) -> Result<Part, Problem> {
    let mut part = Part::Whole;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        part = match (&*name, &*value) {
            ("_elements", names) => Part::named(names).map_err(|words| invalid(words, "_elements"))?,
            ("_summary", "false" | "count") => part,
            ("_summary", "text") => Part::Text,
            ("_summary", "data") => Part::Data,
            ("_summary", "true") => Part::Summary,
            ("_summary", _) => {
                return Err(invalid("_summary must be true, text, data, count or false", "_summary"));
            }
            _ => part,
        };
    }
    Ok(part)
}

/// One record.
pub(crate) fn record(asked: &HeaderMap, query: Option<&str>, version: Version) -> Answer<Response> {
    match part(query.unwrap_or_default())? {
        Part::Whole => Ok(answer::read(version, asked)),
        part => Ok(answer::read_part(&version, |body| part.of(body))),
    }
}
