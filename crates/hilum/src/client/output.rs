//! What a command says: tables and lines for people, JSON for programs. What a server has said is shown without characters that steer a
//! terminal.

use std::io::Write;

use serde_json::Value;

use super::ClientFault;

/// The longest text in a cell of a table, characters; the whole is in the JSON.
const CELL_CHARACTERS_MAX: usize = 60;

/// How answers are written.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// As JSON, or for people.
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// For people.
    pub const fn words() -> Self {
        Self::new(false)
    }

    /// Whether programs read it.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// A list: a row for each of `items`, a column for each title and JSON pointer. `empty` is said where there is none, `after` below it.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn list(
        self,
        answer: &Value,
        columns: &[(&str, &str)],
        (empty, after): (&str, &str),
    ) -> Result<(), ClientFault> {
        if self.json {
            return self.document(answer);
        }
        let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if items.is_empty() {
            return line(empty);
        }
        for row in rows(items, columns) {
            line(&row)?;
        }
        let of_all = match (answer["total"].as_i64(), answer["page"].as_i64(), answer["pages"].as_i64()) {
            (Some(total), Some(page), Some(pages)) if pages > 1 => {
                format!("{total} in all; page {page} of {pages} (--page)")
            }
            _ => match answer["next_cursor"].as_str() {
                Some(cursor) => format!("There is more: --cursor {}", shown(cursor)),
                None => String::new(),
            },
        };
        [of_all.as_str(), after].into_iter().filter(|text| !text.is_empty()).try_for_each(line)
    }

    /// One thing: a line for each name and JSON pointer that has a value; then `after`.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn thing(self, answer: &Value, fields: &[(&str, &str)], after: &str) -> Result<(), ClientFault> {
        if self.json {
            return self.document(answer);
        }
        let told: Vec<(&str, String)> = fields
            .iter()
            .map(|(name, pointer)| (*name, cell(answer.pointer(pointer))))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        let width = told.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        for (name, text) in told {
            line(&format!("{name:width$}  {text}"))?;
        }
        if after.is_empty() { Ok(()) } else { line(after) }
    }

    /// A sentence for people; nothing for programs, who have the exit code.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn done(self, words: &str) -> Result<(), ClientFault> {
        if self.json { Ok(()) } else { line(words) }
    }

    /// The answer as it is, laid out.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn document(self, answer: &Value) -> Result<(), ClientFault> {
        plain(&escaped(&serde_json::to_string_pretty(answer).unwrap_or_default()))
    }

    /// The answer in one line, where there will be more.
    ///
    /// # Errors
    /// Standard output is gone.
    pub fn document_line(self, answer: &Value) -> Result<(), ClientFault> {
        plain(&escaped(&answer.to_string()))
    }
}

fn line(text: &str) -> Result<(), ClientFault> {
    let clean: Vec<String> = text.lines().map(shown).collect();
    plain(&clean.join("\n"))
}

fn plain(text: &str) -> Result<(), ClientFault> {
    writeln!(std::io::stdout(), "{text}")
        .map_err(|fault| ClientFault::unusable(format!("standard output: {fault}")))
}

/// A text without characters that steer a terminal.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// JSON in which such characters are written by their numbers, as serde does for the first 32 of them.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// A value in words.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

fn rows(items: &[Value], columns: &[(&str, &str)]) -> Vec<String> {
    let short = |text: String| match text.chars().count() > CELL_CHARACTERS_MAX {
        true => text.chars().take(CELL_CHARACTERS_MAX - 1).chain(['…']).collect(),
        false => text,
    };
    let head: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let row = |item: &Value| {
        columns.iter().map(|(_, pointer)| short(shown(&cell(item.pointer(pointer))))).collect()
    };
    let all: Vec<Vec<String>> = std::iter::once(head).chain(items.iter().map(row)).collect();
    let width = |column: usize| {
        all.iter()
            .filter_map(|row| row.get(column))
            .map(|text| text.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let laid = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}", width = *width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(laid).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let items =
            [json!({"id": "int_1", "of": {"name": "Clinic"}}), json!({"id": "int_22", "of": {"name": null}})];
        assert_eq!(
            rows(&items, &[("ID", "/id"), ("NAME", "/of/name")]),
            ["ID      NAME", "int_1   Clinic", "int_22"]
        );
        let long = rows(&[json!({"a": "x".repeat(99)})], &[("A", "/a")]);
        assert!(long[1].chars().count() == 60 && long[1].ends_with('…'));
    }

    #[test]
    fn nothing_that_a_server_says_steers_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\u{9b}c\r"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(escaped(&json!({"a": "\u{9b}\u{1b}"}).to_string()), "{\"a\":\"\\u009b\\u001b\"}");
        assert_eq!(rows(&[json!({"a": "x\ny"})], &[("A", "/a")])[1], "x\u{fffd}y");
    }

    #[test]
    fn values_are_told_in_words() {
        for (value, words) in [
            (json!(null), ""),
            (json!(["a", 1]), "a, 1"),
            (json!(true), "true"),
            (json!({"a": 1}), "{\"a\":1}"),
            (json!([{"a": 1}]), "[{\"a\":1}]"),
        ] {
            assert_eq!(cell(Some(&value)), words);
        }
    }
}
