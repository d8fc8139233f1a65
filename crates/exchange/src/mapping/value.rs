//! A value of the source as a primitive of FHIR.  <https://hl7.org/fhir/R4/datatypes.html#primitive>

use fhirpath::value::{Decimal, Precision, Temporal};
use serde_json::Value;

use super::{
    date::{Form, Moment},
    source::Scalar,
};

/// What a primitive has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    Boolean,
    /// A whole number of 32 bits, not less than this.
    Integer(i32),
    Decimal,
    /// Any text.
    Text,
    /// Text without white space at its ends, and one space at most within.
    Code,
    /// Text without white space.
    Uri,
    Date,
    DateTime,
    Instant,
    Time,
}

impl Primitive {
    /// By the name of the type; none for what is no primitive that can be set.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer(i32::MIN),
            "unsignedInt" => Self::Integer(0),
            "positiveInt" => Self::Integer(1),
            "decimal" => Self::Decimal,
            "string" | "markdown" => Self::Text,
            "code" => Self::Code,
            "uri" | "url" | "canonical" | "oid" | "uuid" | "id" | "base64Binary" => Self::Uri,
            "date" => Self::Date,
            "dateTime" => Self::DateTime,
            "instant" => Self::Instant,
            "time" => Self::Time,
            _ => return None,
        })
    }

    pub const fn is_time(self) -> bool {
        matches!(self, Self::Date | Self::DateTime | Self::Instant | Self::Time)
    }

    /// The value in JSON.
    pub fn write(self, value: &Scalar, form: Option<&Form>) -> Result<String, &'static str> {
        match self {
            Self::Boolean => boolean(value),
            Self::Integer(least) => integer(value, least),
            Self::Decimal => decimal(value),
            Self::Text => Ok(quoted(value.text())),
            Self::Code => {
                let text = value.text();
                let is_code = !text.contains("  ") && !text.contains(['\t', '\n', '\r']);
                if is_code { Ok(quoted(text)) } else { Err("is no code: it holds white space") }
            }
            Self::Uri => match value.text().contains(char::is_whitespace) {
                true => Err("must not hold white space"),
                false => Ok(quoted(value.text())),
            },
            Self::Date | Self::DateTime | Self::Instant | Self::Time => {
                let moment = match form {
                    Some(form) => form.read(value)?,
                    None => Moment::plain(value.text())?,
                };
                moment.write(self).map(|text| quoted(&text))
            }
        }
    }
}

/// A text in JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn boolean(value: &Scalar) -> Result<String, &'static str> {
    match value.text() {
        "true" | "TRUE" | "True" | "1" => Ok("true".to_owned()),
        "false" | "FALSE" | "False" | "0" => Ok("false".to_owned()),
        _ => Err("is neither true nor false: say by a code map which is which"),
    }
}

fn integer(value: &Scalar, least: i32) -> Result<String, &'static str> {
    let text = value.text();
    let number = text.parse::<i32>().ok().or_else(|| whole(text));
    match number {
        Some(number) if number >= least => Ok(number.to_string()),
        Some(_) => Err("is less than the element takes"),
        None => Err("is no whole number of 32 bits"),
    }
}

/// `5.0`: sources that know one sort of numbers write whole ones so.
fn whole(text: &str) -> Option<i32> {
    let (before, after) = text.split_once('.')?;
    (!after.is_empty() && after.bytes().all(|digit| digit == b'0')).then(|| before.parse().ok())?
}

/// A decimal as it was written: its zeros say how precise it is.
fn decimal(value: &Scalar) -> Result<String, &'static str> {
    const NONE: &str = "is no number";
    let text = value.text();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (before, after) = match digits.split_once('.') {
        Some((before, after)) => (before, Some(after)),
        None => (digits, None),
    };
    let is_json = is_digits(before)
        && (before.len() == 1 || !before.starts_with('0'))
        && after.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| is_digits(exponent.trim_start_matches(['+', '-'])));
    if !is_json {
        return Err(NONE);
    }
    match exponent {
        None if text.parse::<Decimal>().is_ok() => Ok(text.to_owned()),
        Some(_) if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(text.to_owned()),
        _ => Err("is a number with too many digits"),
    }
}

/// Whether a text is a date and time that FHIR takes as it is: to the second, and with an offset.
pub(super) fn is_full_date_time(text: &str) -> bool {
    Temporal::date_time(text)
        .is_some_and(|at| at.precision >= Precision::Second && at.offset_minutes.is_some() && at.year > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_what_the_element_is_and_nothing_else() {
        let text = |text: &str| Scalar::Text(text.to_owned());
        let number = |text: &str| Scalar::Number(text.to_owned());
        for (of, value, wanted) in [
            ("boolean", Scalar::Truth(true), Some("true")),
            ("boolean", text("0"), Some("false")),
            ("boolean", text("yes"), None),
            ("integer", number("-5"), Some("-5")),
            ("integer", number("5.0"), Some("5")),
            ("integer", number("5.5"), None),
            ("integer", number("2147483648"), None),
            ("positiveInt", number("0"), None),
            ("unsignedInt", number("0"), Some("0")),
            ("decimal", text("1.10"), Some("1.10")),
            ("decimal", number("-0.5"), Some("-0.5")),
            ("decimal", number("1e-7"), Some("1e-7")),
            ("decimal", text("1,5"), None),
            ("decimal", text("007"), None),
            ("decimal", text("1e"), None),
            ("decimal", text(">5"), None),
            ("decimal", text("NaN"), None),
            ("decimal", text("1e999"), None),
            ("string", number("7"), Some("\"7\"")),
            ("string", text("a\"b"), Some("\"a\\\"b\"")),
            ("code", text("a  b"), None),
            ("uri", text("a b"), None),
            ("date", text("2024"), Some("\"2024\"")),
            ("date", text("2024-02-30"), None),
            ("date", text("2024-02-29T10:00:00Z"), Some("\"2024-02-29\"")),
            ("dateTime", text("2024-02"), Some("\"2024-02\"")),
            ("dateTime", text("2024-02-29T10:00:00.120+02:00"), Some("\"2024-02-29T10:00:00.120+02:00\"")),
            ("dateTime", text("2024-02-29T10:00:00"), None),
            ("dateTime", text("29/02/2024"), None),
            ("instant", text("2024-02-29"), None),
            ("time", text("10:30"), Some("\"10:30:00\"")),
            ("time", text("25:30"), None),
        ] {
            let made = Primitive::named(of).unwrap().write(&value, None);
            assert_eq!(made.as_deref().ok(), wanted, "{of} {}", value.text());
        }
        assert_eq!(Primitive::named("Quantity"), None);
    }
}
