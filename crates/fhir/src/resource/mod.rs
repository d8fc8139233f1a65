//! Records: one resource under one site, in all its versions. <https://hl7.org/fhir/R4/http.html>
//!
//! What is written is one unit: the version, where the newest one is, the rows it is found by, and the row of its audit events.

mod body;
mod conditional;
mod create;
mod delete;
mod draft;
mod fault;
mod history;
mod id;
mod patch;
mod queries;
mod read;
mod reindex;
mod rewrite;
mod rows;
mod sheet;
mod stamp;
mod update;
pub(crate) mod walk;
mod words;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kernel::{RequestId, Timestamp, World};
use store::Db;

use crate::{
    access::Access,
    audit_event::{Agent, Agents},
    bundle::ENTRIES_MAX,
    consent::{Asking, Bound},
    parameter::{Registry, ResourceType},
    search::{DENSE_POSTINGS_MIN, Dense},
    tenant::Tenant,
};

pub use body::{Body, BodyFault};
pub use conditional::{DELETED_AT_ONCE_MAX, Deletion, OwnId, Where, Written};
pub use draft::{Draft, DraftFault};
pub use fault::WriteFault;
pub use history::{HISTORY_EXAMINED_MAX, History, Span};
pub use id::{LogicalId, MalformedLogicalId};
pub use patch::{Meant, Patch};
pub use rewrite::Edit;
pub use stamp::Stamp;
pub use update::{Absent, Condition, Expected};
pub use words::WORDS_KNOWN_MAX;

pub(crate) use body::Instant;
pub(crate) use draft::Ready;
pub(crate) use queries::{
    VersionRow, at_place, at_places, behind, newest as newest_version, newest_of as newest_versions,
    newest_of_each, numbered, unpack_all, versions_at,
};
pub(crate) use reindex::index_anew;
pub(crate) use rows::{Found, push_part};
pub(crate) use sheet::{Inserts, Sheet, insert as insert_rows};

/// On this channel it is told in this process that records were written: of which site, by its number.
pub(crate) const WRITTEN: &str = "fhir_written";

/// The records of all sites; every function takes the site that is meant.
#[derive(Clone)]
pub struct Records {
    db: Db,
    world: World,
    registry: Arc<Registry>,
    pub(crate) entries_max: usize,
    known: Arc<words::Known>,
    dense: Arc<Dense>,
    agents: Arc<Agents>,
}

impl Records {
    /// The records in this database, found by these parameters.
    pub fn new(db: Db, world: World, registry: Arc<Registry>) -> Self {
        Self {
            db,
            world,
            registry,
            entries_max: ENTRIES_MAX,
            known: Arc::default(),
            dense: Arc::new(Dense::new(DENSE_POSTINGS_MIN)),
            agents: Arc::default(),
        }
    }

    /// The same, taking so many entries of one transaction.
    #[must_use]
    pub const fn taking(mut self, entries_max: usize) -> Self {
        self.entries_max = entries_max;
        self
    }

    /// The parameters that records are found by.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The same with what a site has beside them.
    pub fn registry_of(&self, tenant: &Tenant) -> Arc<Registry> {
        tenant.added().registry(&self.registry)
    }

    /// The same for what is asked of one record at a time, of what was let in before: it knows what is being indexed, too.
    pub(crate) fn registry_of_one(&self, tenant: &Tenant) -> Arc<Registry> {
        tenant.added().registry_of_one(&self.registry)
    }

    /// The same, counting by bitmaps what has so many postings.
    #[must_use]
    pub fn counting_densely_from(mut self, postings: usize) -> Self {
        self.dense = Arc::new(Dense::new(postings));
        self
    }

    pub(crate) fn dense(&self) -> &Dense {
        &self.dense
    }

    /// Who is known to stand behind interactions.
    pub(crate) const fn agents(&self) -> &Arc<Agents> {
        &self.agents
    }

    fn known(&self) -> &words::Known {
        &self.known
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) const fn world(&self) -> &World {
        &self.world
    }
}

/// Who writes, and in which request: for its audit event.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// Who.
    pub agent: Arc<Agent>,
    /// In which request.
    pub request: Option<RequestId>,
    pub(crate) kept: Kept,
    /// The Provenance that came with it.
    pub(crate) stamp: Option<Arc<Stamp>>,
    /// What is asked of the consents of those whom it will be about; nothing where they are not asked.
    pub(crate) collecting: Option<Asking>,
}

impl Author {
    /// The deployment itself.
    pub fn system() -> Self {
        Self::default()
    }

    /// Who asked for it, in which request.
    pub(crate) const fn new(agent: Arc<Agent>, request: Option<RequestId>, kept: Kept) -> Self {
        Self { agent, request, kept, stamp: None, collecting: None }
    }

    /// The same, bound by what patients consent to.
    #[must_use]
    pub(crate) fn asking(self, access: &Access) -> Self {
        Self { collecting: access.collecting(), ..self }
    }

    /// The same with a Provenance of what is written.
    #[must_use]
    pub(crate) fn stamping(self, stamp: Option<Arc<Stamp>>) -> Self {
        Self { stamp, ..self }
    }
}

/// Whether what was done has its audit event already, written with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<AtomicBool>);

impl Kept {
    pub(crate) fn keep(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The place of a version among all of its site: one that was committed later has a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rid(pub(crate) i64);

impl Rid {
    /// The number, for a cursor.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The number of a cursor. Nothing is found by it but under the tenant that it is asked with.
    pub const fn numbered(number: i64) -> Self {
        Self(number)
    }
}

/// By which interaction a version came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are HTTP's words")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As `Bundle.entry.request.method` says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Post => 1,
            Self::Put => 2,
            Self::Patch => 3,
            Self::Delete => 4,
        }
    }

    const fn numbered(number: i64) -> Self {
        match number {
            1 => Self::Post,
            3 => Self::Patch,
            4 => Self::Delete,
            _ => Self::Put,
        }
    }
}

/// One version of a record.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its place among all versions of the site.
    pub rid: Rid,
    /// Of which type.
    pub resource_type: ResourceType,
    /// The record's id.
    pub id: LogicalId,
    /// `meta.versionId`, from 1.
    pub version: u32,
    /// `meta.lastUpdated`, in whole milliseconds: it never goes back within a site.
    pub at: Timestamp,
    /// By which interaction it came to be.
    pub method: Method,
    /// What is served; none of a deletion.
    pub body: Option<Body>,
    /// What consents say of it.
    pub(crate) bound: Bound,
}

impl Version {
    /// Whether this version says that the record is deleted.
    pub const fn is_deletion(&self) -> bool {
        self.body.is_none()
    }

    /// `Patient/1`
    pub fn reference(&self) -> String {
        format!("{}/{}", self.resource_type, self.id)
    }
}

/// Says whether a caller may have to do with a version. It is asked inside the unit, of what is really stored, so it is pure.
pub type Judge = Arc<dyn Fn(&Version) -> bool + Send + Sync>;
