//! What lies on the desk between two steps of a browser: pending requests, signed-in browsers, codes. A restart
//! sweeps it away.

use std::{collections::BTreeMap, time::Duration};

use axum::http::{HeaderMap, header};
use kernel::{Scopes, Timestamp, World};

use crate::sandbox::{
    Person, Sandbox,
    book::{GrantNumber, TokenHash},
    lock,
};

/// How long a pending request lies on the desk.
pub(super) const PENDING: Duration = Duration::from_secs(600);
/// How long a code is good.  RFC 6749 §4.1.2
pub(super) const CODE: Duration = Duration::from_secs(600);
/// How long a browser stays signed in.
pub(super) const SIGNED_IN: Duration = Duration::from_secs(8 * 3_600);
/// How many things of each sort the desk holds; the oldest make room.
const THINGS_MAX: usize = 1_000;

/// The cookie that says which browser it is. Cookies do not tell ports apart, so the name must be our own.
pub(super) const COOKIE: &str = "hilum_sandbox";

/// An authorization request that was found to be in order.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) challenge: String,
    pub(super) scopes: Scopes,
}

/// A code that was given out.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) request: Pending,
    pub(super) person: Person,
    /// Set once the code was used: a code that comes again ends what it had brought.
    pub(super) grant: Option<GrantNumber>,
}

/// Things that are forgotten after a while, found by the hash of a random text.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    things: BTreeMap<TokenHash, (Timestamp, T)>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { things: BTreeMap::new() }
    }
}

impl<T> Shelf<T> {
    /// Put a thing there; the text that brings it back.
    pub(super) fn put(&mut self, world: &World, thing: T, keep: Duration) -> String {
        let now = world.now();
        self.things.retain(|_, (until, _)| *until > now);
        while self.things.len() >= THINGS_MAX {
            let next = self.things.iter().min_by_key(|(_, (until, _))| *until).map(|(hash, _)| hash.clone());
            next.and_then(|hash| self.things.remove(&hash));
        }
        let name = crypto::b64::encode(world.random::<32>());
        self.things.insert(TokenHash::of(&name), (now + keep, thing));
        name
    }

    pub(super) fn get(&mut self, name: &str, now: Timestamp) -> Option<&mut T> {
        let (until, thing) = self.things.get_mut(&TokenHash::of(name))?;
        (*until > now).then_some(thing)
    }

    pub(super) fn take(&mut self, name: &str, now: Timestamp) -> Option<T> {
        let (until, thing) = self.things.remove(&TokenHash::of(name))?;
        (until > now).then_some(thing)
    }
}

/// Everything that lies on the desk.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Desk {
    pub(super) pending: Shelf<Pending>,
    pub(super) browsers: Shelf<Person>,
    pub(super) codes: Shelf<Code>,
}

impl Sandbox {
    /// Who is signed in in this browser.
    pub(super) fn signed_in(&self, headers: &HeaderMap) -> Option<Person> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut named = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == COOKIE);
        let now = self.world.now();
        named.find_map(|(_, value)| lock(&self.desk).browsers.get(value, now).copied())
    }

    /// The pending request of this name.
    pub(super) fn pending(&self, name: &str) -> Option<Pending> {
        lock(&self.desk).pending.get(name, self.world.now()).cloned()
    }
}
