//! Versions of a key, and the keys that are derived from them.

mod load;
pub(crate) mod queries;

use std::{collections::BTreeMap, sync::Arc};

use crypto::{AeadKey, hkdf_sha256};
use kernel::{Secret, World};

use crate::VaultError;

pub(crate) use load::load_or_create;

/// One version of a key, unwrapped.
pub(crate) struct Version {
    pub(crate) number: u32,
    /// Whether it only opens.
    pub(crate) is_retired: bool,
    pub(crate) key: Secret<[u8; 32]>,
}

/// All versions of a key for one use: the newest live one seals, every one opens.
pub(crate) struct KeyRing {
    newest: Arc<AeadKey>,
    by_version: BTreeMap<u32, Arc<AeadKey>>,
}

impl KeyRing {
    /// The ring for the use with this label; none if no version is live.
    pub(crate) fn derive(versions: &[Version], label: &'static str) -> Option<Self> {
        let derived = |version: &Version| {
            Arc::new(AeadKey::new(version.number, hkdf_sha256(&version.key, &[label.as_bytes()])))
        };
        let by_version: BTreeMap<_, _> =
            versions.iter().map(|version| (version.number, derived(version))).collect();
        let newest =
            versions.iter().filter(|version| !version.is_retired).map(|version| version.number).max()?;
        let newest = Arc::clone(by_version.get(&newest)?);
        Some(Self { newest, by_version })
    }

    pub(crate) fn seal(&self, world: &World, context: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        self.newest.seal(world, context, plain)
    }

    pub(crate) fn open(&self, context: &[&[u8]], envelope: &[u8]) -> Result<Secret<Vec<u8>>, VaultError> {
        let key = crypto::aead::key_version(envelope).and_then(|version| self.by_version.get(&version));
        key.ok_or(VaultError::Unopenable)?.open(context, envelope).map_err(|_| VaultError::Unopenable)
    }
}

/// A key for digests. It comes from the first version and stays, whatever is rotated: a digest is compared, never
/// opened, so one made with another key would never be found again.
pub(crate) fn digest_key(versions: &[Version], label: &'static str) -> Option<Secret<[u8; 32]>> {
    let first = versions.iter().min_by_key(|version| version.number)?;
    Some(hkdf_sha256(&first.key, &[label.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use kernel::SystemClock;

    use super::*;

    fn version(number: u32, is_retired: bool) -> Version {
        Version { number, is_retired, key: Secret::new([number as u8; 32]) }
    }

    #[test]
    fn the_newest_live_version_seals_and_every_version_opens() {
        let world = World::new(SystemClock, crypto::SystemEntropy);
        let one = KeyRing::derive(&[version(1, false)], "use").unwrap();
        let old = one.seal(&world, &[b"here"], b"old");
        // version 3 is handed out and not live yet
        let three = KeyRing::derive(&[version(2, false), version(1, true), version(3, true)], "use").unwrap();
        let new = three.seal(&world, &[b"here"], b"new");
        assert_eq!(crypto::aead::key_version(&new), Some(2));
        assert_eq!(three.open(&[b"here"], &old).unwrap().expose(), b"old");
        assert_eq!(three.open(&[b"here"], &new).unwrap().expose(), b"new");
        assert!(
            matches!(one.open(&[b"here"], &new), Err(VaultError::Unopenable)),
            "a version it does not have"
        );
        let other_use = KeyRing::derive(&[version(1, false)], "other use").unwrap();
        assert!(matches!(other_use.open(&[b"here"], &old), Err(VaultError::Unopenable)));
    }

    #[test]
    fn a_ring_needs_a_live_version() {
        assert!(KeyRing::derive(&[], "use").is_none());
        assert!(KeyRing::derive(&[version(1, true)], "use").is_none());
    }

    #[test]
    fn digests_outlive_rotation() {
        let before = digest_key(&[version(1, false)], "use").unwrap();
        let after = digest_key(&[version(2, false), version(1, true)], "use").unwrap();
        assert_eq!(before.expose(), after.expose());
        assert!(digest_key(&[], "use").is_none());
    }
}
