//! Words of an expression. N1 §2 and the lexical rules of its grammar.

use super::SyntaxFault;
use crate::value::{Decimal, Temporal};

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `name`, and whether it stood in backticks.
    Name(String, Quoting),
    Text(String),
    Integer(i64),
    Decimal(Decimal),
    Temporal(Box<TemporalToken>),
    Symbol(&'static str),
    End,
}

/// A date or time, which has no equality of its own.
#[derive(Debug, Clone)]
pub(super) struct TemporalToken(pub(super) Temporal);

impl PartialEq for TemporalToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

/// How a name was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    Plain,
    Delimited,
}

const SYMBOLS: &[&str] = &[
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|", "<", ">",
    "=", "~", "%", "$this", "$index", "$total",
];

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn fault(&self, problem: &str, at: usize) -> SyntaxFault {
        SyntaxFault { problem: problem.to_owned(), at }
    }

    /// The next word and where it begins.
    pub(super) fn next(&mut self) -> Result<(Token, usize), SyntaxFault> {
        self.skip_space()?;
        let start = self.at;
        let rest = self.rest();
        let token = match rest.chars().next() {
            None => Token::End,
            Some('\'') => Token::Text(self.quoted('\'')?),
            Some('`') => Token::Name(self.quoted('`')?, Quoting::Delimited),
            Some('@') => self.temporal()?,
            Some(first) if first.is_ascii_digit() => self.number()?,
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                let len =
                    rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                self.at += len;
                Token::Name(rest.get(..len).unwrap_or_default().to_owned(), Quoting::Plain)
            }
            Some(_) => {
                let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = symbol.ok_or_else(|| self.fault("a character that no expression has", start))?;
                self.at += symbol.len();
                Token::Symbol(symbol)
            }
        };
        Ok((token, start))
    }

    fn skip_space(&mut self) -> Result<(), SyntaxFault> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                let end = comment.find("*/").ok_or_else(|| self.fault("a comment has no end", self.at))?;
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, SyntaxFault> {
        let start = self.at;
        let mut out = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.at = start + at + 1;
                    return Ok(out);
                }
                '\\' => {
                    let escaped = match characters.next().map(|(_, character)| character) {
                        Some(plain @ ('\'' | '"' | '`' | '\\' | '/')) => plain,
                        Some('f') => '\u{c}',
                        Some('n') => '\n',
                        Some('r') => '\r',
                        Some('t') => '\t',
                        Some('u') => {
                            let digits: String =
                                characters.by_ref().take(4).map(|(_, character)| character).collect();
                            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                            code.and_then(char::from_u32)
                                .ok_or_else(|| self.fault("an unknown escape", start + at))?
                        }
                        _ => return Err(self.fault("an unknown escape", start + at)),
                    };
                    out.push(escaped);
                }
                _ => out.push(character),
            }
        }
        Err(self.fault("a string has no end", start))
    }

    fn number(&mut self) -> Result<Token, SyntaxFault> {
        let start = self.at;
        let rest = self.rest();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut len = digits(rest);
        let fraction = rest.get(len..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
        let text =
            if fraction > 0 { rest.get(..len + 1 + fraction) } else { rest.get(..len) }.unwrap_or_default();
        len = text.len();
        self.at += len;
        let too_long = |_| self.fault("a number is too long", start);
        if fraction > 0 {
            return Ok(Token::Decimal(text.parse().map_err(|_| self.fault("a number is too long", start))?));
        }
        Ok(Token::Integer(text.parse().map_err(too_long)?))
    }

    fn temporal(&mut self) -> Result<Token, SyntaxFault> {
        let start = self.at;
        self.at += 1;
        let wrong = |lexer: &Self| lexer.fault("no date or time", start);
        let token = if self.rest().starts_with('T') {
            self.at += 1;
            Temporal::time(self.take_time())
        } else {
            let from = self.at;
            self.at += date_len(self.rest());
            if self.rest().starts_with('T') {
                self.at += 1;
                self.take_time();
                self.at += offset_len(self.rest());
                Temporal::date_time(self.text.get(from..self.at).unwrap_or_default())
            } else {
                Temporal::date(self.text.get(from..self.at).unwrap_or_default())
            }
        };
        token.map(|at| Token::Temporal(Box::new(TemporalToken(at)))).ok_or_else(|| wrong(self))
    }

    fn take_time(&mut self) -> &'t str {
        let rest = self.rest();
        let mut len = 0;
        for (sign, digits) in [("", 2), (":", 2), (":", 2), (".", 0)] {
            let Some(part) = rest.get(len..).and_then(|rest| rest.strip_prefix(sign)) else { break };
            let count = part.bytes().take_while(u8::is_ascii_digit).count();
            if count < digits.max(1) {
                break;
            }
            len += sign.len() + if digits == 0 { count } else { digits };
        }
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }
}

fn date_len(text: &str) -> usize {
    let digits = |from: usize| text.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let dash = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    match () {
        () if dash(4) && digits(5) >= 2 && dash(7) && digits(8) >= 2 => 10,
        () if dash(4) && digits(5) >= 2 => 7,
        () => digits(0).min(4),
    }
}

fn offset_len(text: &str) -> usize {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let shape: Vec<u8> = shape.take(6).collect();
    match shape.as_slice() {
        b"+00:00" | b"-00:00" => 6,
        [b'Z', ..] => 1,
        _ => 0,
    }
}
