//! Values of primitive types. <https://hl7.org/fhir/R4/datatypes.html#primitive>

use fhirpath::{
    document::{Element, Format, Kind},
    value::{Decimal, Temporal},
};

use super::{Html, Run, findings::Place, messages};
use crate::Severity::{Error, Warning};

impl<'d> Run<'_, 'd> {
    /// Whether the text of a primitive is a value of its type.
    pub(super) fn check_primitive(&mut self, element: Element<'d>, code: &str) {
        if !self.is_written_so(element, code) {
            return;
        }
        let text = element.plain_text().map_or_else(|| element.text().unwrap_or_default(), Into::into);
        let text: &str = &text;
        if text.is_empty() {
            self.tell(element, Error, &messages::EMPTY_VALUE, &[]);
            return;
        }
        match code {
            "boolean" if !matches!(text, "true" | "false") => self.bad(element, text, code),
            "integer" if text.parse::<i32>().is_err() || !is_integer(text) => self.bad(element, text, code),
            "positiveInt" if !text.parse::<i32>().is_ok_and(|number| number > 0 && is_integer(text)) => {
                self.bad(element, text, code);
            }
            "unsignedInt" if !text.parse::<i32>().is_ok_and(|number| number >= 0 && is_integer(text)) => {
                self.bad(element, text, code);
            }
            "decimal" if !is_decimal(text) => self.bad(element, text, code),
            "code" if !is_code(text) => self.bad(element, text, code),
            "id" => self.check_id(element, text),
            "oid" if !is_oid(text.strip_prefix("urn:oid:").unwrap_or_default()) => {
                self.tell(element, Error, &messages::BAD_OID, &[text]);
            }
            "uuid" if !is_uuid(text.strip_prefix("urn:uuid:").unwrap_or_default()) => {
                self.tell(element, Error, &messages::BAD_UUID, &[text]);
            }
            "uri" | "url" | "canonical" => self.check_uri(element, text, code),
            "date" if Temporal::date(text).is_none() => {
                self.tell(element, Error, &messages::BAD_DATE, &[text, code])
            }
            "dateTime" | "instant" => self.check_date_time(element, text, code),
            "time" if Temporal::time(text).is_none() || text.len() < 8 => self.bad(element, text, code),
            "base64Binary" if !is_base64_long(text) => {
                self.tell(element, Error, &messages::BAD_BASE64, &[]);
            }
            "string" | "markdown" => self.check_string(element, text, code),
            _ => {}
        }
    }

    fn bad(&mut self, element: Element<'d>, text: &str, code: &str) {
        self.tell(element, Error, &messages::BAD_PRIMITIVE, &[text, code]);
    }

    /// In JSON numbers are numbers and Booleans Booleans; XML has but text.
    fn is_written_so(&mut self, element: Element<'d>, code: &str) -> bool {
        if self.document.format() == Format::Xml {
            return element.has_value();
        }
        let wanted = match code {
            "boolean" => Kind::Boolean,
            "integer" | "decimal" | "positiveInt" | "unsignedInt" => Kind::Number,
            _ => Kind::String,
        };
        if element.kind() == wanted {
            return true;
        }
        if element.has_value() {
            let name = match wanted {
                Kind::Boolean => "true or false",
                Kind::Number => "a number",
                _ => "a string",
            };
            self.tell_at(element, Place::JsonElement, Error, &messages::WRONG_JSON_KIND, &[name, code]);
        }
        false
    }

    fn check_id(&mut self, element: Element<'d>, text: &str) {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if text.len() > 64 {
            self.tell(element, Error, &messages::LONG_ID, &[&text.len().to_string()]);
        } else if !text.bytes().all(is_good) {
            self.tell(element, Error, &messages::BAD_ID, &[text]);
        }
    }

    fn check_uri(&mut self, element: Element<'d>, text: &str, code: &str) {
        if text.contains(char::is_whitespace) {
            self.tell(element, Error, &messages::URI_SPACE, &[text]);
        } else if let Some(oid) = text.strip_prefix("urn:oid:")
            && !is_oid(oid)
        {
            self.tell(element, Error, &messages::BAD_OID, &[text]);
        } else if let Some(uuid) = text.strip_prefix("urn:uuid:")
            && !is_uuid(uuid.split(['#', '|']).next().unwrap_or_default())
        {
            self.tell(element, Error, &messages::BAD_UUID, &[text]);
        } else if code == "canonical" && !text.starts_with('#') && !is_absolute(text) {
            self.tell(element, Error, &messages::CANONICAL_RELATIVE, &[text]);
        }
    }

    fn check_date_time(&mut self, element: Element<'d>, text: &str, code: &str) {
        let has_time = text.contains('T');
        let zone = text.get(10..).is_some_and(|time| time.ends_with('Z') || time.contains(['+', '-']));
        if has_time && !zone {
            self.tell(element, Error, &messages::NO_ZONE, &[text]);
        } else if Temporal::date_time(text).is_none()
            || (code == "instant" && (!has_time || text.len() < 20))
            || (has_time && text.get(16..17) != Some(":"))
        {
            self.tell(element, Error, &messages::BAD_DATE, &[text, code]);
        }
    }

    fn check_string(&mut self, element: Element<'d>, text: &str, code: &str) {
        if code == "string" && text.trim() != text {
            self.tell(element, Warning, &messages::SURROUNDING_SPACE, &[]);
        }
        if text.contains('<') && has_tag(text) {
            let message =
                if code == "string" { &messages::HTML_IN_STRING } else { &messages::HTML_IN_MARKDOWN };
            let severity = if self.html == Html::Refused { Error } else { Warning };
            self.tell(element, severity, message, &[]);
        }
    }
}

