//! `_filter`: a search as one expression. <https://hl7.org/fhir/R4/search_filter.html>
//!
//! `and` binds more than `or`, `not` more than both. A comparison is read as the parameter that says the same, so that it is answered
//! alike; what is asked within brackets of a path is not known.

use super::{Comparison, Match, Problem, Test, TextMatch, limits, read::Reader};
use crate::parameter::{ParameterKind, ResourceType};

const EXPECTED: &str = "an expression: `given eq \"peter\" and (birthdate ge 2014 or not (active eq true))`";

const fn wrong() -> Problem {
    Problem::Value { nth: 1, expected: EXPECTED }
}

/// Reads an expression about records of these types.
pub(super) fn read(reader: &Reader<'_>, of: &[ResourceType], text: &str) -> Result<Test, Problem> {
    let mut parser = Parser { words: words(text)?.into_iter().peekable(), reader, of, depth: 0 };
    let test = parser.any()?;
    if parser.words.next().is_some() { Err(wrong()) } else { Ok(test) }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Open,
    Close,
    Plain(String),
    Quoted(String),
}

fn words(text: &str) -> Result<Vec<Word>, Problem> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if words.len() > limits::FILTER_WORDS_MAX {
            return Err(Problem::TooMany { what: "words of a filter", max: limits::FILTER_WORDS_MAX });
        }
        match letter {
            _ if letter.is_whitespace() => {}
            '(' => words.push(Word::Open),
            ')' => words.push(Word::Close),
            '"' => words.push(Word::Quoted(quoted(&mut letters)?)),
            letter => {
                let mut word = String::from(letter);
                while let Some(next) = letters.next_if(|next| !next.is_whitespace() && !"()".contains(*next))
                {
                    word.push(next);
                }
                words.push(Word::Plain(word));
            }
        }
    }
    Ok(words)
}

/// As JSON writes strings.
fn quoted(letters: &mut impl Iterator<Item = char>) -> Result<String, Problem> {
    let mut raw = String::from('"');
    let mut is_escaped = false;
    for letter in letters {
        raw.push(letter);
        match letter {
            '"' if !is_escaped => return serde_json::from_str(&raw).map_err(|_| wrong()),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    Err(wrong())
}

struct Parser<'p, 'r> {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
    reader: &'p Reader<'r>,
    of: &'p [ResourceType],
    depth: usize,
}

impl Parser<'_, '_> {
    fn takes(&mut self, word: &str) -> Option<Word> {
        self.words.next_if(|next| matches!(next, Word::Plain(plain) if plain == word))
    }

    fn any(&mut self) -> Result<Test, Problem> {
        let mut tests = vec![self.all()?];
        while self.takes("or").is_some() {
            tests.push(self.all()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::AnyOf(tests) })
    }

    fn all(&mut self) -> Result<Test, Problem> {
        let mut tests = vec![self.one()?];
        while self.takes("and").is_some() {
            tests.push(self.one()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
    }

    fn one(&mut self) -> Result<Test, Problem> {
        if self.takes("not").is_some() {
            if self.words.peek() != Some(&Word::Open) {
                return Err(wrong());
            }
            return Ok(Test::Not(Box::new(self.one()?)));
        }
        match self.words.next() {
            Some(Word::Open) => self.within(),
            Some(Word::Plain(path)) => self.comparison(&path),
            _ => Err(wrong()),
        }
    }

    fn within(&mut self) -> Result<Test, Problem> {
        self.depth += 1;
        if self.depth > limits::FILTER_DEPTH_MAX {
            return Err(Problem::TooMany {
                what: "parentheses within one another",
                max: limits::FILTER_DEPTH_MAX,
            });
        }
        let test = self.any()?;
        self.depth -= 1;
        if self.words.next() == Some(Word::Close) { Ok(test) } else { Err(wrong()) }
    }

    fn comparison(&mut self, path: &str) -> Result<Test, Problem> {
        let Some(Word::Plain(operator)) = self.words.next() else { return Err(wrong()) };
        let value = match self.words.next() {
            Some(Word::Plain(value) | Word::Quoted(value)) => value,
            _ => return Err(wrong()),
        };
        self.compare(path, &operator, &value)
    }

    /// As the parameter that asks the same.
    fn compare(&self, path: &str, operator: &str, value: &str) -> Result<Test, Problem> {
        let kind = self.reader.kind(self.of, path)?;
        let whole = escaped(value, kind);
        let ask = |modifier: &str, value: &str| {
            let name = if modifier.is_empty() { path.to_owned() } else { format!("{path}:{modifier}") };
            self.reader.test(self.of, &name, value, 0)
        };
        let ranged = matches!(kind, ParameterKind::Date | ParameterKind::Number | ParameterKind::Quantity);
        let unequal = |test| -> Result<Test, Problem> {
            Ok(Test::All(vec![ask("missing", "false")?, Test::Not(Box::new(test))]))
        };
        match operator {
            "eq" | "sw" if kind == ParameterKind::String => {
                ask(if operator == "eq" { "exact" } else { "" }, &whole)
            }
            "co" if kind == ParameterKind::String => ask("contains", &whole),
            "ew" if kind == ParameterKind::String => Ok(otherwise(ask("contains", &whole)?)),
            "eq" => ask("", &whole),
            "ne" if ranged => ask("", &format!("ne{whole}")),
            "ne" if kind == ParameterKind::String => unequal(ask("exact", &whole)?),
            "ne" => unequal(ask("", &whole)?),
            "gt" | "lt" | "ge" | "le" | "ap" | "sa" | "eb" if ranged => {
                ask("", &format!("{operator}{whole}"))
            }
            "po" if kind == ParameterKind::Date => Ok(otherwise(ask("", &whole)?)),
            "pr" if matches!(value, "true" | "false") => {
                ask("missing", if value == "true" { "false" } else { "true" })
            }
            "ss" => ask("below", &whole),
            "sb" => ask("above", &whole),
            "in" => ask("in", &whole),
            "ni" => ask("not-in", &whole),
            "re" if kind == ParameterKind::Reference => ask("", &whole),
            _ => Err(wrong()),
        }
    }
}

/// What no modifier and no prefix asks: that a text ends so, that a time overlaps.
fn otherwise(test: Test) -> Test {
    match test {
        Test::Any { parameter, values } => {
            let values = values.into_iter().map(|value| match value {
                Match::Text(TextMatch::Contains(text)) => Match::Text(TextMatch::Ends(text)),
                Match::Date(_, range) => Match::Date(Comparison::Approximately, range),
                value => value,
            });
            Test::Any { parameter, values: values.collect() }
        }
        Test::Chain { parameter, targets } => {
            let targets = targets.into_iter().map(|(of, test)| (of, otherwise(test)));
            Test::Chain { parameter, targets: targets.collect() }
        }
        test => test,
    }
}

/// One value: what parts values of a parameter is a letter like others here.
fn escaped(value: &str, kind: ParameterKind) -> String {
    let parts: &[char] = match kind {
        ParameterKind::String | ParameterKind::Uri => &['\\', ',', '$', '|'],
        _ => &['\\', ',', '$'],
    };
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        if parts.contains(&letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}
