//! What of a deserialiser's message the caller may read: serde repeats the value it did not like.

use kernel::{Issue, Kind};

use crate::{Place, Problem};

/// A field name longer than this is cut, in characters.
const NAME_CHARS_MAX: usize = 64;

/// The problem that says which field is wrong, and why.
pub(super) fn problem(place: Place, path: &str, message: &str) -> Problem {
    let Issue { path: field, message: reason, .. } = issue(path, message);
    let problem =
        Problem::new(Kind::Invalid, format!("{field}: {reason}").trim_start_matches(": ").to_owned());
    let problem = problem.with_place(place);
    if field.is_empty() { problem } else { problem.with_issues(vec![Issue::at(field, reason)]) }
}

/// The field at fault, and why it is.
pub(super) fn issue(path: &str, message: &str) -> Issue {
    let (field, reason) = field_and_reason(path, message);
    Issue::at(field, reason)
}

/// The field at fault, and the message without the value: "invalid type: string "x", expected u32" is "expected u32".
fn field_and_reason(path: &str, message: &str) -> (String, String) {
    let path = if path == "." { "" } else { path };
    let message = message.split(" at line ").next().unwrap_or_default();
    for (start, reason) in [
        ("unknown field `", "is not a field here"),
        ("missing field `", "is missing"),
        ("duplicate field `", "is there more than once"),
    ] {
        if let Some((name, _)) = message.strip_prefix(start).and_then(|rest| rest.split_once('`')) {
            return (join(path, name), reason.to_owned());
        }
    }
    let reason = match message.rfind(", expected ").and_then(|at| message.get(at + 2..)) {
        // The names of our types are nobody else's business.
        Some(expected) if expected.starts_with("expected struct ") => "expected an object",
        Some(expected) => expected,
        None if message.starts_with("invalid ") || message.starts_with("unknown ") => "is not valid here",
        None => message,
    };
    (cut(path), reason.to_owned())
}

/// serde_path_to_error already ends the path in the unknown or doubled field's own name.
fn join(path: &str, name: &str) -> String {
    let name = cut(name);
    match path.rsplit('.').next() {
        _ if path.is_empty() => name,
        Some(last) if last == name => cut(path),
        _ => format!("{}.{name}", cut(path)),
    }
}

fn cut(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::field_and_reason;

    #[test]
    fn the_field_is_named_and_its_value_is_not_repeated() {
        let table = [
            ("a", r#"invalid type: string "hunter2", expected u32 at line 1 column 9"#, "a", "expected u32"),
            ("a", r#"invalid value: string "x, expected y", expected z"#, "a", "expected z"),
            (".", "unknown field `b`, expected `a`", "b", "is not a field here"),
            ("b", "unknown field `b`, expected `a`", "b", "is not a field here"),
            ("in", "missing field `b`", "in.b", "is missing"),
            ("a", "duplicate field `a`", "a", "is there more than once"),
            ("k", "unknown variant `hunter2`, expected one of `x`, `y`", "k", "expected one of `x`, `y`"),
            (
                "u",
                "not a person id: expected a hyphenated UUID",
                "u",
                "not a person id: expected a hyphenated UUID",
            ),
            ("s", "invalid type: integer `7`, expected struct Secrets", "s", "expected an object"),
            ("n", "invalid digit found in string", "n", "is not valid here"),
        ];
        for (path, message, field, reason) in table {
            assert_eq!(field_and_reason(path, message), (field.to_owned(), reason.to_owned()), "{message}");
        }
        assert_eq!(field_and_reason(".", &format!("unknown field `{}`", "x".repeat(999))).0.len(), 64);
    }
}
