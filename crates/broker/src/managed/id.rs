//! The id of an integration as contract 4 writes it: `int_` and something opaque.

use std::{fmt, str::FromStr};

use kernel::{Id, Integration};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

const PREFIX: &str = "int_";
const HEX_DIGITS: usize = 32;

/// `int_` and 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntId(pub Id<Integration>);

/// The text is no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an integration")]
pub struct MalformedIntId;

impl FromStr for IntId {
    type Err = MalformedIntId;
    fn from_str(text: &str) -> Result<Self, MalformedIntId> {
        let hex = text.strip_prefix(PREFIX).ok_or(MalformedIntId)?;
        let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        if hex.len() != HEX_DIGITS || !hex.bytes().all(plain) {
            return Err(MalformedIntId);
        }
        let uuid = Uuid::try_parse(hex).map_err(|_| MalformedIntId)?;
        Ok(Self(Id::from_bytes(uuid.into_bytes())))
    }
}
impl fmt::Display for IntId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", Uuid::from_bytes(*self.0.as_bytes()).simple())
    }
}
impl Serialize for IntId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for IntId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_way_to_write_an_id() {
        let id = IntId(Id::from_bytes([0xab; 16]));
        let text = format!("int_{}", "ab".repeat(16));
        assert_eq!((id.to_string(), text.parse()), (text.clone(), Ok(id)));
        for wrong in
            ["", "int_", &text[4..], &text.to_uppercase(), &format!("{text}0"), &text.replace("int_", "job_")]
        {
            assert!(wrong.parse::<IntId>().is_err(), "{wrong}");
        }
    }
}
