//! Laying one table of settings over another, and saying no to keys that do not exist.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::ConfigError;

/// What environment variables of ours begin with; sections and keys are separated the same way.
const PREFIX: &str = "HILUM__";
const SEPARATOR: &str = "__";

pub(super) fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| ConfigError::NotToml {
        origin: origin.to_owned(),
        message: error.to_string().trim().to_owned(),
    })
}

/// Every `section.key` that the default file names, also those that stand there as a comment (`# key = …`).
pub(super) fn known_keys(text: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ") else { continue };
        if !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

/// `HILUM__SERVER__LISTEN=x` as a table. A value that reads as a TOML value is one; anything else is text.
pub(super) fn from_environment(environment: &BTreeMap<String, String>) -> Table {
    let mut table = Table::new();
    for (name, text) in environment {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once(SEPARATOR))
        else {
            continue;
        };
        let entry = table.entry(section.to_lowercase()).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = entry {
            section.insert(key.to_lowercase(), value_of(text));
        }
    }
    table
}

fn value_of(text: &str) -> Value {
    let read = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match read {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_))) => value,
        Some(_) | None => Value::String(text.to_owned()),
    }
}

/// Lay `over` on `table`. A key that the default file does not name is refused.
pub(super) fn merge(
    table: &mut Table,
    over: Table,
    known: &BTreeSet<String>,
    origin: &str,
) -> Result<(), ConfigError> {
    for (section, keys) in over {
        let Value::Table(keys) = keys else { return Err(unknown(origin, section, known)) };
        for (key, value) in keys {
            let name = format!("{section}.{key}");
            if !known.contains(&name) {
                return Err(unknown(origin, name, known));
            }
            let target = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(target) = target {
                target.insert(key, value);
            }
        }
    }
    Ok(())
}

fn unknown(origin: &str, key: String, known: &BTreeSet<String>) -> ConfigError {
    let nearest = known.iter().min_by_key(|candidate| distance(&key, candidate));
    let near = nearest.filter(|candidate| distance(&key, candidate) <= key.len().div_ceil(3));
    let hint = near.map(|candidate| format!("; did you mean `{candidate}`?")).unwrap_or_default();
    ConfigError::UnknownKey { origin: origin.to_owned(), key, hint }
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((j, b), pair) in other.chars().enumerate().zip(row.windows(2)) {
            let (&[kept, dropped], Some(&put)) = (pair, next.get(j)) else { continue };
            next.push((kept + usize::from(a != b)).min(dropped + 1).min(put + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in
            [("", "abc", 3), ("listen", "lisen", 1), ("kitten", "sitting", 3), ("a", "a", 0)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn commented_keys_are_known() {
        let keys = known_keys("[a]\nx = 1\n# y = \"\"\n# Words = that are prose\n[b]\nz_s = 1\n");
        assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["a.x", "a.y", "b.z_s"]);
    }
}
