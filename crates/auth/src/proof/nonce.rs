//! Nonces of this deployment, which show that a proof is fresh. Nothing is kept of them: a nonce is a keyed digest of the
//! time, so that every node knows every other's.  RFC 9449 §8

use std::time::Duration;

use crypto::{b64, constant_time_eq};
use kernel::Timestamp;
use vault::Vault;

/// For how long one nonce is given out. It is good during the next window too, and in one before its own where the
/// clocks of two nodes differ.
pub(crate) const NONCE_WINDOW: Duration = Duration::from_secs(120);

const PURPOSE: &str = "dpop.nonce";
const NONCE_BYTES: usize = 16;

/// The nonce that is given out now.
pub(crate) fn current(vault: &Vault, now: Timestamp) -> String {
    of(vault, window(now))
}

/// Whether this is a nonce of ours, and not an old one.
pub(crate) fn is_fresh(vault: &Vault, nonce: &str, now: Timestamp) -> bool {
    let window = window(now);
    (window - 1..=window + 1).any(|window| constant_time_eq(of(vault, window).as_bytes(), nonce.as_bytes()))
}

fn window(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(NONCE_WINDOW.as_secs().cast_signed())
}

fn of(vault: &Vault, window: i64) -> String {
    let digest = vault.digest(PURPOSE, &window.to_be_bytes());
    b64::encode(digest.as_bytes().iter().copied().take(NONCE_BYTES).collect::<Vec<u8>>())
}
