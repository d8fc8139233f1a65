//! Sealed records: AES-256-GCM under a key made for each record, with a commitment to that key.  NIST SP 800-38D
//!
//! ```text
//! version u8 = 1 | key version u32 | salt 32 | commitment 32 | ciphertext | tag 16          (numbers: big end first)
//!
//! context    = each part behind its length (u32), then the 5 bytes of version and key version behind theirs
//! key 32 ‖ commitment 32 = HKDF-SHA-256(master key, salt, "hilum-record-v1" ‖ context), 64 bytes
//! ciphertext ‖ tag       = AES-256-GCM(key, nonce = 0, associated data = context, plain text)
//! ```
//!
//! The nonce may be constant because no key seals twice: the salt is fresh for each record. AES-GCM alone does not
//! bind a ciphertext to one key; the commitment does.

use aws_lc_rs::aead::{self, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use kernel::{Secret, World};
use zeroize::Zeroizing;

use crate::{certain, constant_time_eq, hash};

const FORMAT: u8 = 1;
const INFO: &[u8] = b"hilum-record-v1";
const HEADER_BYTES: usize = 5;
const SALT_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// How many bytes an envelope has beside its plain text.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES;

/// The envelope does not open: it is damaged, was sealed with another key, or belongs to another place. Which of these
/// is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this key in this place")]
pub struct Unopenable;

/// One version of a key that seals records.
pub struct AeadKey {
    version: u32,
    key: Secret<[u8; 32]>,
}

impl AeadKey {
    /// Thirty-two uniformly random bytes as the given version of a key.
    pub const fn new(version: u32, key: Secret<[u8; 32]>) -> Self {
        Self { version, key }
    }

    /// The version that its envelopes carry.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Seals the bytes into an envelope that opens only under the same context.
    pub fn seal(&self, world: &World, context: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        let salt: [u8; SALT_BYTES] = world.random();
        let header = header(self.version);
        let (key, commitment, associated) = self.record_key(&salt, context, &header);

        let mut envelope = Vec::with_capacity(OVERHEAD_BYTES.saturating_add(plain.len()));
        envelope.extend_from_slice(&header);
        envelope.extend_from_slice(&salt);
        envelope.extend_from_slice(&commitment);
        let mut body = Vec::with_capacity(plain.len().saturating_add(TAG_BYTES));
        body.extend_from_slice(plain);
        certain(key.seal_in_place_append_tag(nonce(), aead::Aad::from(&associated), &mut body));
        envelope.append(&mut body);
        envelope
    }

    /// Opens an envelope that this version of the key sealed under the same context.
    pub fn open(&self, context: &[&[u8]], envelope: &[u8]) -> Result<Secret<Vec<u8>>, Unopenable> {
        let (header, rest) = envelope.split_first_chunk::<HEADER_BYTES>().ok_or(Unopenable)?;
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or(Unopenable)?;
        let (claimed, body) = rest.split_first_chunk::<COMMITMENT_BYTES>().ok_or(Unopenable)?;
        if *header != self::header(self.version) {
            return Err(Unopenable);
        }
        let (key, commitment, associated) = self.record_key(salt, context, header);
        if !constant_time_eq(&commitment, claimed) {
            return Err(Unopenable);
        }
        let mut opened = Zeroizing::new(body.to_vec());
        let plain =
            key.open_in_place(nonce(), aead::Aad::from(&associated), &mut opened).map_err(|_| Unopenable)?;
        let plain_bytes = plain.len();
        opened.truncate(plain_bytes);
        Ok(Secret::new(std::mem::take(&mut *opened)))
    }

    fn record_key(
        &self,
        salt: &[u8; SALT_BYTES],
        context: &[&[u8]],
        header: &[u8; HEADER_BYTES],
    ) -> (LessSafeKey, [u8; COMMITMENT_BYTES], Vec<u8>) {
        let mut associated = hash::framed(context);
        associated.extend_from_slice(&hash::framed(&[header]));
        let info = [INFO, &associated].concat();
        let derived = Secret::new(hash::expand::<64>(self.key.expose(), salt, &info));
        let (key, commitment) = derived.expose().split_at(32);
        let key = LessSafeKey::new(certain(UnboundKey::new(&aead::AES_256_GCM, key)));
        (key, certain(commitment.try_into()), associated)
    }
}

/// The version of the key that sealed an envelope, if it has the shape of one. Nothing is proven by it.
pub fn key_version(envelope: &[u8]) -> Option<u32> {
    let ([format, version @ ..], rest) = envelope.split_first_chunk::<HEADER_BYTES>()?;
    (*format == FORMAT && rest.len() >= OVERHEAD_BYTES - HEADER_BYTES).then(|| u32::from_be_bytes(*version))
}

fn header(version: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = version.to_be_bytes();
    [FORMAT, a, b, c, d]
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use aes_gcm::{Aes256Gcm, KeyInit, aead::Aead};
    use hmac::{Hmac, Mac};
    use kernel::SystemClock;
    use proptest::prelude::*;

    use super::*;
    use crate::SystemEntropy;

    const CONTEXT: &[&[u8]] = &[b"tenant", b"table", b"row"];
    const PLAIN: &[u8] = b"refresh-token-of-somebody";

    fn world() -> World {
        World::new(SystemClock, SystemEntropy)
    }

    fn key(version: u32) -> AeadKey {
        AeadKey::new(version, Secret::new([42; 32]))
    }

    fn opened(key: &AeadKey, context: &[&[u8]], envelope: &[u8]) -> Result<Vec<u8>, Unopenable> {
        key.open(context, envelope).map(|plain| plain.expose().clone())
    }

    #[test]
    fn what_is_sealed_opens() {
        for plain in [&b""[..], b"x", PLAIN, &[0; 5000]] {
            let envelope = key(3).seal(&world(), CONTEXT, plain);
            assert_eq!(envelope.len(), plain.len() + OVERHEAD_BYTES);
            assert_eq!(key_version(&envelope), Some(3));
            assert_eq!(opened(&key(3), CONTEXT, &envelope), Ok(plain.to_vec()));
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let envelope = key(1).seal(&world(), CONTEXT, PLAIN);
        for at in 0..envelope.len() {
            for bit in 0..8 {
                let mut damaged = envelope.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(opened(&key(1), CONTEXT, &damaged), Err(Unopenable), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn every_shorter_or_longer_envelope_is_refused() {
        let envelope = key(1).seal(&world(), CONTEXT, PLAIN);
        for bytes in 0..envelope.len() {
            assert_eq!(opened(&key(1), CONTEXT, &envelope[..bytes]), Err(Unopenable), "{bytes} bytes");
        }
        let longer = [&envelope[..], &[0]].concat();
        assert_eq!(opened(&key(1), CONTEXT, &longer), Err(Unopenable));
    }

    #[test]
    fn an_envelope_opens_in_its_own_place_with_its_own_key_only() {
        let envelope = key(1).seal(&world(), CONTEXT, PLAIN);
        let elsewhere: [&[&[u8]]; 5] = [
            &[b"tenant", b"table", b"raw"],
            &[b"tenant", b"table"],
            &[b"tenant", b"table", b"row", b""],
            &[b"tenantt", b"able", b"row"],
            &[],
        ];
        for context in elsewhere {
            assert_eq!(opened(&key(1), context, &envelope), Err(Unopenable));
        }
        assert_eq!(opened(&key(2), CONTEXT, &envelope), Err(Unopenable), "same bytes, other version");
        let other = AeadKey::new(1, Secret::new([43; 32]));
        assert_eq!(opened(&other, CONTEXT, &envelope), Err(Unopenable));
        // an envelope that claims another version is not helped by the key of that version
        let mut claims_other = envelope;
        claims_other[4] = 2;
        assert_eq!(opened(&key(2), CONTEXT, &claims_other), Err(Unopenable));
    }

    #[test]
    fn no_two_envelopes_are_alike() {
        let (one, other) = (key(1).seal(&world(), CONTEXT, PLAIN), key(1).seal(&world(), CONTEXT, PLAIN));
        assert_ne!(one[5..37], other[5..37], "salt");
        assert_ne!(one[37..69], other[37..69], "commitment");
        assert_ne!(one[69..], other[69..], "ciphertext");
    }

    /// The format written down again from its description, on other people's AES, HMAC and SHA.
    fn open_independently(master: &[u8; 32], context: &[&[u8]], envelope: &[u8]) -> Option<Vec<u8>> {
        let hmac = |key: &[u8], parts: &[&[u8]]| {
            let mut mac = <Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(key).unwrap();
            parts.iter().for_each(|part| mac.update(part));
            mac.finalize().into_bytes().to_vec()
        };
        let mut associated = Vec::new();
        for part in context.iter().chain(&[&envelope[..5]]) {
            associated.extend((part.len() as u32).to_be_bytes());
            associated.extend(*part);
        }
        let extracted = hmac(&envelope[5..37], &[master]);
        let record_key = hmac(&extracted, &[b"hilum-record-v1", &associated, &[1]]);
        let commitment = hmac(&extracted, &[&record_key, b"hilum-record-v1", &associated, &[2]]);
        if commitment != envelope[37..69] {
            return None;
        }
        let payload = aes_gcm::aead::Payload { msg: &envelope[69..], aad: &associated };
        Aes256Gcm::new_from_slice(&record_key).unwrap().decrypt(&[0; 12].into(), payload).ok()
    }

    proptest! {
        #[test]
        fn an_independent_implementation_opens_what_ours_seals(
            master: [u8; 32],
            version: u32,
            context in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            plain in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let context: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
            let key = AeadKey::new(version, Secret::new(master));
            let envelope = key.seal(&world(), &context, &plain);
            prop_assert_eq!(open_independently(&master, &context, &envelope), Some(plain.clone()));
            prop_assert_eq!(opened(&key, &context, &envelope), Ok(plain));
        }

        #[test]
        fn junk_never_opens_and_never_panics(junk in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(opened(&key(1), CONTEXT, &junk), Err(Unopenable));
            let dressed = [&header(1)[..], &junk].concat();
            prop_assert_eq!(opened(&key(1), CONTEXT, &dressed), Err(Unopenable));
        }
    }
}
