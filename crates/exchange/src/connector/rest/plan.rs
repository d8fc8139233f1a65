//! What is declared of a REST API: its streams, how each is paged, and what tells of changes and deletions.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Issue;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::mapping::{self, Mapping};

/// The most records of one page.
pub const PAGE_RECORDS_MAX: usize = 2_000;
/// Pages of one stream in one run, unless the stream says less.
pub const PAGES_MAX: u32 = 100_000;
/// So much before the last change that is known an incremental run begins, in seconds, unless the stream says otherwise.
pub const OVERLAP_S: u32 = 120;
/// The longest overlap that a stream may want: 31 days.
const OVERLAP_S_MAX: u32 = 31 * 86_400;

/// What is pulled of an API, and what it becomes.
pub struct Plan {
    pub(super) streams: Vec<Stream>,
}

/// One sort of records.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stream {
    /// What the mapping calls it.
    pub name: String,
    /// Behind the base.
    pub path: String,
    /// Where in an answer its records stand: a JSON pointer.
    #[serde(default)]
    pub records: String,
    /// Parameters of every call.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub pagination: Pagination,
    pub incremental: Option<Incremental>,
    pub deleted: Option<Deleted>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pagination {
    #[serde(default)]
    pub style: Style,
    /// What tells the page, the offset or the cursor.
    pub parameter: Option<String>,
    pub size_parameter: Option<String>,
    pub size: Option<u32>,
    /// The number of the first page.
    pub first: Option<u64>,
    /// Where in an answer the next cursor or address stands: a JSON pointer.
    pub next: Option<String>,
    #[serde(default)]
    pub end: End,
    pub pages_max: Option<u32>,
}

/// How one comes from a page to the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Style {
    #[default]
    None,
    Page,
    Offset,
    Cursor,
    LinkHeader,
    NextUrl,
}

