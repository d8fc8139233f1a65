//! The word for a site in the `SU-SiteId` header.  Contract 3

use std::fmt;

use kernel::World;
use store::{FromValue, Mismatch, ToValue, Value, ValueRef};

/// How many letters or digits follow `HC`.
const DRAWN: usize = 5;
/// What a code that is drawn is made of: no `I`, `L`, `O`, `U`, `0` and `1`, which people take for one another.
const LETTERS: &[u8; 30] = b"ABCDEFGHJKMNPQRSTVWXYZ23456789";

/// `HC` and five letters or digits. It is kept in capitals: letter case tells no sites apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteCode(Box<str>);

impl SiteCode {
    /// The code, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, tail) = text.split_at_checked(2)?;
        let good = head.eq_ignore_ascii_case("HC")
            && tail.len() == DRAWN
            && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
        good.then(|| Self(text.to_ascii_uppercase().into()))
    }

    /// A code that nobody has asked for: one of about 24 million.
    pub fn draw(world: &World) -> Self {
        let chance: [u8; DRAWN * 2] = world.random();
        let letter = |pair: &[u8]| {
            let number = pair.iter().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
            LETTERS.get(number % LETTERS.len()).copied().map_or('A', char::from)
        };
        Self(format!("HC{}", chance.chunks(2).map(letter).collect::<String>()).into())
    }

    /// The code as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for SiteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ToValue for SiteCode {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl FromValue for SiteCode {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        Self::parse(value.text()?).ok_or_else(|| value.is_not("the code of a site"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_hc_and_five_letters_or_digits() {
        for (text, read) in [("HC12345", "HC12345"), ("hcabc9z", "HCABC9Z"), ("HCABCDE", "HCABCDE")] {
            assert_eq!(SiteCode::parse(text).map(|code| code.as_str().to_owned()), Some(read.to_owned()));
        }
        for text in
            ["", "HC", "HC1234", "HC123456", "XX12345", "HC1234 ", "HC12-45", "HCäbcd", "ähc1234", "1HC2345"]
        {
            assert_eq!(SiteCode::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_drawn_is_a_code() {
        let (world, _) = testkit::world();
        for _ in 0..100 {
            let drawn = SiteCode::draw(&world);
            assert_eq!(SiteCode::parse(drawn.as_str()), Some(drawn));
        }
    }
}
