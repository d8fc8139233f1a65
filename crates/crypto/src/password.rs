//! Passwords of people: argon2id, 19 MiB, two passes.  RFC 9106, OWASP Password Storage
//!
//! One hash costs about 30 ms of a core and 19 MiB, so as many run at once as there are cores, and only so many wait.

use std::{
    fmt,
    num::NonZero,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error as HashError, phc::PasswordHash},
};
use kernel::{Fault, Kind, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest password that is hashed, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// How many may wait for a core before further ones are told to come back: about a second's worth on two cores.
pub const WAITING_MAX: usize = 64;
/// When to come back.
const RETRY_AFTER_S: u64 = 2;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
/// Salt for the password of nobody. It protects nothing.
const NOBODYS_SALT: [u8; 16] = [0x6e; 16];

/// A password was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many passwords are being checked at once.
    #[error("more than {WAITING_MAX} password checks are waiting for a core")]
    Busy,
    /// Longer than anything that is hashed.
    #[error("a password is longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// What the database keeps is not a hash of ours.
    #[error("a stored password hash is not argon2id within the limits")]
    Malformed,
}

impl Fault for PasswordError {
    fn kind(&self) -> Kind {
        match self {
            Self::Busy => Kind::Unavailable,
            Self::TooLong => Kind::Invalid,
            Self::Malformed => Kind::Internal,
        }
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Busy => "too many sign-ins at once; try again in a moment".into(),
            Self::TooLong => "the password is too long".into(),
            Self::Malformed => "internal error".into(),
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        (*self == Self::Busy).then_some(RETRY_AFTER_S)
    }
}

/// Where passwords are put through argon2, as many at once as there are cores. Clones are the same pool.
#[derive(Clone)]
pub struct Passwords(Arc<Gate>);

/// The pool of the process.
impl Default for Passwords {
    fn default() -> Self {
        static PROCESS: LazyLock<Passwords> = LazyLock::new(Passwords::alone);
        PROCESS.clone()
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passwords({} computed)", self.computed())
    }
}

impl Passwords {
    /// A pool that nobody else uses.
    pub fn alone() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Gate::new(cores, WAITING_MAX)))
    }

    /// Hashes a new password. The salt comes from [`kernel::World::random`].
    ///
    /// # Errors
    /// `TooLong`; `Busy` when too many wait.
    pub async fn hash(&self, password: Secret<String>, salt: [u8; 16]) -> Result<String, PasswordError> {
        self.0.work(move || Ok(derive(&password, &salt)?.to_string())).await
    }

    /// Whether the password is the one whose hash (a PHC string) this is.
    ///
    /// # Errors
    /// `TooLong`; `Busy` when too many wait; `Malformed` when the hash is not one of ours.
    pub async fn verify(&self, password: Secret<String>, phc: String) -> Result<bool, PasswordError> {
        self.0.work(move || is_password_of(&password, &phc)).await
    }

    /// What is asked when there is no such account: as much work as [`verify`](Self::verify), and never true, so that the
    /// time of the answer does not tell who has an account.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn verify_against_nobody(&self, password: Secret<String>) -> Result<bool, PasswordError> {
        self.0.work(move || derive(&password, &NOBODYS_SALT).map(|_| false)).await
    }

    /// How many passwords went through argon2 here: right or wrong, somebody's or nobody's.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Relaxed)
    }
}

struct Gate {
    cores: Arc<Semaphore>,
    places: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
}

impl Gate {
    fn new(cores: usize, waiting_max: usize) -> Self {
        Self {
            cores: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(cores + waiting_max)),
            computed: Arc::default(),
        }
    }

    /// Runs the work on a thread of its own. The permits go with it: a caller who gives up does not free a core that
    /// is still at work.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let permits: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (place, core);
        let computed = Arc::clone(&self.computed);
        tokio::task::spawn_blocking(move || {
            let outcome = work();
            // What cannot be computed is an error.
            computed.fetch_add(u64::from(outcome.is_ok()), Relaxed);
            drop(permits);
            outcome
        })
        .await
        .map_err(|_| PasswordError::Busy)?
    }
}

fn argon2() -> Argon2<'static> {
    let params = crate::certain(Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT_BYTES)));
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn derive(password: &Secret<String>, salt: &[u8]) -> Result<PasswordHash, PasswordError> {
    let bytes = password.expose().as_bytes();
    if bytes.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    argon2().hash_password_with_salt(bytes, salt).map_err(|_| PasswordError::Malformed)
}

fn is_password_of(password: &Secret<String>, phc: &str) -> Result<bool, PasswordError> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let stored = PasswordHash::new(phc).map_err(|_| PasswordError::Malformed)?;
    let params = Params::try_from(&stored).map_err(|_| PasswordError::Malformed)?;
    let within = params.m_cost() <= MEMORY_KIB && params.t_cost() <= PASSES && params.p_cost() <= LANES;
    if stored.algorithm.as_str() != Algorithm::Argon2id.as_str() || !within {
        return Err(PasswordError::Malformed);
    }
    match argon2().verify_password(password.expose().as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again() {
        let pool = Passwords::alone();
        let phc = pool.hash(secret("correct horse"), [9; 16]).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(!phc.contains("horse"));
        assert_eq!(pool.verify(secret("correct horse"), phc.clone()).await, Ok(true));
        assert_eq!(pool.verify(secret("correct horsf"), phc.clone()).await, Ok(false));
        assert_eq!(pool.verify(secret(""), phc.clone()).await, Ok(false));
        assert_ne!(pool.hash(secret("correct horse"), [8; 16]).await.unwrap(), phc);
        assert_eq!(pool.verify_against_nobody(secret("correct horse")).await, Ok(false));
        assert_eq!(pool.computed(), 6);
    }

    #[tokio::test]
    async fn long_passwords_are_refused_before_any_work() {
        let pool = Passwords::alone();
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert_eq!(pool.hash(secret(&long), [9; 16]).await, Err(PasswordError::TooLong));
        assert_eq!(pool.verify(secret(&long), String::new()).await, Err(PasswordError::TooLong));
        assert_eq!(pool.verify_against_nobody(secret(&long)).await, Err(PasswordError::TooLong));
        assert_eq!(pool.computed(), 0);
    }

    #[tokio::test]
    async fn a_stored_hash_cannot_ask_for_more_than_ours_costs() {
        let pool = Passwords::alone();
        let phc = pool.hash(secret("x"), [9; 16]).await.unwrap();
        for stored in [
            String::new(),
            "x".to_owned(),
            phc.replace("m=19456", "m=4194304"),
            phc.replace("t=2", "t=99"),
            phc.replace("argon2id", "argon2d"),
            phc.replace("argon2id", "scrypt"),
        ] {
            assert_eq!(
                pool.verify(secret("x"), stored.clone()).await,
                Err(PasswordError::Malformed),
                "{stored}"
            );
        }
    }

    #[tokio::test]
    async fn more_than_may_wait_are_turned_away() {
        let gate = Gate::new(1, 1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let first = gate.work(move || {
            let _ = released.recv();
            Ok(1)
        });
        let second = gate.work(|| Ok(2));
        let third = async {
            assert_eq!(gate.work(|| Ok(3)).await, Err(PasswordError::Busy));
            release.send(()).unwrap();
        };
        let (first, second, ()) = tokio::join!(biased; first, second, third);
        assert_eq!((first, second), (Ok(1), Ok(2)));
        assert_eq!(gate.work(|| Ok(4)).await, Ok(4), "the places are given back");
    }
}