/// Which page is the last, where the answer does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// One without records.
    #[default]
    Empty,
    /// One with fewer than `size`.
    Short,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Incremental {
    /// What asks for changes since then.
    pub parameter: String,
    /// When a record was changed: a JSON pointer.
    pub field: String,
    #[serde(default)]
    pub format: TimeFormat,
    pub overlap_s: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimeFormat {
    #[default]
    Iso,
    Date,
    UnixS,
    UnixMs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deleted {
    /// What says that a record is gone: a JSON pointer.
    pub field: String,
    /// By which value; any but false and null where nothing is said.
    pub equals: Option<Value>,
}

/// The configuration of an API, read as a whole: what is pulled, and what it becomes. None where it declares no streams.
///
/// # Errors
/// Everything that is wrong with it, each finding at its field: `streams.0.path`, `mapping.streams.visits.0.key`.
pub fn declared(config: &Map<String, Value>) -> Result<Option<(Plan, Mapping)>, Vec<Issue>> {
    let (streams, mapping) = (config.get("streams"), config.get("mapping"));
    let (Some(streams), Some(mapping)) = (streams, mapping) else {
        return match (streams, mapping) {
            (None, None) => Ok(None),
            (None, _) => Err(vec![Issue::at("streams", "is missing: a mapping is of streams")]),
            _ => Err(vec![Issue::at("mapping", "is missing: it says what records of `streams` become")]),
        };
    };
    let mut issues = Vec::new();
    if !config.contains_key("site_id") {
        issues.push(Issue::at("site_id", "is missing: it says where records come into"));
    }
    let mapping = Mapping::read(mapping).map_err(|found| {
        issues.extend(
            found.into_iter().map(|issue| Issue::at(format!("mapping.{}", issue.path), issue.message)),
        );
    });
    let plan = Plan::read(streams).map_err(|found| issues.extend(found));
    if let (Ok(plan), Ok(mapping)) = (&plan, &mapping) {
        let named: BTreeSet<&str> = plan.streams.iter().map(|stream| stream.name.as_str()).collect();
        for (nth, stream) in plan.streams.iter().enumerate().filter(|(_, stream)| !mapping.has(&stream.name))
        {
            let message = format!("the mapping has no stream `{}`", stream.name);
            issues.push(Issue::at(format!("streams.{nth}.name"), message));
        }
        for stream in mapping.streams().filter(|stream| !named.contains(stream)) {
            issues.push(Issue::at(format!("mapping.streams.{stream}"), "is not among `streams`"));
        }
    }
    match (plan, mapping) {
        (Ok(plan), Ok(mapping)) if issues.is_empty() => Ok(Some((plan, mapping))),
        _ => Err(issues),
    }
}

impl Plan {
    fn read(declared: &Value) -> Result<Self, Vec<Issue>> {
        let at = |issue: Issue| vec![Issue::at(format!("streams.{}", issue.path), issue.message)];
        let streams: Vec<Stream> = web::shaped(declared).map_err(at)?;
        let mut issues = Vec::new();
        if streams.is_empty() || streams.len() > mapping::STREAMS_MAX {
            issues.push(Issue::at("streams", format!("must be 1 to {}", mapping::STREAMS_MAX)));
        }
        let mut names = BTreeSet::new();
        for (nth, stream) in streams.iter().enumerate() {
            if !names.insert(stream.name.as_str()) {
                issues.push(Issue::at(format!("streams.{nth}.name"), "is the name of another stream"));
            }
            for (field, message) in stream.wrong() {
                issues.push(Issue::at(format!("streams.{nth}.{field}"), message));
            }
        }
        if issues.is_empty() { Ok(Self { streams }) } else { Err(issues) }
    }
}

impl Stream {
    fn wrong(&self) -> Vec<(&'static str, &'static str)> {
        const NO_POINTER: &str = "must be a JSON pointer";
        const NEEDED: &str = "is missing: this style needs it";
        let paging = &self.pagination;
        let is_pointer = |text: &str| text.is_empty() || text.starts_with('/');
        let needs_parameter = matches!(paging.style, Style::Page | Style::Offset | Style::Cursor);
        let needs_next = matches!(paging.style, Style::Cursor | Style::NextUrl);
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let checks = [
            (self.name.is_empty(), "name", "must not be empty"),
            (!self.is_below_its_base(), "path", "must lead to somewhere below the base"),
            (!is_pointer(&self.records), "records", NO_POINTER),
            (needs_parameter && !said(&paging.parameter), "pagination.parameter", NEEDED),
            (
                !needs_parameter && paging.parameter.is_some(),
                "pagination.parameter",
                "does not go with this style",
            ),
            (needs_next && !said(&paging.next), "pagination.next", NEEDED),
            (paging.next.as_ref().is_some_and(|next| !is_pointer(next)), "pagination.next", NO_POINTER),
            (
                paging.size.is_some() != said(&paging.size_parameter),
                "pagination.size",
                "goes with `size_parameter`",
            ),
            (paging.size.is_some_and(|size| size == 0), "pagination.size", "must be at least 1"),
            (
                paging.size.is_some_and(|size| size as usize > PAGE_RECORDS_MAX),
                "pagination.size",
                "must be at most 2000",
            ),
            (paging.end == End::Short && paging.size.is_none(), "pagination.end", "needs `size`"),
            (
                paging.pages_max.is_some_and(|pages| pages == 0 || pages > PAGES_MAX),
                "pagination.pages_max",
                "must be 1 to 100000",
            ),
            (
                self.incremental.as_ref().is_some_and(|one| one.parameter.is_empty()),
                "incremental.parameter",
                "must not be empty",
            ),
            (
                self.incremental.as_ref().is_some_and(|one| !one.field.starts_with('/')),
                "incremental.field",
                NO_POINTER,
            ),
            (
                self.incremental
                    .as_ref()
                    .and_then(|one| one.overlap_s)
                    .is_some_and(|overlap| overlap > OVERLAP_S_MAX),
                "incremental.overlap_s",
                "must be at most 2678400",
            ),
            (
                self.deleted.as_ref().is_some_and(|one| !one.field.starts_with('/')),
                "deleted.field",
                NO_POINTER,
            ),
        ];
        checks
            .into_iter()
            .filter(|(is_wrong, ..)| *is_wrong)
            .map(|(_, field, message)| (field, message))
            .collect()
    }

    fn is_below_its_base(&self) -> bool {
        let Ok(base) = Url::parse("https://base.invalid/base/") else { return false };
        self.url(&base).is_some_and(|url| url.fragment().is_none() && url.query().is_none())
    }

    /// Its address below a base with a slash at the end.
    pub fn url(&self, base: &Url) -> Option<Url> {
        let url = base.join(&format!("./{}", self.path.trim_start_matches('/'))).ok()?;
        (url.origin() == base.origin() && url.path().starts_with(base.path())).then_some(url)
    }

    /// Whether it says of a record that it is gone.
    pub fn is_gone(&self, record: &Value) -> bool {
        let Some(deleted) = &self.deleted else { return false };
        match (record.pointer(&deleted.field), &deleted.equals) {
            (Some(said), Some(wanted)) => said == wanted,
            (Some(Value::Null | Value::Bool(false)) | None, _) => false,
            (Some(said), None) => said != "" && said != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(config: Value) -> Vec<String> {
        let Value::Object(config) = config else { panic!() };
        let issues = declared(&config).err().unwrap_or_default();
        issues.iter().map(|issue| issue.path.to_string()).collect()
    }

    #[test]
    fn what_is_wrong_with_streams_is_told_at_its_field() {
        let mapping =
            json!({"streams": {"a": [{"target": "Patient", "key": "/id", "set": {"language": "/l"}}]}});
        let with = |stream: Value| json!({"site_id": "s", "mapping": mapping, "streams": [stream]});
        assert_eq!(wrong(with(json!({"name": "a", "path": "people"}))), [""; 0]);
        for (stream, field) in [
            (json!({"name": "b", "path": "people"}), "streams.0.name"),
            (json!({"name": "a", "path": "https://elsewhere.example/"}), ""),
            (json!({"name": "a", "path": "../people"}), "streams.0.path"),
            (json!({"name": "a", "path": "people?x=1"}), "streams.0.path"),
            (json!({"name": "a", "path": "people", "records": "items"}), "streams.0.records"),
            (
                json!({"name": "a", "path": "people", "pagination": {"style": "page"}}),
                "streams.0.pagination.parameter",
            ),
            (
                json!({"name": "a", "path": "people", "pagination": {"style": "cursor", "parameter": "c"}}),
                "streams.0.pagination.next",
            ),
            (
                json!({"name": "a", "path": "people", "pagination": {"style": "sideways"}}),
                "streams.[0].pagination.style",
            ),
            (
                json!({"name": "a", "path": "people", "incremental": {"parameter": "since", "field": "at"}}),
                "streams.0.incremental.field",
            ),
        ] {
            let found = wrong(with(stream.clone()));
            if field.is_empty() {
                assert!(
                    found.is_empty(),
                    "a path that looks like an address is one below the base: {stream}"
                );
            } else {
                assert_eq!(found.first().map(String::as_str), Some(field), "{stream}");
            }
        }
        assert_eq!(wrong(json!({"streams": []})), ["mapping"]);
        assert_eq!(wrong(json!({"mapping": mapping})), ["streams"]);
        let without_site = json!({"mapping": mapping, "streams": [{"name": "a", "path": "p"}]});
        assert_eq!(wrong(without_site), ["site_id"]);
    }
}
