//! What an export says of its files.  <https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status>

use std::hash::{DefaultHasher, Hasher};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    connector::{Found, Name, PullFault, Raw},
    mapping::Unmapped,
};

/// The most files of an export.
pub const EXPORT_FILES_MAX: usize = 100_000;
/// What the names of an export's errors begin with.
pub(super) const ERRORS: &str = "export.";
const UNREADABLE: PullFault = PullFault::again("the source's answer cannot be read");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub transaction_time: String,
    #[serde(default)]
    pub requires_access_token: bool,
    #[serde(default)]
    pub output: Vec<File>,
    #[serde(default)]
    pub deleted: Vec<File>,
    #[serde(default)]
    pub error: Vec<File>,
}

#[derive(Deserialize)]
pub(super) struct File {
    #[serde(rename = "type", default)]
    pub of: String,
    pub url: String,
    pub count: Option<u64>,
}

impl File {
    /// Tells files apart; what stands behind `?` may be another signature each time.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(self.of.as_bytes());
        hasher.write_u8(0);
        hasher.write(self.url.split('?').next().unwrap_or_default().as_bytes());
        hasher.finish()
    }
}

impl Manifest {
    pub fn read(body: &[u8]) -> Result<Self, PullFault> {
        let read: Self = serde_json::from_slice(body).map_err(|_| UNREADABLE)?;
        if [&read.output, &read.deleted, &read.error].iter().any(|files| files.len() > EXPORT_FILES_MAX) {
            return Err(PullFault::last("the source's export has too many files"));
        }
        match read.transaction_time.parse::<kernel::Timestamp>() {
            Ok(_) => Ok(read),
            Err(_) => Err(PullFault::last("the source does not say of what time its export is")),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    resource_type: String,
    id: String,
}

/// A record of a line. What is no JSON was damaged on the way; what is no resource waits in quarantine, named by what it says.
pub(super) fn record(line: Vec<u8>, of: &str) -> Result<Found, PullFault> {
    let damaged = PullFault::again("a line of the source's file cannot be read");
    let text = String::from_utf8(line).map_err(|_| damaged.clone())?;
    let whole: &RawValue = serde_json::from_str(&text).map_err(|_| damaged)?;
    let name = match serde_json::from_str::<Head>(whole.get()) {
        Ok(head) => Name { of: head.resource_type, id: head.id },
        Err(_) => {
            let mut hasher = DefaultHasher::new();
            hasher.write(text.as_bytes());
            Name { of: of.to_owned(), id: format!("line-{:016x}", hasher.finish()) }
        }
    };
    Ok(Found::new(name, text))
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    issue: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    severity: Option<String>,
}

/// What a line of `error` says could not be exported: it waits in quarantine, as the source put it. Warnings and notes are none.
pub(super) fn error(line: Vec<u8>, (file, nth): (usize, u64)) -> Result<Option<Found>, PullFault> {
    let text = String::from_utf8(line)
        .map_err(|_| PullFault::again("a line of the source's file cannot be read"))?;
    let told: Option<Told> = serde_json::from_str(&text).ok();
    let is_error =
        |problem: &Problem| !matches!(problem.severity.as_deref(), Some("warning" | "information"));
    // What says nothing of how bad it is, is taken for bad.
    if told.is_some_and(|told| !told.issue.is_empty() && !told.issue.iter().any(is_error)) {
        return Ok(None);
    }
    let words = "the source could not export something: this is what it says of it".to_owned();
    Ok(Some(Found {
        name: Name { of: "OperationOutcome".to_owned(), id: format!("{ERRORS}{file}-{nth}") },
        text: Err(Unmapped { code: "processing", words }),
        raw: Some(Raw { stream: "error".to_owned(), record: text.into(), account: None }),
    }))
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
}

/// The records that a line of `deleted` says are gone: a transaction of deletions.
pub(super) fn gone(line: &[u8]) -> Result<Vec<Name>, PullFault> {
    let damaged = PullFault::again("a line of the source's file cannot be read");
    let read: Transaction = serde_json::from_slice(line).map_err(|_| damaged)?;
    let deletions = read.entry.into_iter().filter_map(|entry| entry.request);
    let deletions = deletions.filter(|request| request.method == "DELETE");
    let named = deletions.filter_map(|request| {
        let (of, id) = request.url.rsplit_once('/')?;
        let of = of.rsplit('/').next()?;
        Some(Name { of: of.to_owned(), id: id.to_owned() })
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_the_same_under_another_signature() {
        let file = |url: &str| File { of: "Patient".to_owned(), url: url.to_owned(), count: None }.digest();
        assert_eq!(file("https://a.example/1?sig=x"), file("https://a.example/1?sig=y"));
        assert_ne!(file("https://a.example/1"), file("https://a.example/2"));
    }

    #[test]
    fn errors_of_an_export_wait_and_its_notes_do_not() {
        let told = |line: &str| error(line.as_bytes().to_vec(), (0, 4)).unwrap();
        let outcome = |severity: &str| {
            format!(
                r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"{severity}","code":"exception"}}]}}"#
            )
        };
        for line in [outcome("error"), outcome("fatal"), "{}".to_owned(), "not JSON".to_owned()] {
            let found = told(&line).unwrap();
            assert_eq!((found.name.id.as_str(), &*found.raw.unwrap().record), ("export.0-4", line.as_str()));
            assert!(found.text.is_err());
        }
        for severity in ["warning", "information"] {
            assert!(told(&outcome(severity)).is_none());
        }
    }

    #[test]
    fn lines_are_records_or_wait_or_were_damaged() {
        let name = |line: &str| record(line.as_bytes().to_vec(), "Patient").map(|found| found.name);
        assert_eq!(name(r#"{"resourceType":"Patient","id":"a"}"#).unwrap().id, "a");
        assert!(name(r#"{"resourceType":"Patient"}"#).unwrap().id.starts_with("line-"));
        assert!(name(r#"{"resourceType":"Pat"#).is_err());
        let line = r#"{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Patient/a"}},
            {"request":{"method":"DELETE","url":"https://x.example/fhir/Observation/b"}},{"request":{"method":"PUT","url":"Patient/c"}}]}"#;
        let gone: Vec<String> = gone(line.as_bytes())
            .unwrap()
            .into_iter()
            .map(|name| format!("{}/{}", name.of, name.id))
            .collect();
        assert_eq!(gone, ["Patient/a", "Observation/b"]);
    }
}
