//! The `client_id` that protocols carry: `<opaque>.<suffix>`.  Contract 1, "Developer portal"

use std::{fmt, str::FromStr};

use kernel::World;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How long the opaque part of a new id is: 32 of 62 characters are over 190 bits.
pub const OPAQUE_LENGTH: usize = 32;

/// The longest opaque part that is read.
const OPAQUE_BYTES_MAX: usize = 64;

/// The longest suffix.
pub const SUFFIX_BYTES_MAX: usize = 40;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text is not a client id, or not a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a client id: expected letters and digits, a dot, and a suffix of 1 to 40 of 0-9 and a-z")]
pub struct MalformedClientId;

/// What the developer chooses: 1 to 40 of `[0-9a-z]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suffix(Box<str>);

impl Suffix {
    /// The suffix as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Suffix {
    type Err = MalformedClientId;
    fn from_str(text: &str) -> Result<Self, MalformedClientId> {
        let good = (1..=SUFFIX_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        if good { Ok(Self(text.into())) } else { Err(MalformedClientId) }
    }
}

/// A client's public id. The dot keeps it apart from every person's `sub`, which is a UUID.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ClientIdText(Box<str>);

impl ClientIdText {
    /// A new id with this suffix.
    pub fn new(world: &World, suffix: &Suffix) -> Self {
        let opaque = opaque(|| world.random::<OPAQUE_LENGTH>());
        Self(format!("{opaque}.{}", suffix.as_str()).into())
    }

    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the developer chose.
    pub fn suffix(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or_default()
    }
}

/// Thirty-two characters, each equally likely.
fn opaque(mut chance: impl FnMut() -> [u8; OPAQUE_LENGTH]) -> String {
    /// Each round leaves 31 of 32 characters on average; sixty-four rounds without an end do not happen.
    const ROUNDS_MAX: usize = 64;
    (0..ROUNDS_MAX).flat_map(|_| chance()).filter_map(letter).take(OPAQUE_LENGTH).collect()
}

/// Bytes past the last multiple of 62 stand for nothing, so that no letter has more bytes than another.
fn letter(byte: u8) -> Option<char> {
    let at = usize::from(byte);
    let is_in_a_whole_round = at < BASE62.len() * 4;
    BASE62.get(at % BASE62.len()).filter(|_| is_in_a_whole_round).copied().map(char::from)
}

impl FromStr for ClientIdText {
    type Err = MalformedClientId;
    fn from_str(text: &str) -> Result<Self, MalformedClientId> {
        let (opaque, suffix) = text.split_once('.').ok_or(MalformedClientId)?;
        let good = (1..=OPAQUE_BYTES_MAX).contains(&opaque.len())
            && opaque.bytes().all(|byte| byte.is_ascii_alphanumeric());
        suffix.parse::<Suffix>()?;
        if good { Ok(Self(text.into())) } else { Err(MalformedClientId) }
    }
}
impl fmt::Display for ClientIdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl Serialize for ClientIdText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for ClientIdText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_an_opaque_part_and_a_suffix() {
        for text in ["kjhsdf9876sdfkjhsdlkjhsdf9807sdf.myapplication", "A.0", "a1.b2"] {
            assert_eq!(text.parse::<ClientIdText>().map(|id| id.to_string()), Ok(text.to_owned()));
        }
        for text in
            ["", ".", "a", "a.", ".b", "a.B", "a.b.c", "a b.c", "a.b ", "a.b\n", "ä.b", "a.ü", "a-b.c"]
        {
            assert_eq!(text.parse::<ClientIdText>(), Err(MalformedClientId), "{text:?}");
        }
        assert!(format!("a.{}", "b".repeat(41)).parse::<ClientIdText>().is_err());
        assert!(format!("{}.b", "a".repeat(65)).parse::<ClientIdText>().is_err());
    }

    #[test]
    fn every_character_is_equally_likely() {
        let letters: Vec<char> = (0..=u8::MAX).filter_map(letter).collect();
        let distinct: std::collections::BTreeSet<char> = letters.iter().copied().collect();
        assert_eq!((letters.len(), distinct.len()), (248, 62));
        assert!(distinct.iter().all(|one| letters.iter().filter(|letter| *letter == one).count() == 4));
    }

    #[test]
    fn what_chance_throws_away_is_drawn_again() {
        let mut round = 0_u8;
        let text = opaque(|| {
            round += 1;
            if round == 1 { [255; OPAQUE_LENGTH] } else { [61; OPAQUE_LENGTH] }
        });
        assert_eq!(text, "z".repeat(OPAQUE_LENGTH));
    }
}
