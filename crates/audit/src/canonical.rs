//! Canonical JSON: one sequence of bytes for one value.  RFC 8785

use std::fmt;

use serde_json::Value;

/// How deep arrays and objects may be nested.
pub const DEPTH_MAX: usize = 16;

/// The largest integer that every JSON reader understands alike: 2⁵³ − 1.  RFC 7493 §2.2
const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// Why a value has no canonical form here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Uncanonical {
    /// Floating point: readers print it in different ways, and no audit entry needs it.
    #[error("a number with a fraction or exponent")]
    Float,
    /// An integer that some readers would round.
    #[error("an integer beyond ±(2^53 - 1)")]
    Integer,
    /// Nested deeper than [`DEPTH_MAX`].
    #[error("nested too deeply")]
    Depth,
}

/// The canonical bytes of a value made of objects, arrays, strings, integers, booleans and nulls: keys sorted by
/// their UTF-16 code units, no white space, the shortest escapes.  RFC 8785 §3.2
///
/// # Errors
/// [`Uncanonical`] for what such a value cannot hold.
pub fn canonical(value: &Value) -> Result<Vec<u8>, Uncanonical> {
    let mut text = String::new();
    write(value, DEPTH_MAX, &mut text)?;
    Ok(text.into_bytes())
}

fn write(value: &Value, depth: usize, to: &mut String) -> Result<(), Uncanonical> {
    let deeper = || depth.checked_sub(1).ok_or(Uncanonical::Depth);
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(true) => to.push_str("true"),
        Value::Bool(false) => to.push_str("false"),
        Value::Number(number) => to.push_str(&integer(number)?.to_string()),
        Value::String(text) => string(text, to),
        Value::Array(items) => {
            to.push('[');
            for (nth, item) in items.iter().enumerate() {
                separate(nth, to);
                write(item, deeper()?, to)?;
            }
            to.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            to.push('{');
            for (nth, (key, member)) in sorted.into_iter().enumerate() {
                separate(nth, to);
                string(key, to);
                to.push(':');
                write(member, deeper()?, to)?;
            }
            to.push('}');
        }
    }
    Ok(())
}

fn separate(nth: usize, to: &mut String) {
    if nth > 0 {
        to.push(',');
    }
}

fn integer(number: &serde_json::Number) -> Result<i64, Uncanonical> {
    if number.is_f64() {
        return Err(Uncanonical::Float);
    }
    let whole = number.as_i64().ok_or(Uncanonical::Integer)?;
    if (-INTEGER_MAX..=INTEGER_MAX).contains(&whole) { Ok(whole) } else { Err(Uncanonical::Integer) }
}

fn string(text: &str, to: &mut String) {
    to.push('"');
    let mut plain = 0;
    for (at, byte) in
        text.bytes().enumerate().filter(|(_, byte)| *byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        to.push_str(text.get(plain..at).unwrap_or_default());
        plain = at + 1;
        match byte {
            b'"' => to.push_str("\\\""),
            b'\\' => to.push_str("\\\\"),
            0x8 => to.push_str("\\b"),
            b'\t' => to.push_str("\\t"),
            b'\n' => to.push_str("\\n"),
            0xc => to.push_str("\\f"),
            b'\r' => to.push_str("\\r"),
            control => to.push_str(&format!("\\u{control:04x}")),
        }
    }
    to.push_str(text.get(plain..).unwrap_or_default());
    to.push('"');
}

/// An object whose members are written in the order in which they come: whoever writes it knows them sorted.
pub(crate) struct Members<'a> {
    to: &'a mut String,
    is_first: bool,
}

impl<'a> Members<'a> {
    pub(crate) fn begin(to: &'a mut String) -> Self {
        to.push('{');
        Self { to, is_first: true }
    }

    pub(crate) fn end(self) {
        self.to.push('}');
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.to.push(',');
        }
        string(key, self.to);
        self.to.push(':');
    }

    pub(crate) fn object(&mut self, key: &str) -> Members<'_> {
        self.key(key);
        Members::begin(self.to)
    }

    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        string(text, self.to);
    }

    pub(crate) fn text_if(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(crate) fn text_or_null(&mut self, key: &str, text: Option<&str>) {
        self.key(key);
        match text {
            Some(text) => string(text, self.to),
            None => self.to.push_str("null"),
        }
    }

    /// What shows itself in letters that need no escape: an id, a time.
    pub(crate) fn shown(&mut self, key: &str, value: &impl fmt::Display) {
        self.key(key);
        self.to.push('"');
        self.push(value);
        self.to.push('"');
    }

    pub(crate) fn shown_if(&mut self, key: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.shown(key, &value);
        }
    }

    pub(crate) fn shown_or_null(&mut self, key: &str, value: Option<impl fmt::Display>) {
        match value {
            Some(value) => self.shown(key, &value),
            None => self.text_or_null(key, None),
        }
    }

    pub(crate) fn integer(&mut self, key: &str, value: i64) {
        self.key(key);
        self.push(&value);
    }

    pub(crate) fn value(&mut self, key: &str, value: &Value) -> Result<(), Uncanonical> {
        self.key(key);
        write(value, DEPTH_MAX - 1, self.to)
    }

    fn push(&mut self, value: &impl fmt::Display) {
        // Writing into a String cannot fail.
        let _written = fmt::Write::write_fmt(self.to, format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(value: &Value) -> String {
        String::from_utf8(canonical(value).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_sorted_by_utf_16_code_units() {
        // the keys of RFC 8785 §3.2.3: by code point the smiley would come after the Hebrew letter
        let value = json!({
            "\u{20ac}": "Euro Sign",
            "\r": "Carriage Return",
            "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "\u{1f600}": "Emoji: Grinning Face",
            "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let sorted = text(&value);
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let places: Vec<_> = order.iter().map(|word| sorted.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{sorted}");
    }

    #[test]
    fn strings_take_the_shortest_escapes() {
        // RFC 8785 §3.2.2.2
        let value = json!({ "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}" });
        assert_eq!(text(&value), "{\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\"}");
        assert_eq!(text(&json!("\u{8}\t\u{c}\r\u{1f}")), "\"\\b\\t\\f\\r\\u001f\"");
    }

    #[test]
    fn literals_and_nesting_have_no_white_space() {
        let value = json!({ "literals": [null, true, false], "n": -7, "a": { "z": [], "b": {} } });
        assert_eq!(text(&value), r#"{"a":{"b":{},"z":[]},"literals":[null,true,false],"n":-7}"#);
    }

    #[test]
    fn what_readers_disagree_on_is_refused() {
        assert_eq!(canonical(&json!([1.5])), Err(Uncanonical::Float));
        assert_eq!(canonical(&json!(1e3)), Err(Uncanonical::Float));
        assert_eq!(canonical(&json!(u64::MAX)), Err(Uncanonical::Integer));
        assert_eq!(canonical(&json!(INTEGER_MAX + 1)), Err(Uncanonical::Integer));
        assert_eq!(text(&json!(INTEGER_MAX)), "9007199254740991");
        let mut deep = json!(1);
        for _ in 0..=DEPTH_MAX {
            deep = json!([deep]);
        }
        assert_eq!(canonical(&deep), Err(Uncanonical::Depth));
    }
}
