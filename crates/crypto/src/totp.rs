//! One-time codes of an authenticator app.  RFC 6238, RFC 4226 §5.3
//!
//! SHA-1, six digits, thirty seconds: what every authenticator app speaks. HMAC does not rest on collisions, so SHA-1
//! is no weakness here (RFC 6238 §1.2, RFC 6194 §3.3).

use aws_lc_rs::hmac;
use kernel::{Secret, Timestamp};

use crate::constant_time_eq;

/// How long the shared key is, in bytes.  RFC 4226 §4, R6
pub const KEY_BYTES: usize = 20;

/// How long a code is the current one, in seconds.
pub const STEP_S: u64 = 30;

/// How many steps a clock may be ahead or behind.  RFC 6238 §5.2
const DRIFT_STEPS: u64 = 1;

/// The digits of a code.
pub const DIGITS: usize = 6;

/// The step that an instant falls into.
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_seconds()).unwrap_or(0) / STEP_S
}

/// The code of a step.
pub fn code(key: &Secret<[u8; KEY_BYTES]>, step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.expose());
    let tag = hmac::sign(&key, &step.to_be_bytes());
    // Dynamic truncation (RFC 4226 §5.3): the last four bits say where the 31 bits are.
    let at = usize::from(tag.as_ref().last().copied().unwrap_or(0) & 0x0f);
    let four = tag.as_ref().iter().skip(at).take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    format!("{:06}", (four & 0x7fff_ffff) % 1_000_000)
}

/// The step whose code this is, if it is about now: all are compared, however early one fits.
pub fn step_of(key: &Secret<[u8; KEY_BYTES]>, typed: &str, now: Timestamp) -> Option<u64> {
    let current = step_at(now);
    let near = current.saturating_sub(DRIFT_STEPS)..=current.saturating_add(DRIFT_STEPS);
    near.fold(None, |found, step| {
        let fits = constant_time_eq(code(key, step).as_bytes(), typed.as_bytes());
        if fits { Some(step) } else { found }
    })
}

/// Base32 without padding, as authenticator apps take a key that is typed in.  RFC 4648 §6
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let bits = chunk.iter().chain(std::iter::repeat(&0)).take(5);
        let group = bits.fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        for digit in 0..(chunk.len() * 8).div_ceil(5) {
            let index = usize::try_from((group >> (35 - 5 * digit)) & 31).unwrap_or(0);
            text.extend(ALPHABET.get(index).map(|letter| char::from(*letter)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc_key() -> Secret<[u8; KEY_BYTES]> {
        Secret::new(*b"12345678901234567890")
    }

    /// RFC 6238 appendix B, the last six of its eight digits.
    #[test]
    fn codes_agree_with_rfc_6238() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&rfc_key(), step_at(Timestamp::from_seconds(seconds))), expected, "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_away_and_no_more() {
        let now = Timestamp::from_seconds(1_111_111_111);
        let current = step_at(now);
        for (away, is_taken) in [(-2_i64, false), (-1, true), (0, true), (1, true), (2, false)] {
            let step = current.saturating_add_signed(away);
            let found = step_of(&rfc_key(), &code(&rfc_key(), step), now);
            assert_eq!(found, is_taken.then_some(step), "{away}");
        }
        for typed in ["", "05047", "0504711", "05047x", "٠٥٠٤٧١"] {
            assert_eq!(step_of(&rfc_key(), typed, now), None, "{typed:?}");
        }
    }

    /// RFC 4648 §10
    #[test]
    fn base32_agrees_with_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
