//! Random tokens that say what they are: `hlm_cs_` + 44 characters of chance + 6 characters of checksum.
//!
//! The prefix and the checksum let a scanner recognise a leaked token and let us refuse a mistyped one without asking
//! the database. Neither adds or takes secrecy: that is the 256 bits in between.

use kernel::{Secret, World};
use zeroize::Zeroizing;

use crate::sha256;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^22 is above 2^128.
const HALF_CHARACTERS: u32 = 22;
/// 62^6 is above 2^32.
const CHECK_CHARACTERS: u32 = 6;

/// The characters of a token behind its prefix.
pub const BODY_CHARACTERS: usize = (2 * HALF_CHARACTERS + CHECK_CHARACTERS) as usize;

/// A new token of 256 bits behind the prefix. The prefix ends with `_`.
pub fn generate(world: &World, prefix: &'static str) -> Secret<String> {
    let chance = world.secret::<32>();
    // The whole length at once: a text that grows leaves copies of itself behind.
    let mut token = Zeroizing::new(String::with_capacity(prefix.len() + BODY_CHARACTERS));
    token.push_str(prefix);
    let (halves, _) = chance.expose().as_chunks::<16>();
    for half in halves {
        push_base62(&mut token, u128::from_be_bytes(*half), HALF_CHARACTERS);
    }
    let check = checksum(&token);
    push_base62(&mut token, check, CHECK_CHARACTERS);
    Secret::new(std::mem::take(&mut *token))
}

/// Whether the text has the prefix, the length, the alphabet and the checksum of our tokens. Proves nothing more.
pub fn looks_like(text: &str, prefix: &str) -> bool {
    let Some(body) = text.strip_prefix(prefix) else { return false };
    if body.len() != BODY_CHARACTERS || !body.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let Some((said, claimed)) = text.split_at_checked(text.len() - CHECK_CHARACTERS as usize) else {
        return false;
    };
    let mut check = String::new();
    push_base62(&mut check, checksum(said), CHECK_CHARACTERS);
    check == claimed
}

fn checksum(text: &str) -> u128 {
    let [a, b, c, d, ..] = sha256(text.as_bytes());
    u128::from(u32::from_be_bytes([a, b, c, d]))
}

/// Writes the number with so many digits, the smallest digit first.
fn push_base62(text: &mut String, mut number: u128, digits: u32) {
    for _ in 0..digits {
        let digit = usize::try_from(number % 62).ok().and_then(|digit| ALPHABET.get(digit));
        text.extend(digit.map(|letter| char::from(*letter)));
        number /= 62;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn world() -> World {
        World::new(kernel::SystemClock, crate::SystemEntropy)
    }

    #[test]
    fn a_token_says_what_it_is() {
        let token = generate(&world(), "hlm_cs_");
        let text = token.expose();
        assert_eq!(text.len(), 57);
        assert!(looks_like(text, "hlm_cs_"));
        assert!(!looks_like(text, "hlm_at_"));
        assert!(!looks_like(text, "hlm_"));
        assert!(!looks_like(&format!("{text}0"), "hlm_cs_"));
        assert!(!looks_like(&text[..56], "hlm_cs_"));
        assert!(!looks_like("", "hlm_cs_"));
        assert!(!looks_like(&format!("hlm_cs_{}", "é".repeat(25)), "hlm_cs_"));
    }

    #[test]
    fn a_mistyped_token_is_noticed() {
        let token = generate(&world(), "hlm_cs_");
        for at in 7..57 {
            let mut typed = token.expose().clone();
            let other = if &typed[at..=at] == "x" { "y" } else { "x" };
            typed.replace_range(at..=at, other);
            assert!(!looks_like(&typed, "hlm_cs_"), "at {at}");
        }
    }

    #[test]
    fn the_largest_number_fits() {
        let mut text = String::new();
        push_base62(&mut text, u128::MAX, HALF_CHARACTERS);
        let back = text.bytes().rev().try_fold(0_u128, |sum, letter| {
            let digit = ALPHABET.iter().position(|l| *l == letter)? as u128;
            sum.checked_mul(62)?.checked_add(digit)
        });
        assert_eq!(back, Some(u128::MAX));
        assert!(62_u128.pow(CHECK_CHARACTERS) > u128::from(u32::MAX));
    }

    #[test]
    fn no_two_are_alike() {
        let world = world();
        let tokens: HashSet<String> =
            (0..1000).map(|_| generate(&world, "hlm_cs_").expose().clone()).collect();
        assert_eq!(tokens.len(), 1000);
    }
}
