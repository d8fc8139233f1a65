//! The code that a person types in: eight consonants, none of them like another.  RFC 8628 §6.1

use std::{fmt, str::FromStr};

use kernel::World;

/// No vowels, so that no word comes out; nothing that looks like a digit.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CHARACTERS: usize = 8;

/// Eight letters, shown as `WDJB-MJHT`: 34 bits, good for ten minutes, and tries are counted.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; CHARACTERS]);

/// The text is not a user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has eight letters, such as WDJB-MJHT")]
pub struct MalformedUserCode;

impl UserCode {
    pub(super) fn draw(world: &World) -> Self {
        let mut letters = [0; CHARACTERS];
        for letter in &mut letters {
            *letter = loop {
                // 240 is the largest multiple of 20 in a byte: above it some letters would come more often.
                let [chance] = world.random::<1>();
                if let Some(found) = ALPHABET.get(usize::from(chance % 20)).filter(|_| chance < 240) {
                    break *found;
                }
            };
        }
        Self(letters)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; CHARACTERS] {
        &self.0
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, letter) in self.0.iter().enumerate() {
            if nth == CHARACTERS / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// Case, spaces and dashes do not matter.
impl FromStr for UserCode {
    type Err = MalformedUserCode;
    fn from_str(text: &str) -> Result<Self, MalformedUserCode> {
        let typed = text.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'_' | b'.'));
        let letters: Vec<u8> = typed.map(|byte| byte.to_ascii_uppercase()).take(CHARACTERS + 1).collect();
        match <[u8; CHARACTERS]>::try_from(letters) {
            Ok(letters) if letters.iter().all(|letter| ALPHABET.contains(letter)) => Ok(Self(letters)),
            _ => Err(MalformedUserCode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_type_as_they_like() {
        let code: UserCode = "WDJB-MJHT".parse().unwrap();
        assert_eq!(code.to_string(), "WDJB-MJHT");
        for text in ["wdjbmjht", " wdjb mjht ", "w-d-j-b-m-j-h-t"] {
            assert!(text.parse::<UserCode>().is_ok_and(|typed| typed == code), "{text}");
        }
        for text in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH1", "ЩDJB-MJHT"] {
            assert!(text.parse::<UserCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_letter_comes() {
        let world = World::new(kernel::SystemClock, crypto::SystemEntropy);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            seen.extend(UserCode::draw(&world).0);
        }
        assert_eq!(seen.len(), ALPHABET.len());
    }
}
