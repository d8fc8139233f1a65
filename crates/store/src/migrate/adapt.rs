//! One schema text for both engines.

use crate::Engine;

#[derive(Clone, Copy, PartialEq)]
enum Section {
    Both,
    Only(Engine),
}

/// The text that this engine gets.
pub(crate) fn for_engine(text: &str, engine: Engine) -> String {
    let mut section = Section::Both;
    let mut shared = String::new();
    let mut out = String::new();
    for line in text.lines() {
        let begins = match line.trim() {
            "-- sqlite:" => Some(Section::Only(Engine::Sqlite)),
            "-- postgres:" => Some(Section::Only(Engine::Postgres)),
            "-- both:" => Some(Section::Both),
            _ => None,
        };
        if let Some(begins) = begins {
            out.push_str(&shared_text(&shared, engine));
            shared.clear();
            section = begins;
            continue;
        }
        match section {
            Section::Both => {
                shared.push_str(line);
                shared.push('\n');
            }
            Section::Only(only) if only == engine => {
                out.push_str(line);
                out.push('\n');
            }
            Section::Only(_) => {}
        }
    }
    out.push_str(&shared_text(&shared, engine));
    out
}

fn shared_text(text: &str, engine: Engine) -> String {
    match engine {
        Engine::Sqlite => String::from(text),
        Engine::Postgres => postgres_words(text),
    }
}

/// Replace the words that differ, outside quotes and comments.
fn postgres_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        match token {
            "INTEGER" => out.push_str("BIGINT"),
            // Four bytes: SQLite takes as many as a number needs whatever the column says.
            "INT" => out.push_str("INTEGER"),
            "BLOB" => out.push_str("BYTEA"),
            "STRICT" => drop_option(&mut out),
            "WITHOUT" => match after.trim_start().strip_prefix("ROWID") {
                Some(after) => {
                    rest = after;
                    drop_option(&mut out);
                }
                None => out.push_str(token),
            },
            _ => out.push_str(token),
        }
    }
    out
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// How long the quoted text at the beginning is. A doubled quote ends one and begins the next, which comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    text.char_indices()
        .skip(1)
        .find(|(_, character)| *character == quote)
        .map_or(text.len(), |(at, _)| at + 1)
}

/// A table option goes, and the comma that led to it.
fn drop_option(out: &mut String) {
    let kept = out.trim_end().trim_end_matches(',').len();
    out.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_differ_are_replaced_and_no_others() {
        let text = "CREATE TABLE t (a INTEGER, i INT, b BLOB, c TEXT DEFAULT 'BLOB ''STRICT''', \"INTEGER\" TEXT, \
                    INTEGER_x TEXT) STRICT, WITHOUT ROWID; -- a STRICT one\nCREATE TABLE u (a TEXT)\nSTRICT;\n";
        let expected = "CREATE TABLE t (a BIGINT, i INTEGER, b BYTEA, c TEXT DEFAULT 'BLOB ''STRICT''', \"INTEGER\" TEXT, \
                        INTEGER_x TEXT); -- a STRICT one\nCREATE TABLE u (a TEXT);\n";
        assert_eq!(for_engine(text, Engine::Postgres), expected);
        assert_eq!(for_engine(text, Engine::Sqlite), text);
    }

    #[test]
    fn sections_go_to_one_engine_untouched() {
        let text = "a INTEGER\n-- sqlite:\nb INTEGER\n  -- postgres:\nc INTEGER\n-- both:\nd BLOB\n";
        assert_eq!(for_engine(text, Engine::Sqlite), "b INTEGER\n".replace("b", "a") + "b INTEGER\nd BLOB\n");
        assert_eq!(for_engine(text, Engine::Postgres), "a BIGINT\nc INTEGER\nd BYTEA\n");
    }
}