/// Digits as JSON writes them, with no sign but minus and no zero before others.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits == "0" || !digits.starts_with(['0', '+'])
}

/// No white space at the ends, and none but single spaces within.
fn is_code(text: &str) -> bool {
    let is_space = |character: char| character.is_whitespace();
    !text.starts_with(is_space)
        && !text.ends_with(is_space)
        && !text.contains("  ")
        && !text.contains(|character: char| character.is_whitespace() && character != ' ')
}

fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    matches!(arcs.next(), Some("0" | "1" | "2"))
        && text.contains('.')
        && arcs.all(|arc| {
            !arc.is_empty()
                && arc.bytes().all(|byte| byte.is_ascii_digit())
                && (arc == "0" || !arc.starts_with('0'))
        })
}

pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// RFC 3986 §4.3: it says its scheme.
/// Of any size: what is too large to be reckoned with is a number all the same.
fn is_decimal(text: &str) -> bool {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    digits.parse::<Decimal>().is_ok() && exponent.parse::<i32>().is_ok()
}

pub(super) fn is_absolute(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

/// Whether the digits of base64 come in fours; an Attachment is asked for more.
pub(super) fn is_base64_long(text: &str) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    text.bytes().filter(is_digit).count() % 4 == 0
}

/// How many bytes base64 stands for; white space is passed over. RFC 4648 §4
pub(super) fn decoded_len(text: &str) -> Option<usize> {
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'=' => padding += 1,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ if padding > 0 => return None,
            b'+' | b'/' => digits += 1,
            _ if byte.is_ascii_alphanumeric() => digits += 1,
            _ => return None,
        }
    }
    ((digits + padding) % 4 == 0 && padding <= 2).then_some(digits * 3 / 4)
}

/// `<name>`, `</name>`, `<name attribute=…>`
pub(super) fn has_tag(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        let name = after.strip_prefix('/').unwrap_or(after);
        let len = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
        if starts
            && name.get(len..).is_some_and(|behind| behind.starts_with(['>', ' ', '/']))
            && after.contains('>')
        {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_says_how_much_it_is() {
        assert_eq!(decoded_len("AAEC"), Some(3));
        assert_eq!(decoded_len("AA==\n"), Some(1));
        assert_eq!(decoded_len("A=A="), None);
        assert_eq!(decoded_len("AAA"), None);
        assert_eq!(decoded_len("%%%2@()()"), None);
    }

    #[test]
    fn ids_of_the_world() {
        assert!(is_oid("1.2.840.10008"));
        assert!(!is_oid("1.02") && !is_oid("3.1") && !is_oid("1"));
        assert!(is_uuid("c757873d-ec9a-4326-a141-556f43239520"));
        assert!(!is_uuid("C757873d-ec9a-4326-a141-556f43239520"));
        assert!(is_absolute("urn:a") && is_absolute("http://a") && !is_absolute("Library/a"));
        assert!(
            has_tag("a <b>c</b>") && has_tag("<script>x</script>") && !has_tag("a < b > c") && !has_tag("<3")
        );
        assert!(is_code("a b") && !is_code(" a") && !is_code("a  b") && !is_code("a\tb"));
    }
}
