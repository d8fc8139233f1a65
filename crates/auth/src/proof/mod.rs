//! Showing that one holds a key: DPoP proofs (RFC 9449), certificates (RFC 8705), and what is good only once.

pub(crate) mod bound;
pub(crate) mod dpop;
pub(crate) mod nonce;
pub(crate) mod replay;

use crypto::x509::{Anchors, X509Error};
use kernel::Timestamp;

use crate::{
    Config,
    client::{keys::ClientKeys, origins::Origins, tries::Tries},
};

/// What this node remembers of proofs, of clients' keys and origins, and of who failed to prove something.
pub(crate) struct Proving {
    pub authorities: Anchors,
    pub replay: replay::Replay,
    pub tries: Tries,
    pub keys: ClientKeys,
    pub origins: Origins,
}

impl Proving {
    pub(crate) fn new(config: &Config, now: Timestamp) -> Result<Self, X509Error> {
        Ok(Self {
            authorities: Anchors::new(&config.tls_client_authorities)?,
            replay: replay::Replay::new(now),
            tries: Tries::new(),
            keys: ClientKeys::new(),
            origins: Origins::default(),
        })
    }
}
