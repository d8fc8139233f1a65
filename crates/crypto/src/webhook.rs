//! Signatures of webhooks.  Standard Webhooks 1.0,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use kernel::{Secret, Timestamp};

use crate::{b64, hash::hmac_sha256};

/// What is signed: the same id for every attempt to deliver, the time of this one, and the body as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub at: Timestamp,
    /// The body.
    pub body: &'a [u8],
}

impl Message<'_> {
    fn signed(&self) -> Vec<u8> {
        let head = format!("{}.{}.", self.id, self.at.as_seconds());
        [head.as_bytes(), self.body].concat()
    }
}

/// The key as whoever verifies with it is shown it: `whsec_…`.
pub fn shown(key: &Secret<[u8; 32]>) -> Secret<String> {
    Secret::new(format!("whsec_{}", b64::encode_standard(key.expose())))
}

/// The signature by a key that both sides know: `v1,…`.
pub fn sign(key: &Secret<[u8; 32]>, message: &Message<'_>) -> String {
    format!("v1,{}", b64::encode_standard(hmac_sha256(key, &[&message.signed()]).as_bytes()))
}

/// A pair of which others know the public half.  RFC 8032
pub struct Pair(Ed25519KeyPair);

impl Pair {
    /// The pair that comes of this seed; the same each time.
    pub fn of(seed: &Secret<[u8; 32]>) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok().map(Self)
    }

    /// The public half as whoever verifies with it is shown it: `whpk_…`.
    pub fn public(&self) -> String {
        format!("whpk_{}", b64::encode_standard(self.0.public_key().as_ref()))
    }

    /// The signature by the private half: `v1a,…`.
    pub fn sign(&self, message: &Message<'_>) -> String {
        format!("v1a,{}", b64::encode_standard(self.0.sign(&message.signed()).as_ref()))
    }
}

/// Whether the signature over these bytes is by the pair whose public half this is, in Base64 with or without `whpk_`.
pub fn is_signed_by(public: &Secret<String>, signed: &[u8], signature: &[u8]) -> bool {
    let text = public.expose();
    let Ok(key) = b64::decode_standard(text.strip_prefix("whpk_").unwrap_or(text)) else { return false };
    UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: Message<'_> =
        Message { id: "msg_1", at: Timestamp::from_seconds(1_700_000_000), body: b"{}" };

    #[test]
    fn it_is_what_the_openssl_command_line_says() {
        let key = Secret::new([7; 32]);
        assert_eq!(sign(&key, &MESSAGE), "v1,nuLLyheCKcS2N8JNOFt5stk98R+umYWr26/ZTfdtGM8=");
        assert_eq!(shown(&key).expose(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    }

    #[test]
    fn the_public_half_verifies_what_the_private_half_signed_and_nothing_else() {
        // the first pair of RFC 8032 §7.1
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
            0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let pair = Pair::of(&Secret::new(seed)).unwrap();
        assert_eq!(pair.public(), "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let public = Secret::new(pair.public());
        let signature = b64::decode_standard(pair.sign(&MESSAGE).strip_prefix("v1a,").unwrap()).unwrap();
        let judged = |message: Message<'_>| is_signed_by(&public, &message.signed(), &signature);
        assert!(judged(MESSAGE));
        assert!(!judged(Message { body: b"{ }", ..MESSAGE }));
        assert!(!judged(Message { id: "msg_2", ..MESSAGE }));
        assert!(!judged(Message { at: Timestamp::from_seconds(1_700_000_001), ..MESSAGE }));
    }
}
