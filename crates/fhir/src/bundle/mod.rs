//! A transaction: all that its entries ask for, or nothing. <https://hl7.org/fhir/R4/http.html#trules>
//!
//! Deletions come first, then creations, then updates; no two entries may mean the same record. References to entries by their `fullUrl`
//! and conditional references become references to records. What needs no look at the database is made before the unit begins.

mod mark;
mod plan;
mod references;
pub(crate) mod spread;
mod transaction;

use std::borrow::Cow;

use kernel::{Fault, Kind};

use crate::{
    outcome::Refused,
    parameter::ResourceType,
    query::{QueryFault, Test},
    resource::{Absent, Expected, Judge, LogicalId, Patch, Version, WriteFault},
    search::Access,
};

pub use spread::ENTRY_THREADS_MAX;

/// Entries of one transaction, where nothing else is set.
pub const ENTRIES_MAX: usize = 10_000;

/// Which record an entry means.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `Patient/1`
    Id(LogicalId),
    /// `Patient?identifier=…`: its words, by which two entries are seen to mean the same, and what they ask.
    Where(String, Test),
}

/// What an entry asks for.
#[derive(Clone)]
pub enum Task {
    /// `POST`
    Create {
        /// The resource, in JSON.
        resource: String,
        /// `ifNoneExist`: its words and what they ask.
        unless: Option<(String, Test)>,
    },
    /// `PUT`
    Update {
        /// The resource, in JSON.
        resource: String,
        /// Which record.
        target: Target,
        /// The id that the resource says it has, where a condition says which record is meant.
        own: Option<LogicalId>,
        /// `ifMatch`, `ifNoneMatch`
        expected: Expected,
    },
    /// `PATCH`
    Patch {
        /// What is to be done.
        patch: Patch,
        /// Which record.
        target: Target,
        /// `ifMatch`
        expected: Expected,
    },
    /// `DELETE`
    Delete {
        /// Which record.
        target: Target,
        /// `ifMatch`
        expected: Expected,
    },
}

/// An entry.
#[derive(Clone)]
pub struct Entry {
    /// By what other entries refer to it.
    pub full_url: Option<String>,
    /// The type of its record.
    pub resource_type: ResourceType,
    /// What it asks for.
    pub task: Task,
}

/// What became of an entry.
#[derive(Debug, Clone)]
pub enum Done {
    /// It was created.
    Created(Version),
    /// This is its next version.
    Updated(Version),
    /// There was one already.
    Existing(Version),
    /// This version says that it is deleted.
    Deleted(Version),
    /// There was none to delete.
    Absent,
}

/// What becomes of a deletion of a record that there is not, or that the caller may not know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// There is nothing to do: [`Done::Absent`].
    Passed,
    /// [`WriteFault::Missing`](crate::resource::WriteFault::Missing)
    Refused,
}

/// A transaction.
#[derive(Clone)]
pub struct Transaction {
    /// In the order in which they were sent.
    pub entries: Vec<Entry>,
    /// What the caller may see: conditions match nothing else.
    pub access: Access,
    /// Whether a caller may write what is stored: asked of every record before it is changed.
    pub judge: Option<Judge>,
    /// Whether what is written may be the caller's: asked of every version as it will be kept, its references resolved.
    pub keep: Option<Judge>,
    /// What becomes of deletions of what is not there.
    pub gone: Gone,
    /// Whether updates may create.
    pub absent: Absent,
}

/// Why nothing was done, and which entry is at fault, counted from 0.
#[derive(Debug, thiserror::Error)]
#[error("entry {entry}: {problem}")]
pub struct TransactionFault {
    /// Which entry.
    pub entry: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a transaction.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There are more entries than so many.
    #[error("a transaction has {0} entries at the most")]
    TooMany(usize),
    /// Another entry has the same `fullUrl`.
    #[error("entry {0} has the same fullUrl")]
    SameUrl(usize),
    /// Another entry means the same record.
    #[error("entry {0} means the same record")]
    SameRecord(usize),
    /// A conditional reference means none, or several.
    #[error("a conditional reference means {0}")]
    Reference(&'static str),
    /// A conditional reference cannot be read.
    #[error(transparent)]
    Query(#[from] QueryFault),
    /// The resource is not of the type that the entry's URL names.
    #[error("the resource is not what the request's URL names")]
    WrongType,
    /// The record cannot be patched.
    #[error(transparent)]
    Patch(#[from] Refused),
    /// The record cannot be written.
    #[error(transparent)]
    Write(#[from] WriteFault),
}

impl Problem {
    /// It is the fault of this entry.
    pub(crate) const fn of(self, entry: usize) -> TransactionFault {
        TransactionFault { entry, problem: self }
    }
}

impl From<store::DbError> for TransactionFault {
    fn from(fault: store::DbError) -> Self {
        Problem::Write(WriteFault::Store(fault)).of(0)
    }
}

impl Fault for TransactionFault {
    fn kind(&self) -> Kind {
        match &self.problem {
            Problem::Write(fault) => fault.kind(),
            Problem::Reference("several records") => Kind::Conflict,
            _ => Kind::Invalid,
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match &self.problem {
            Problem::Write(fault) => format!("entry {}: {}", self.entry, fault.public()).into(),
            _ => self.to_string().into(),
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match &self.problem {
            Problem::Write(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
