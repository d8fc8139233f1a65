//! The way to one kind of system.

pub mod azure;
pub mod bucket;
pub mod budget;
mod check;
pub mod fhir;
pub mod files;
mod kept;
pub mod linked;
mod look;
mod mapped;
mod paced;
pub mod rave;
mod reach;
pub mod redcap;
pub mod rest;
pub mod s3;
pub mod sftp;
pub mod sign_in;
pub mod subjects;
mod way;

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::BoxFuture;
use kernel::World;
use serde_json::Value;

use crate::mapping::Unmapped;

pub use check::{Findings, Outcome, Step, StepName};
pub use kept::{KeptPlace, PerSource, SOURCES_KEPT_MAX};
pub use mapped::{Account, Mapper, Raw};
pub use paced::Paced;
pub use sign_in::SignIn;
pub use way::Way;

/// The most bytes of a place in a source, and of a mark, as JSON.
pub const PLACE_BYTES_MAX: usize = 256 * 1024;

/// What a source can say of what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it tells what changed since a mark.
    pub since: Since,
    /// How it is known that a record is gone.
    pub deletions: Deletions,
}

/// Whether a source tells what changed since a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// It does.
    Told,
    /// It always gives everything.
    Everything,
}

/// How it is known that a record is gone at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletions {
    /// A full run asks for each record that it did not come across.
    Asked,
    /// It cannot be known.
    Unknown,
}

/// Where to pull from.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    /// Up to where all is known, from runs before; none for all there is.
    pub mark: Option<Value>,
    /// Where this run goes on; none at its beginning.
    pub place: Option<Value>,
}

/// What one call brings.
#[derive(Default)]
pub struct Page {
    /// Records as the source has them.
    pub records: Vec<Found>,
    /// Records that the source says are gone.
    pub gone: Vec<Name>,
    /// Wholes that are begun here, a file or the errors of an export, by what their names begin with: what waits in quarantine of an earlier state of
    /// them is over, and comes again where it still stands.
    pub begun: Vec<String>,
    /// Where the run goes on; none if this was the last page.
    pub next: Option<Value>,
    /// Up to where all is known once this page is stored.
    pub mark: Option<Value>,
}

/// A record at the source.
#[derive(Clone)]
pub struct Found {
    /// Which one.
    pub name: Name,
    /// What it says, in FHIR, or why it cannot be said so.
    pub text: Result<String, Unmapped>,
    /// What a mapping made it of.
    pub raw: Option<Raw>,
}

impl Found {
    /// One that the source has in FHIR.
    pub const fn new(name: Name, text: String) -> Self {
        Self { name, text: Ok(text), raw: None }
    }
}

/// Which record is meant: its type and its id at the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// `Patient`
    pub of: String,
    /// Its id there.
    pub id: String,
}

/// What has become of a record at the source.
pub enum Asked {
    /// It is still there.
    There(Found),
    /// It is gone.
    Gone,
}

/// Why a source brought nothing. The words are for the operator: no address with a query, no credential, nothing of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullFault {
    /// Another time it may.
    #[error("{why}")]
    Again {
        /// What went wrong.
        why: &'static str,
        /// How long it asks us to wait, in seconds.
        after_s: Option<u64>,
    },
    /// There is no turn for it now; that is nobody's fault, and no attempt.
    #[error("the integration's budget of calls is used up for now")]
    Later {
        /// How long until there is one.
        after: Duration,
    },
    /// Somebody has to change something first.
    #[error("{why}")]
    Final {
        /// What went wrong.
        why: &'static str,
    },
}

impl PullFault {
    /// Another time it may.
    pub const fn again(why: &'static str) -> Self {
        Self::Again { why, after_s: None }
    }

    /// Somebody has to change something first.
    pub const fn last(why: &'static str) -> Self {
        Self::Final { why }
    }
}

/// The way to one system. It keeps nothing between two calls: where it is stands in the cursor.
pub trait Connector: Send + Sync {
    /// What it can say of what changed.
    fn abilities(&self) -> Abilities;

    /// The types of records that it brings, as far as that is declared.
    fn types(&self) -> BTreeSet<&str> {
        BTreeSet::new()
    }

    /// Whether it could be pulled from, step by step. What does not work is a finding, not a fault.
    fn check<'a>(&'a self, world: &'a World) -> BoxFuture<'a, Findings>;

    /// The next page from there on. The same cursor may be pulled from more than once: after a page that was not stored.
    fn pull<'a>(&'a self, cursor: &'a Cursor) -> BoxFuture<'a, Result<Page, PullFault>>;

    /// What has become of one record.
    fn ask<'a>(&'a self, name: &'a Name) -> BoxFuture<'a, Result<Asked, PullFault>>;

    /// What a record of the source becomes by the mapping of now; nothing where there is no mapping.
    fn again(&self, _raw: &Raw) -> Vec<Found> {
        Vec::new()
    }
}
