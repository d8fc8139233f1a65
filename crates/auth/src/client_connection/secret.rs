//! A connection's secret: 32 characters, shown when it is drawn, kept as a keyed digest.

use crypto::b64;
use kernel::{Digest, Secret};

use crate::Auth;

/// Keeps digests of these secrets apart from every other digest.
const PURPOSE: &str = "client_connection.secret";

/// The bytes of chance in a secret: 32 characters of base64url.
const CHANCE_BYTES: usize = 24;

/// A secret that was just drawn: the only time its text is there.
pub struct NewSecret {
    /// What the caller keeps.
    pub text: Secret<String>,
    pub(super) digest: Digest,
}

impl NewSecret {
    pub(super) fn draw(auth: &Auth) -> Self {
        let text = Secret::new(b64::encode(auth.world().secret::<CHANCE_BYTES>().expose()));
        let digest = digest(auth, text.expose());
        Self { text, digest }
    }
}

/// What the database finds a secret by: nothing about the secret is compared in time that depends on it.
pub(super) fn digest(auth: &Auth, text: &str) -> Digest {
    auth.vault().digest(PURPOSE, text.as_bytes())
}
