//! The vault: unlocked once, at start.

use std::{fmt, path::Path, sync::Arc};

use crypto::{b64, keyed_digest};
use kernel::{Digest, Id, Organisation, Secret, World};
use quick_cache::sync::Cache;
use store::Db;

use crate::{
    Place, RootKeySource, Sealed, TenantVault, VaultError,
    key::{KeyRing, digest_key, load_or_create},
    place::Owner,
    root::{self, RootKey},
    tenant::open_loudly,
};

const SYSTEM_LABEL: &str = "hilum-vault-system-v1";
const COOKIE_LABEL: &str = "hilum-vault-cookie-v1";
const DIGEST_LABEL: &str = "hilum-vault-digest-v1";

/// How many tenants' keys are held in memory; the longest unused go first.
const TENANTS_CACHED_MAX: usize = 10_000;
/// The longest cookie that is opened, in bytes: what browsers keep at the most.
pub const COOKIE_BYTES_MAX: usize = 4096;

/// The deployment's keys at work, and the way to the tenants'.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    db: Db,
    world: World,
    root: RootKey,
    system: KeyRing,
    cookies: KeyRing,
    digest_key: Secret<[u8; 32]>,
    tenants: Cache<Id<Organisation>, TenantVault>,
}

impl Vault {
    /// Makes a file with a new root key in it, which only its owner can read. Never overwrites.
    ///
    /// # Errors
    /// `RootKeyExists`; `Unwritable`; `WeakRootKey` when the world's chance is none.
    pub fn create_root_key_file(path: &Path, world: &World) -> Result<(), VaultError> {
        root::create_file(path, world)
    }

    /// Reads the root key and unwraps the deployment's key with it. In a new database, makes that key first.
    ///
    /// # Errors
    /// Each names what the operator has to do: a root key that is missing, exposed, weak, malformed or another
    /// deployment's (`WrongRootKey`), a database without its deployment key, a service or database that is away.
    pub async fn unlock(db: &Db, source: &RootKeySource, world: &World) -> Result<Self, VaultError> {
        let root = RootKey::load(source)?;
        let versions = load_or_create(db, world, &root, None).await?;
        Ok(Self(Arc::new(Inner {
            db: db.clone(),
            world: world.clone(),
            root,
            system: KeyRing::derive(&versions, SYSTEM_LABEL).ok_or(VaultError::NoLiveKey)?,
            cookies: KeyRing::derive(&versions, COOKIE_LABEL).ok_or(VaultError::NoLiveKey)?,
            digest_key: digest_key(&versions, DIGEST_LABEL).ok_or(VaultError::NoLiveKey)?,
            tenants: Cache::new(TENANTS_CACHED_MAX),
        })))
    }

    /// A tenant's keys, made at the first call for a tenant. Not inside a transaction: it may ask the database and a
    /// key management service.
    ///
    /// # Errors
    /// `TenantKeyDamaged`; faults of the database and the key management service.
    pub async fn tenant(&self, organisation: Id<Organisation>) -> Result<TenantVault, VaultError> {
        let Inner { db, world, root, tenants, .. } = &*self.0;
        let load = async {
            let versions = load_or_create(db, world, root, Some(organisation)).await?;
            TenantVault::of(organisation, world.clone(), &versions)
        };
        tenants.get_or_insert_async(&organisation, load).await
    }

    /// A keyed hash for looking up a secret or a personal identifier that is not kept: client secrets, codes, session
    /// ids, e-mail addresses. Equal for the whole deployment and for good; distinct between purposes.
    pub fn digest(&self, purpose: &'static str, secret: &[u8]) -> Digest {
        keyed_digest(&self.0.digest_key, &[purpose.as_bytes(), secret])
    }

    /// Seals the content of a cookie of that name.
    pub fn seal_cookie(&self, name: &'static str, bytes: &[u8]) -> String {
        b64::encode(self.0.cookies.seal(&self.0.world, &[b"cookie", name.as_bytes()], bytes))
    }

    /// Opens a cookie of that name; nothing if it is not one that this deployment sealed under this name.
    pub fn open_cookie(&self, name: &'static str, text: &str) -> Option<Secret<Vec<u8>>> {
        if text.len() > COOKIE_BYTES_MAX {
            return None;
        }
        let envelope = b64::decode(text).ok()?;
        self.0.cookies.open(&[b"cookie", name.as_bytes()], &envelope).ok()
    }

    /// Seals bytes that belong to no tenant (signing keys) for one place.
    pub fn seal_system(&self, place: Place, bytes: &[u8]) -> Sealed {
        Sealed::new(self.0.system.seal(&self.0.world, &place.context(&Owner::Deployment), bytes))
    }

    /// Opens what [`seal_system`](Self::seal_system) sealed for this place.
    ///
    /// # Errors
    /// `Unopenable` when it is damaged, or was sealed elsewhere or by another deployment.
    pub fn open_system(&self, place: Place, sealed: &Sealed) -> Result<Secret<Vec<u8>>, VaultError> {
        open_loudly(&self.0.system, place, &Owner::Deployment, sealed)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}
