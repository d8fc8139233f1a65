//! Which events an endpoint is told.

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
    fn a_test_is_told_to_its_endpoint_alone() {
        let all = Wanted::default();
        assert!(is_wanted(&all, "e", &event(TEST, "e"), &json!({})));
        assert!(!is_wanted(&all, "f", &event(TEST, "e"), &json!({})));
    }
}
