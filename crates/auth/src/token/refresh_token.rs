//! The text of a refresh token: which grant, which generation, and a proof that it was made here. Nothing of it is stored; the
//! successor of a token can be made again, so that a retry gets the very same.

use crypto::b64;
use kernel::{Id, Secret};

use crate::{Auth, grant::Grant};

/// What it begins with, so that a scanner knows one that has leaked.
pub(crate) const PREFIX: &str = "hlm_rt_";
/// Keeps these proofs apart from every other digest.
const PURPOSE: &str = "refresh_token";
const NAMED_BYTES: usize = 20;

/// A refresh token whose proof is good. Whether it is the newest of its grant, the row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub grant: Id<Grant>,
    pub generation: u32,
}

impl RefreshToken {
    pub(crate) fn text(self, auth: &Auth) -> Secret<String> {
        let named = self.named();
        let proof = auth.vault().digest(PURPOSE, &named);
        let bytes = Secret::new([&named[..], proof.as_bytes()].concat());
        Secret::new(format!("{PREFIX}{}", b64::encode(bytes.expose())))
    }

    /// Reads a text whose proof is good.
    pub(crate) fn read(auth: &Auth, text: &str) -> Option<Self> {
        let bytes = Secret::new(b64::decode(text.strip_prefix(PREFIX)?).ok()?);
        let (named, proof) = bytes.expose().split_first_chunk::<NAMED_BYTES>()?;
        let (grant, generation) = named.split_first_chunk::<16>()?;
        let read = Self {
            grant: Id::from_bytes(*grant),
            generation: u32::from_be_bytes(generation.try_into().ok()?),
        };
        let good = auth.vault().digest(PURPOSE, named);
        crypto::constant_time_eq(good.as_bytes(), proof).then_some(read)
    }

    fn named(self) -> [u8; NAMED_BYTES] {
        let mut bytes = [0; NAMED_BYTES];
        let (grant, generation) = bytes.split_at_mut(16);
        grant.copy_from_slice(self.grant.as_bytes());
        generation.copy_from_slice(&self.generation.to_be_bytes());
        bytes
    }
}
