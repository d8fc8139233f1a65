//! From bytes to text and from escapes to characters.

use std::borrow::Cow;

use super::{DocumentLimits, ParseFault, Problem};

/// Checked UTF-8 without a byte order mark, within the limit.
pub(super) fn utf8<'a>(bytes: &'a [u8], limits: &DocumentLimits) -> Result<&'a str, ParseFault> {
    let bytes_max = limits.bytes_max.min(DocumentLimits::BYTES_CEILING);
    if bytes.len() > bytes_max {
        return Err(ParseFault::at(Problem::TooLong { bytes_max }, bytes, 0));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|fault| ParseFault::at(Problem::NotUtf8, bytes, fault.valid_up_to()))?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// RFC 8259 §7. The reader has checked the escapes; what is not one anyway stays as it is written.
pub(crate) fn unescape_json(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        rest = match escape(after) {
            Some((character, rest)) => {
                out.push(character);
                rest
            }
            None => {
                out.push('\\');
                after
            }
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that follows a backslash, and what comes after it.
pub(super) fn escape(after: &str) -> Option<(char, &str)> {
    let mut characters = after.chars();
    let simple = match characters.next()? {
        '"' => '"',
        '\\' => '\\',
        '/' => '/',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(characters.as_str()),
        _ => return None,
    };
    Some((simple, characters.as_str()))
}

fn unicode(after: &str) -> Option<(char, &str)> {
    let (high, rest) = hex4(after)?;
    if let Some(character) = char::from_u32(high) {
        return Some((character, rest));
    }
    let (low, rest) = hex4(rest.strip_prefix("\\u")?)?;
    let in_pair = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
    let code = 0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF);
    in_pair.then(|| char::from_u32(code)).flatten().map(|character| (character, rest))
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = (text.get(..4)?, text.get(4..)?);
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(|code| (code, rest))
}

/// A string in JSON, with its quotes.
pub(crate) fn escape_json(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..'\u{20}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// XML 1.0 §4.1 and §4.6: the five entities of XML and character references; nothing else.
pub(super) fn unescape_xml(raw: &str) -> Option<Cow<'_, str>> {
    quick_xml::escape::unescape(raw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_json() {
        assert_eq!(unescape_json(r#"a\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"#), "a\"\\/\u{8}\u{c}\n\r\té😀");
        for bad in ["x", "u12", "u+123", "uD83D", "uD83Dx", "uD83D\\u0041", "uDE00", ""] {
            assert!(escape(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn strings_come_back() {
        for text in ["", "plain", "q\"b\\n\n\u{1}\u{7f}é😀"] {
            let mut out = String::new();
            escape_json(text, &mut out);
            assert_eq!(unescape_json(&out[1..out.len() - 1]), text);
        }
    }

    #[test]
    fn a_mark_is_skipped_and_other_encodings_are_refused() {
        let limits = DocumentLimits::default();
        assert_eq!(utf8(b"\xEF\xBB\xBF{}", &limits).unwrap(), "{}");
        let fault = utf8(b"{\n\xFF", &limits).unwrap_err();
        assert_eq!((fault.problem, fault.at.line), (Problem::NotUtf8, 2));
    }
}
