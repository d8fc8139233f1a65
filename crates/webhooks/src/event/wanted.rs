//! Which events an endpoint is told.

use std::collections::BTreeSet;

use jobs::feed::Placed;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TEST;

/// Which events; an empty list does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// Names of types, or `connection.*` for all whose names begin so.
    pub event_types: Vec<String>,
    /// Ids of studies.
    pub studies: Vec<String>,
    /// Ids of integrations.
    pub integrations: Vec<String>,
}

/// Every name.
const ALL: &str = "*";

impl Wanted {
    /// What stands for it where an endpoint is looked for by the types of what has happened: each pattern once.
    pub(crate) fn patterns(&self) -> BTreeSet<&str> {
        let named = self.event_types.iter().map(String::as_str);
        if self.event_types.is_empty() { [ALL].into() } else { named.collect() }
    }
}

/// The patterns by which a type of this name is asked for: `*`, the families that it is of, and itself.
pub(crate) fn patterns_of(name: &str) -> impl Iterator<Item = String> {
    let families = name.match_indices('.').map(|(at, _)| format!("{}.*", name.get(..at).unwrap_or_default()));
    families.chain([ALL.to_owned(), name.to_owned()])
}

/// Whether this endpoint is told of this event: `data` is the event's.
pub(crate) fn is_wanted(wanted: &Wanted, endpoint: &str, event: &Placed, data: &Value) -> bool {
    if event.name == TEST {
        return event.subject == endpoint;
    }
    let narrows = |list: &[String], names: [&str; 2]| {
        list.is_empty() || names.iter().any(|name| names_one_of(data.get(name), list))
    };
    (wanted.event_types.is_empty()
        || wanted.event_types.iter().any(|pattern| is_of_type(pattern, &event.name)))
        && narrows(&wanted.studies, ["study", "studies"])
        && narrows(&wanted.integrations, ["integration", "integration_id"])
}

/// Whether the name of a type is this one, or begins as `connection.*` says.
pub(crate) fn is_of_type(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(family) => name.starts_with(family),
        None => pattern == name,
    }
}

fn names_one_of(value: Option<&Value>, list: &[String]) -> bool {
    match value {
        Some(Value::String(text)) => list.contains(text),
        Some(Value::Array(values)) => values.iter().any(|value| names_one_of(Some(value), list)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Id, Timestamp};
    use serde_json::json;

    use super::*;

    fn event(name: &str, subject: &str) -> Placed {
        Placed {
            place: 1,
            id: Id::from_bytes([1; 16]),
            organisation: Id::from_bytes([2; 16]),
            name: name.to_owned(),
            subject: subject.to_owned(),
            data: String::new(),
            at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn what_is_named_narrows_and_what_is_empty_does_not() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let wanted = |types: &[&str], studies: &[&str], integrations: &[&str]| Wanted {
            event_types: list(types),
            studies: list(studies),
            integrations: list(integrations),
        };
        let linked = event("connection.linked", "c");
        let data = json!({"integration": "alpha", "studies": ["s1", "s2"]});
        for (wanted, is) in [
            (wanted(&[], &[], &[]), true),
            (wanted(&["connection.linked"], &[], &[]), true),
            (wanted(&["connection.*"], &[], &[]), true),
            (wanted(&["sync.*", "connection.revoked"], &[], &[]), false),
            (wanted(&["connection.link"], &[], &[]), false),
            (wanted(&[], &["s2"], &[]), true),
            (wanted(&[], &["s3"], &[]), false),
            (wanted(&[], &[], &["alpha"]), true),
            (wanted(&[], &["s1"], &["beta"]), false),
        ] {
            assert_eq!(is_wanted(&wanted, "e", &linked, &data), is, "{wanted:?}");
        }
        // What names no study is not told to whoever asks for one.
        assert!(!is_wanted(&wanted(&[], &["s1"], &[]), "e", &linked, &json!({})));
    }

    #[test]
    fn whoever_wants_a_type_is_found_by_one_of_its_patterns() {
        let of = |name| patterns_of(name).collect::<BTreeSet<_>>();
        assert_eq!(
            of("sync.job.done"),
            ["*", "sync.*", "sync.job.*", "sync.job.done"].map(str::to_owned).into()
        );
        for pattern in of("sync.job.done") {
            assert!(is_of_type(&pattern, "sync.job.done"), "{pattern}");
        }
        assert_eq!(Wanted::default().patterns(), ["*"].into());
        let twice = Wanted { event_types: vec!["sync.*".to_owned(); 2], ..Wanted::default() };
        assert_eq!(twice.patterns(), ["sync.*"].into());
    }

    #[test]
    fn a_test_is_told_to_its_endpoint_alone() {
        let all = Wanted::default();
        assert!(is_wanted(&all, "e", &event(TEST, "e"), &json!({})));
        assert!(!is_wanted(&all, "f", &event(TEST, "e"), &json!({})));
    }
}
