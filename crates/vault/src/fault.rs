//! What can go wrong with keys. The operator is told what to do; a caller is told nothing.

use std::{borrow::Cow, path::PathBuf};

use kernel::{Fault, Kind};
use store::DbError;

use crate::KmsError;

/// A fault of the vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file with the root key cannot be read.
    #[error("the root key file {path} cannot be read; `hilum init` makes one", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others than the owner can read or change the file with the root key.
    #[error("the root key file {path} is open to others (mode {mode:04o}); run: chmod 600 '{path}'", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file with the root key belongs to somebody else.
    #[error("the root key file {path} belongs to user {owner}, not to root or to the user of this process", path = path.display())]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// What should be the root key is none.
    #[error("the root key is not one line of base64 with 32 bytes in it; `hilum init` makes one")]
    MalformedRootKey,
    /// The root key was not made by chance.
    #[error("the root key is too regular to be random; `hilum init` makes a good one")]
    WeakRootKey,
    /// There is a root key already, and it is not overwritten.
    #[error("the root key file {path} exists and is not overwritten", path = path.display())]
    RootKeyExists {
        /// The file.
        path: PathBuf,
    },
    /// The file with the root key cannot be written.
    #[error("the root key file {path} cannot be written", path = path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The root key is not the one that wrapped this database's keys.
    #[error(
        "the root key does not open this database's keys: it is another deployment's key, or table vault_key was changed"
    )]
    WrongRootKey,
    /// The deployment's key is gone while keys of tenants are there.
    #[error("table vault_key has keys of tenants and none of the deployment: restore it from a backup")]
    DeploymentKeyGone,
    /// A tenant's key is there and cannot be unwrapped.
    #[error(
        "the key of a tenant in table vault_key is damaged or was put there from elsewhere: restore it from a backup"
    )]
    TenantKeyDamaged,
    /// No version of the key may seal any more.
    #[error("every version of a key in table vault_key is retired")]
    NoLiveKey,
    /// A sealed value does not open here.
    #[error("a sealed value does not open with this key in this place")]
    Unopenable,
    /// What was opened is not text.
    #[error("a sealed value is not the text that was expected")]
    NotText,
    /// The key management service does not do its part.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// The database does not do its part.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for VaultError {
    fn kind(&self) -> Kind {
        match self {
            Self::Db(fault) => fault.kind(),
            Self::Kms(KmsError::Unavailable { .. }) => Kind::Unavailable,
            _ => Kind::Internal,
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Db(fault) => fault.public(),
            Self::Kms(KmsError::Unavailable { .. }) => "the service cannot reach its keys; try again".into(),
            _ => "internal error".into(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Db(fault) => fault.retry_after_s(),
            Self::Kms(KmsError::Unavailable { .. }) => Some(5),
            _ => None,
        }
    }
}
