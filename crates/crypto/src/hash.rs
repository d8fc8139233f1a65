//! Hashes, keyed hashes and keys derived from keys.  FIPS 180-4, RFC 2104, RFC 5869

use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use kernel::{Digest, Secret};

use crate::certain;

/// SHA-256 of the bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    thirty_two(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-512 of the bytes.
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    let mut out = [0; 64];
    out.iter_mut().zip(digest::digest(&digest::SHA512, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// SHA-1 of the bytes, for what others have published with no better digest. It tells damage, and no intent.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut out = [0; 20];
    out.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// HMAC-SHA-256 over the parts one after another, as protocols use it. The parts are not told apart: where their
/// borders matter, use [`keyed_digest`].
pub fn hmac_sha256(key: &Secret<[u8; 32]>, parts: &[&[u8]]) -> Digest {
    Digest::from_bytes(hmac_of(key.expose(), parts))
}

/// HMAC-SHA-256 with a key that is a text of any length, such as a secret that another party has issued. The parts are
/// not told apart.  RFC 2104 §2
pub fn hmac_sha256_text(key: &Secret<String>, parts: &[&[u8]]) -> Digest {
    Digest::from_bytes(hmac_of(key.expose().as_bytes(), parts))
}

/// HMAC-SHA-256 with a key of any bytes, such as one that another party has issued in base64. The parts are not told apart.  RFC 2104 §2
pub fn hmac_sha256_bytes(key: &Secret<Vec<u8>>, parts: &[&[u8]]) -> Digest {
    Digest::from_bytes(hmac_of(key.expose(), parts))
}

/// HMAC-SHA-256 over the parts, each behind its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
pub fn keyed_digest(key: &Secret<[u8; 32]>, parts: &[&[u8]]) -> Digest {
    Digest::from_bytes(hmac_of(key.expose(), &[&framed(parts)]))
}

/// Thirty-two bytes derived from a key: HKDF-SHA-256 without salt, for keys that are already uniformly random.
/// `info` parts are told apart by their lengths.
pub fn hkdf_sha256(key: &Secret<[u8; 32]>, info: &[&[u8]]) -> Secret<[u8; 32]> {
    Secret::new(expand(key.expose(), &[], &framed(info)))
}

/// Whether the two are equal, in time that depends on their lengths alone.
pub fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The parts, each behind its length as four bytes, big end first.
pub(crate) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        bytes.extend_from_slice(&certain(u32::try_from(part.len())).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// HKDF-SHA-256, `N` bytes of output.
pub(crate) fn expand<const N: usize>(key: &[u8], salt: &[u8], info: &[u8]) -> [u8; N] {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut output = [0; N];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    certain(extracted.expand(&[info], Length(N)).and_then(|okm| okm.fill(&mut output)));
    output
}

fn hmac_of(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    thirty_two(context.sign().as_ref())
}

fn thirty_two(bytes: &[u8]) -> [u8; 32] {
    certain(bytes.try_into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn sha_256_of_abc() {
        let expected = unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256(b"abc").to_vec(), expected);
    }

    /// RFC 4231 §4.2 to §4.8 (without the truncated case 5).
    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let cases: [(Vec<u8>, Vec<u8>, &str); 6] = [
            (vec![0x0b; 20], b"Hi There".to_vec(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (vec![0xaa; 20], vec![0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            ((1..=25).collect(), vec![0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to \
                  be hashed before being used by the HMAC algorithm."
                    .to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, data, expected) in cases {
            assert_eq!(hmac_of(&key, &[&data]).to_vec(), unhex(expected));
            let (head, tail) = data.split_at(data.len() / 2);
            assert_eq!(hmac_of(&key, &[head, tail]).to_vec(), unhex(expected), "in two parts");
        }
    }

    /// RFC 4231 §4.3; and RFC 2104 §2: a key longer than a block (64 bytes) counts as its hash.
    #[test]
    fn a_text_of_any_length_is_a_key() {
        let jefe = Secret::new("Jefe".to_owned());
        let expected = unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(
            hmac_sha256_text(&jefe, &[b"what do ya want ", b"for nothing?"]).as_bytes().to_vec(),
            expected
        );
        let long = "k".repeat(65);
        let hashed = Secret::new(sha256(long.as_bytes()));
        assert_eq!(hmac_sha256_text(&Secret::new(long), &[b"x"]), hmac_sha256(&hashed, &[b"x"]));
    }

    /// RFC 5869 appendix A, the three cases with SHA-256.
    #[test]
    fn hkdf_agrees_with_rfc_5869() {
        assert_eq!(
            expand::<42>(&[0x0b; 22], &unhex("000102030405060708090a0b0c"), &unhex("f0f1f2f3f4f5f6f7f8f9"))
                .to_vec(),
            unhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        );
        let run = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
        assert_eq!(
            expand::<82>(&run(0x00, 0x4f), &run(0x60, 0xaf), &run(0xb0, 0xff)).to_vec(),
            unhex(
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09\
                 da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            )
        );
        assert_eq!(
            expand::<42>(&[0x0b; 22], &[], &[]).to_vec(),
            unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
        );
    }

    #[test]
    fn borders_between_parts_count() {
        let key = Secret::new([7; 32]);
        assert_ne!(keyed_digest(&key, &[b"ab", b"c"]), keyed_digest(&key, &[b"a", b"bc"]));
        assert_eq!(hmac_sha256(&key, &[b"ab", b"c"]), hmac_sha256(&key, &[b"a", b"bc"]));
        assert_ne!(hkdf_sha256(&key, &[b"ab", b"c"]).expose(), hkdf_sha256(&key, &[b"a", b"bc"]).expose());
    }

    #[test]
    fn equality_is_of_content_and_length() {
        assert!(constant_time_eq(b"same", b"same"));
        assert!(!constant_time_eq(b"same", b"sama"));
        assert!(!constant_time_eq(b"same", b"same "));
    }
}
