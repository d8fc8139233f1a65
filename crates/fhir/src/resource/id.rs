//! The logical id of a record. <https://hl7.org/fhir/R4/datatypes.html#id>

use std::{fmt, str::FromStr};

use kernel::{Id, IdKind};
use store::{FromValue, Mismatch, ToValue, Value, ValueRef};

/// 1 to 64 of `A-Z a-z 0-9 - .`
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalId(Box<str>);

/// The text is no logical id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a logical id: 1 to 64 letters, digits, hyphens and dots")]
pub struct MalformedLogicalId;

impl LogicalId {
    /// The longest.
    pub const BYTES_MAX: usize = 64;

    /// The UUID of an id of ours, which is always a logical id.
    pub fn of<K: IdKind>(id: Id<K>) -> Self {
        Self(hyphenated(*id.as_bytes()).into())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogicalId {
    type Err = MalformedLogicalId;
    fn from_str(text: &str) -> Result<Self, MalformedLogicalId> {
        let good = (1..=Self::BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if good { Ok(Self(text.into())) } else { Err(MalformedLogicalId) }
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for LogicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The length of a UUID as it is kept.
const UUID_BYTES: usize = 16;

/// A UUID in small letters, as we give them, is kept as its sixteen bytes; another id as its text, which is given a zero at its end
/// if it would be taken for a UUID.
impl ToValue for LogicalId {
    fn to_value(&self) -> Value {
        if let Some(bytes) = uuid_bytes(&self.0) {
            return Value::Blob(bytes.to_vec());
        }
        let mut bytes = self.0.as_bytes().to_vec();
        if bytes.len() == UUID_BYTES {
            bytes.push(0);
        }
        Value::Blob(bytes)
    }
}

impl FromValue for LogicalId {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let bytes = value.blob()?;
        if let Ok(uuid) = <[u8; UUID_BYTES]>::try_from(bytes) {
            return Ok(Self(hyphenated(uuid).into()));
        }
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        let text = std::str::from_utf8(text).map_err(|_| value.is_not("a logical id"))?;
        text.parse().map_err(|_| value.is_not("a logical id"))
    }
}

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn uuid_bytes(text: &str) -> Option<[u8; UUID_BYTES]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0; UUID_BYTES];
    let mut nibbles = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        if HYPHENS.contains(&at) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = digit(byte)?;
        let place = bytes.get_mut(nibbles / 2)?;
        *place = (*place << 4) | digit;
        nibbles += 1;
    }
    Some(bytes)
}

fn hyphenated(bytes: [u8; UUID_BYTES]) -> String {
    let mut text = String::with_capacity(36);
    for byte in bytes {
        if HYPHENS.contains(&text.len()) {
            text.push('-');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_went_and_no_two_are_kept_alike() {
        let mut kept = std::collections::BTreeSet::new();
        let ids = [
            "a",
            "1234567890123456",
            "12345678901234567",
            "00000000-0000-0000-0000-000000000000",
            "7a8faea5-1769-a9d8-fa58-a6240f7c252d",
            "7A8FAEA5-1769-a9d8-fa58-a6240f7c252d",
            "7a8faea5x1769-a9d8-fa58-a6240f7c252d",
            "a.b-C",
        ];
        for text in ids {
            let id: LogicalId = text.parse().unwrap();
            let value = id.to_value();
            assert_eq!(LogicalId::from_value(value.borrow()).unwrap(), id);
            let Value::Blob(bytes) = value else { panic!("{text}") };
            assert!(kept.insert(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "a/b", "a_b", "ü", "a b", &"x".repeat(65)] {
            assert_eq!(text.parse::<LogicalId>(), Err(MalformedLogicalId), "{text:?}");
        }
    }
}
