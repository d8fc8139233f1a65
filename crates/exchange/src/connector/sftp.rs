//! A directory of an SFTP server.  RFC 4253, <https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02>
//!
//! Who is there is known by the host key that somebody has set: a server with another key, or while none is set, gets to know nothing of us but our
//! address. The connection is made by the guarded way out, to the addresses that were looked at.

mod hand;
mod reach;
mod sign_in;

use std::{fmt, str::FromStr, time::Duration};

use kernel::{Secret, World};
use russh::keys::{HashAlg, PublicKey, ssh_key::Fingerprint};

use super::{
    Findings, Paced, PullFault,
    files::{Files, Records, Rules, Shelf},
};
use hand::SftpHand;

/// The port where nothing else is said.
pub const PORT: u16 = 22;
/// The longest that agreeing on keys, and signing in, may take each.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest that one request may take, in seconds.
pub const REQUEST_TIMEOUT_S: u64 = 30;
/// Bytes that are asked for in one request: what every server gives.
pub const CHUNK_BYTES: u32 = 32 * 1024;
/// Requests for parts of a file that are under way at once.
pub const CHUNKS_AT_ONCE: usize = 16;

/// The key by which a server is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey(String);

/// The text is neither a public key nor the SHA-256 fingerprint of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither `SHA256:…` nor a public key")]
pub struct MalformedHostKey;

impl FromStr for HostKey {
    type Err = MalformedHostKey;
    fn from_str(text: &str) -> Result<Self, MalformedHostKey> {
        let text = text.trim();
        if text.starts_with("SHA256:") {
            let print: Fingerprint = text.trim_end_matches('=').parse().map_err(|_| MalformedHostKey)?;
            return Ok(Self(print.to_string()));
        }
        PublicKey::from_openssh(text).map(|key| Self::of(&key)).map_err(|_| MalformedHostKey)
    }
}

impl HostKey {
    fn of(key: &PublicKey) -> Self {
        Self(key.fingerprint(HashAlg::Sha256).to_string())
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How we prove ourselves: with a key, a password, or both where a server wants both.
#[derive(Clone, Default)]
pub struct Proof {
    /// The password.
    pub password: Option<Secret<String>>,
    /// A private key as OpenSSH, PKCS #8 or PuTTY write them.
    pub private_key: Option<Secret<String>>,
    /// What the private key is sealed with.
    pub passphrase: Option<Secret<String>>,
}

/// A directory of a server.
pub struct Directory {
    /// The way out: a connection is a turn, up to its end.
    pub paced: Paced,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The key by which it is known; none while nobody has set one.
    pub host_key: Option<HostKey>,
    /// As whom we sign in.
    pub username: String,
    /// With what.
    pub proof: Proof,
    /// The directory, without a slash at its end.
    pub path: String,
    /// Where files go that are done with.
    pub processed: Option<String>,
}

/// Files of a server as a source.
pub fn source(directory: Directory, rules: Rules, records: Records, world: World) -> Files<Directory> {
    Files::new(directory, rules, records, world)
}

impl Shelf for Directory {
    type Hand = SftpHand;

    async fn reach(&self) -> Result<SftpHand, PullFault> {
        reach::reach(self).await
    }

    async fn try_reach(&self, world: &World, findings: &mut Findings) -> Option<SftpHand> {
        reach::try_reach(self, world, findings).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_is_its_fingerprint_however_it_is_written() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ hospital";
        let print = key.parse::<HostKey>().unwrap().to_string();
        assert!(print.starts_with("SHA256:") && !print.ends_with('='), "{print}");
        assert_eq!(print.parse::<HostKey>(), key.parse());
        assert_eq!(format!(" {print}=\n").parse::<HostKey>(), key.parse());
        for text in ["", "SHA256:", "SHA256:AAAA", "MD5:00:11", "ssh-ed25519 AAAA", "files.example.org"] {
            assert!(text.parse::<HostKey>().is_err(), "{text}");
        }
    }
}
