//! The root key, which wraps all other keys, and the places it may come from.

mod create;
mod read;

use std::{fmt, path::PathBuf, pin::Pin, sync::Arc};

use crypto::AeadKey;
use kernel::{Secret, World};

use crate::VaultError;

pub(crate) use create::create_file;

/// Root keys of a file or of the environment have one version until rotation gives them more.
const LOCAL_VERSION: u32 = 1;

/// Where the root key comes from.
#[derive(Clone)]
pub enum RootKeySource {
    /// A file that only its owner can read: comments (`#`) and one line of base64 with 32 bytes in it.
    File(PathBuf),
    /// The same line, from the environment.
    Env(Secret<String>),
    /// A service that wraps and unwraps and never shows its key.
    Kms(Arc<dyn Kms>),
}

impl fmt::Debug for RootKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Env(_) => f.write_str("Env(…)"),
            Self::Kms(_) => f.write_str("Kms"),
        }
    }
}

/// What a key management service answers, later.
pub type KmsFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, KmsError>> + Send + 'a>>;

/// A key management service: it wraps keys under one that it keeps to itself.
///
/// The context is associated data: unwrapping under another one must fail.
pub trait Kms: Send + Sync + 'static {
    /// Wraps a key.
    fn wrap_key<'a>(&'a self, context: &'a [u8], key: &'a Secret<[u8; 32]>) -> KmsFuture<'a, Vec<u8>>;
    /// Unwraps what [`wrap_key`](Self::wrap_key) gave.
    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> KmsFuture<'a, Secret<[u8; 32]>>;
}

/// A key management service did not wrap or unwrap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KmsError {
    /// It does not answer; later it may.
    #[error("the key management service is unavailable: {why}")]
    Unavailable {
        /// The service's words. No secret.
        why: Box<str>,
    },
    /// It answers, and refuses.
    #[error("the key management service refuses: {why}")]
    Refused {
        /// The service's words. No secret.
        why: Box<str>,
    },
}

/// The root key at work.
pub(crate) enum RootKey {
    Local(AeadKey),
    Kms(Arc<dyn Kms>),
}

impl RootKey {
    pub(crate) fn load(source: &RootKeySource) -> Result<Self, VaultError> {
        let local = |key| Self::Local(AeadKey::new(LOCAL_VERSION, key));
        match source {
            RootKeySource::File(path) => read::from_file(path).map(local),
            RootKeySource::Env(text) => read::from_text(text.expose()).map(local),
            RootKeySource::Kms(kms) => Ok(Self::Kms(Arc::clone(kms))),
        }
    }

    pub(crate) async fn wrap(
        &self,
        world: &World,
        context: &[u8],
        key: &Secret<[u8; 32]>,
    ) -> Result<Vec<u8>, VaultError> {
        match self {
            Self::Local(root) => Ok(root.seal(world, &[context], key.expose())),
            Self::Kms(kms) => Ok(kms.wrap_key(context, key).await?),
        }
    }

    /// The key; none if this root key did not wrap it under this context.
    pub(crate) async fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Option<Secret<[u8; 32]>>, VaultError> {
        match self {
            Self::Local(root) => {
                let opened = root.open(&[context], wrapped).ok();
                Ok(opened.and_then(|bytes| bytes.expose().as_slice().try_into().ok().map(Secret::new)))
            }
            Self::Kms(kms) => match kms.unwrap_key(context, wrapped).await {
                Ok(key) => Ok(Some(key)),
                Err(KmsError::Refused { .. }) => Ok(None),
                Err(fault @ KmsError::Unavailable { .. }) => Err(fault.into()),
            },
        }
    }
}
