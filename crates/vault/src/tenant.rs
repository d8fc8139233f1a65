//! One tenant's keys at work. Nothing here waits, so all of it can be used inside a transaction.

use std::{fmt, sync::Arc};

use crypto::keyed_digest;
use kernel::{Digest, Id, Organisation, Secret, World};

use crate::{
    Place, Sealed, VaultError,
    key::{KeyRing, Version, digest_key},
    place::Owner,
};

const RECORD_LABEL: &str = "hilum-vault-record-v1";
const BLIND_LABEL: &str = "hilum-vault-blind-v1";

/// What one tenant's personal data and secrets are sealed and opened with.
#[derive(Clone)]
pub struct TenantVault(Arc<Inner>);

struct Inner {
    tenant: Id<Organisation>,
    world: World,
    records: KeyRing,
    blind_key: Secret<[u8; 32]>,
}

impl TenantVault {
    pub(crate) fn of(
        tenant: Id<Organisation>,
        world: World,
        versions: &[Version],
    ) -> Result<Self, VaultError> {
        let records = KeyRing::derive(versions, RECORD_LABEL).ok_or(VaultError::NoLiveKey)?;
        let blind_key = digest_key(versions, BLIND_LABEL).ok_or(VaultError::NoLiveKey)?;
        Ok(Self(Arc::new(Inner { tenant, world, records, blind_key })))
    }

    /// Whose it is.
    pub fn tenant(&self) -> Id<Organisation> {
        self.0.tenant
    }

    /// Seals bytes for one place.
    pub fn seal(&self, place: Place, bytes: &[u8]) -> Sealed {
        let owner = Owner::Tenant(self.0.tenant.as_bytes());
        Sealed::new(self.0.records.seal(&self.0.world, &place.context(&owner), bytes))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// `Unopenable` when it is damaged, or was sealed elsewhere or with a key that is not this tenant's.
    pub fn open(&self, place: Place, sealed: &Sealed) -> Result<Secret<Vec<u8>>, VaultError> {
        let owner = Owner::Tenant(self.0.tenant.as_bytes());
        open_loudly(&self.0.records, place, &owner, sealed)
    }

    /// Opens what was sealed for this place as text.
    ///
    /// # Errors
    /// As [`open`](Self::open); `NotText` when it is not UTF-8.
    pub fn open_text(&self, place: Place, sealed: &Sealed) -> Result<Secret<String>, VaultError> {
        text_of(&self.open(place, sealed)?)
    }

    /// A value for looking up equal texts of one field within this tenant. It leaks equality, so it is not for fields
    /// with few values. The text is taken as it is: fold its case and white space before.
    pub fn blind(&self, field: &'static str, text: &str) -> Digest {
        keyed_digest(&self.0.blind_key, &[field.as_bytes(), text.as_bytes()])
    }
}

impl fmt::Debug for TenantVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantVault({:?})", self.0.tenant)
    }
}

/// Opens, and tells the operator of what does not open: it is damage or an attempt to move it.
pub(crate) fn open_loudly(
    ring: &KeyRing,
    place: Place,
    owner: &Owner<'_>,
    sealed: &Sealed,
) -> Result<Secret<Vec<u8>>, VaultError> {
    ring.open(&place.context(owner), sealed.as_bytes()).inspect_err(|_| {
        tracing::error!(
            table = place.table,
            column = place.column,
            purpose = place.purpose,
            key_version = crypto::aead::key_version(sealed.as_bytes()),
            "a sealed value does not open in its place"
        );
    })
}

fn text_of(bytes: &Secret<Vec<u8>>) -> Result<Secret<String>, VaultError> {
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| VaultError::NotText)?;
    Ok(Secret::new(text.to_owned()))
}
