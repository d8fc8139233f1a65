//! `hilum sandbox`: a third-party health service for development and demonstration, as its own process.
//!
//! Its people and their data are made up. It speaks OAuth 2 the way a strict provider does (PKCE, one-time refresh
//! tokens, revocation, introspection), answers the calls of a Fitbit-style API, and can be told to misbehave.
//! It plays a stranger: it shares no table, key or account with Hilum.

mod book;
mod count;
mod fault;
mod health;
mod oauth;
mod page;
mod person;
mod serve;
#[cfg(test)]
mod visit;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, extract::DefaultBodyLimit};
use kernel::{Secret, World};
use url::Url;

use self::{book::Book, count::Counts, health::RateWindows, oauth::Desk};
pub use self::{
    fault::{Answer, Change, Endpoint, EndpointFault, Faults},
    person::Person,
    serve::{run, serve},
};

/// The largest request body, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The default life of an access token, in seconds: eight hours.
pub const ACCESS_TOKEN_S: u64 = 28_800;

/// The scopes that this service knows.
pub const SCOPES: [&str; 4] = ["activity", "heartrate", "profile", "sleep"];

/// A client application that may ask for access.
#[derive(Clone)]
pub struct SandboxClient {
    /// What it is called on the consent page.
    pub name: String,
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<Secret<String>>,
    /// Where answers may go; compared character by character.
    pub redirect_uris: Vec<String>,
}

/// How the sandbox is set up.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it may listen where other machines reach it.
    pub beyond_loopback: bool,
    /// Its address as clients see it, which is also its issuer; if none, `http://` and the address it listens on.
    pub base_url: Option<Url>,
    /// Where it keeps what was granted; if none, a restart forgets it.
    pub state_file: Option<PathBuf>,
    /// Who may ask for access.
    pub clients: Vec<SandboxClient>,
    /// The life of an access token, in seconds.
    pub access_token_s: u64,
    /// For how many seconds a used refresh token still works; 0 for strict one-time use.
    pub refresh_grace_s: u64,
    /// How it misbehaves from the start.
    pub faults: Faults,
}

impl SandboxConfig {
    /// A sandbox there that behaves well and remembers nothing.
    pub fn new(listen: SocketAddr, clients: Vec<SandboxClient>) -> Self {
        Self {
            listen,
            beyond_loopback: false,
            base_url: None,
            state_file: None,
            clients,
            access_token_s: ACCESS_TOKEN_S,
            refresh_grace_s: 0,
            faults: Faults::default(),
        }
    }
}

/// Why the sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It would be reachable from other machines.
    #[error(
        "{0} is reachable from other machines: the sandbox is for development only; use 127.0.0.1, or say that this is meant"
    )]
    BeyondLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The state file cannot be read, or is not one.
    #[error("state file {path}: {why}")]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A fault is not one that can be had.
    #[error("faults: {0}")]
    Faults(&'static str),
}

/// A running sandbox.
pub struct Sandbox {
    issuer: String,
    clients: Vec<SandboxClient>,
    access_token_s: u64,
    refresh_grace_s: u64,
    world: World,
    book: Book,
    desk: Mutex<Desk>,
    faults: Mutex<Faults>,
    counts: Mutex<Counts>,
    rates: Mutex<RateWindows>,
}

impl Sandbox {
    /// Read the state file, if there is one.
    ///
    /// # Errors
    /// [`SandboxError::State`], [`SandboxError::Faults`].
    pub fn open(config: SandboxConfig, world: World) -> Result<Arc<Self>, SandboxError> {
        config.faults.check().map_err(SandboxError::Faults)?;
        let issuer = match &config.base_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", config.listen),
        };
        Ok(Arc::new(Self {
            issuer,
            clients: config.clients,
            access_token_s: config.access_token_s,
            refresh_grace_s: config.refresh_grace_s,
            world,
            book: Book::open(config.state_file)?,
            desk: Mutex::default(),
            faults: Mutex::new(config.faults),
            counts: Mutex::default(),
            rates: Mutex::default(),
        }))
    }

    /// Its address as clients see it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    fn client(&self, client_id: &str) -> Option<&SandboxClient> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }
}

/// What a lock guards is consistent between any two statements here, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All routes of the sandbox. Served by anything but [`serve`], a lost answer is an empty 500.
pub fn router(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .merge(oauth::routes(&sandbox))
        .merge(health::routes(&sandbox))
        .merge(fault::routes())
        .merge(page::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(sandbox)
}
