//! The book of grants: who gave what to which client, and the tokens that stand for it. Tokens are kept as hashes.

mod end;
mod find;
mod give;
mod rotate;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use kernel::{Scopes, Timestamp};
use serde::{Deserialize, Serialize};

pub(super) use self::{find::Standing, rotate::Refusal};
use super::{Person, SandboxError, lock};

/// How many grants the book holds; the oldest make room.
const GRANTS_MAX: usize = 10_000;

/// How many tokens of each kind the book holds per grant.
const TOKENS_PER_GRANT_MAX: usize = 64;

/// The hash of a token, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct TokenHash(String);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(crypto::sha256(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The number of a grant; later grants have higher ones.
pub(super) type GrantNumber = u64;

/// What a person allowed a client, until it is ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) person: Person,
    pub(super) client_id: String,
    pub(super) scopes: Scopes,
    pub(super) begun_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    /// Newest last.
    refresh: Vec<Refresh>,
    /// Newest last.
    access: Vec<Access>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refresh {
    hash: TokenHash,
    used_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Access {
    hash: TokenHash,
    expires_at: Timestamp,
}

/// A pair of new tokens.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) access: TokenHash,
    pub(super) access_expires_at: Timestamp,
    pub(super) refresh: TokenHash,
}

/// All grants.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Grants {
    grants: BTreeMap<GrantNumber, Grant>,
    /// Where each token is found; made anew when the book is opened.
    #[serde(skip)]
    access: BTreeMap<TokenHash, GrantNumber>,
    #[serde(skip)]
    refresh: BTreeMap<TokenHash, GrantNumber>,
}

impl Grants {
    fn index(&mut self) {
        for (number, grant) in &self.grants {
            self.access.extend(grant.access.iter().map(|token| (token.hash.clone(), *number)));
            self.refresh.extend(grant.refresh.iter().map(|token| (token.hash.clone(), *number)));
        }
    }
}

/// The grants and the file that they survive a restart in.
pub(super) struct Book {
    grants: Mutex<Grants>,
    file: Option<PathBuf>,
    /// One writer at a time, so that the file never goes back to an older state.
    saving: tokio::sync::Mutex<()>,
}

impl Book {
    /// Reads the file, if it is there.
    pub(super) fn open(file: Option<PathBuf>) -> Result<Self, SandboxError> {
        let mut grants = match &file {
            Some(path) => load(path)?,
            None => Grants::default(),
        };
        grants.index();
        Ok(Self { grants: Mutex::new(grants), file, saving: tokio::sync::Mutex::default() })
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Grants) -> T) -> T {
        look(&lock(&self.grants))
    }

    /// Changes the book; the change is in the file when this returns.
    pub(super) async fn change<T>(&self, change: impl FnOnce(&mut Grants) -> T) -> io::Result<T> {
        let _one_at_a_time = self.saving.lock().await;
        let (outcome, text) = {
            let mut grants = lock(&self.grants);
            let outcome = change(&mut grants);
            (outcome, self.file.as_ref().map(|_| serde_json::to_vec(&*grants)).transpose()?)
        };
        if let (Some(path), Some(text)) = (&self.file, text) {
            save(path, &text).await?;
        }
        Ok(outcome)
    }
}

fn load(path: &Path) -> Result<Grants, SandboxError> {
    let refused = |why: String| SandboxError::State { path: path.to_owned(), why };
    match std::fs::read(path) {
        Ok(text) => {
            serde_json::from_slice(&text).map_err(|error| refused(format!("not a sandbox's state: {error}")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Grants::default()),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// A reader sees the old state or the new one, never half of it.
async fn save(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    tokio::fs::write(&beside, text).await?;
    tokio::fs::rename(&beside, path).await
}
