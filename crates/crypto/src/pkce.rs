//! Proof key for code exchange, method S256 only.  RFC 7636

use kernel::{Secret, World};

use crate::{b64, constant_time_eq, sha256};

/// The shortest and the longest verifier, in characters (§4.1).
pub const VERIFIER_CHARACTERS: std::ops::RangeInclusive<usize> = 43..=128;
const CHALLENGE_CHARACTERS: usize = 43;

/// A `code_verifier`.
#[derive(Clone)]
pub struct Verifier(Secret<String>);

impl Verifier {
    /// A new one with 256 bits of chance (§4.1).
    pub fn generate(world: &World) -> Self {
        Self(Secret::new(b64::encode(world.secret::<32>().expose())))
    }

    /// The text, if it is 43 to 128 unreserved characters (§4.1).
    pub fn parse(text: &str) -> Option<Self> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        let good = VERIFIER_CHARACTERS.contains(&text.len()) && text.bytes().all(unreserved);
        good.then(|| Self(Secret::new(text.to_owned())))
    }

    /// The text that goes to the token endpoint.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The `code_challenge` that goes to the authorization endpoint.
    pub fn challenge(&self) -> String {
        s256_challenge(self.expose())
    }
}

/// The S256 challenge of a verifier (§4.2).
pub fn s256_challenge(verifier: &str) -> String {
    b64::encode(sha256(verifier.as_bytes()))
}

/// Whether the text has the shape of an S256 challenge: 43 characters of unpadded base64url.
pub fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_CHARACTERS && b64::decode(text).is_ok()
}

/// Whether the verifier belongs to the challenge (§4.6). A malformed verifier belongs to none.
pub fn matches(challenge: &str, verifier: &str) -> bool {
    Verifier::parse(verifier)
        .is_some_and(|v| constant_time_eq(challenge.as_bytes(), v.challenge().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn agrees_with_rfc_7636() {
        assert_eq!(s256_challenge(VERIFIER), CHALLENGE);
        assert!(matches(CHALLENGE, VERIFIER));
        assert!(is_challenge(CHALLENGE));
    }

    #[test]
    fn only_the_verifier_itself_matches() {
        let last_differs = format!("{}l", &VERIFIER[..42]);
        for verifier in ["", CHALLENGE, &last_differs, &VERIFIER[..42], &format!("{VERIFIER}=")] {
            assert!(!matches(CHALLENGE, verifier), "{verifier}");
        }
        assert!(!matches(VERIFIER, VERIFIER), "the method plain");
        assert!(!matches("", VERIFIER));
    }

    #[test]
    fn shapes_are_checked() {
        for text in ["", &"a".repeat(42), &"a".repeat(129), &format!("{} ", "a".repeat(43)), &"é".repeat(30)]
        {
            assert!(Verifier::parse(text).is_none(), "{text:?}");
        }
        assert!(Verifier::parse(&"~._-".repeat(32)).is_some());
        for text in ["", &CHALLENGE[..42], &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+")] {
            assert!(!is_challenge(text), "{text:?}");
        }
    }

    #[test]
    fn a_new_one_is_well_formed() {
        let world = World::new(kernel::SystemClock, crate::SystemEntropy);
        let verifier = Verifier::generate(&world);
        assert!(matches(&verifier.challenge(), verifier.expose()));
    }
}
