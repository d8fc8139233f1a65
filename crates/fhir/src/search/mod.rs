//! Finding records: criteria become statements over index rows, under one tenant and on one snapshot; what is served is asked again of
//! the record itself. <https://hl7.org/fhir/R4/search.html>
//!
//! A search walks the shortest list that its criteria offer and asks the others of each record on it, newest first unless it is to be
//! sorted. Where index rows say less than is asked (a text that is cut, a number of 32 bits) the record itself decides.

mod chain;
mod compare;
mod condition;
mod count;
mod dense;
mod drive;
mod find;
mod foresee;
mod include;
mod limits;
mod permitted;
#[cfg(test)]
mod plans;
mod settle;
mod sort;
mod statement;
mod verify;

use std::sync::Arc;

use kernel::{Fault, Kind};
use store::DbError;

use crate::{
    parameter::ResourceType,
    query::{Around, Include, Sort, Test, Undecided},
    resource::{Rid, Version},
};

pub(crate) use dense::Dense;
pub(crate) use find::matching;
pub use limits::*;
pub use permitted::Consented;
pub(crate) use statement::LEADS_TO;

/// What a caller may see of a type: joined to what is asked of every type that a search touches.
pub type Access = Arc<dyn Fn(ResourceType) -> Test + Send + Sync>;

/// A search under one site.
#[derive(Clone)]
pub struct Search {
    /// The types that are searched; none for all of them.
    pub resource_types: Vec<ResourceType>,
    /// What a record has to hold.
    pub test: Test,
    /// What the caller may see of each type.
    pub access: Access,
    /// By what the answer is sorted; nothing for newest first.
    pub sort: Vec<Sort>,
    /// Matches of a page.
    pub rows: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// What else the answer brings.
    pub includes: Vec<Include>,
    /// Who is asked about codes; nobody where there is no terminology.
    pub terminology: Option<Arc<dyn Around + Send + Sync>>,
}

impl Search {
    /// The records of a type that hold this, whoever asks: for what a unit itself has to know.
    pub(crate) fn everything(resource_type: ResourceType, test: Test, access: Access) -> Self {
        Self {
            resource_types: vec![resource_type],
            test,
            access,
            sort: Vec::new(),
            rows: 2,
            after: None,
            includes: Vec::new(),
            terminology: None,
        }
    }
}

/// Where a page ended. It holds what its last record is sorted by, so it goes to callers sealed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// What the last record is sorted by, as bytes that sort so; none where it has nothing.
    pub(crate) keys: Vec<Option<Vec<u8>>>,
    /// The place of the last record.
    pub(crate) rid: i64,
    /// The newest place when the first page was made: what is newer is not part of the answer.
    pub(crate) newest: i64,
}

/// A page of an answer.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In order.
    pub matches: Vec<Version>,
    /// What `_include` and `_revinclude` brought, each once.
    pub included: Vec<Version>,
    /// Whether the includes were cut off at [`INCLUDED_MAX`].
    pub is_cut: bool,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// How many records hold a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// So many.
    Exactly(u64),
    /// So many of those that were looked at; there are more that the caller may see than [`COUNT_EXAMINED_MAX`].
    AtLeast(u64),
}

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchFault {
    /// There are more records to be sorted than [`SORT_MAX`].
    #[error("more than {SORT_MAX} records would have to be sorted: ask for fewer, or in another order")]
    Unsorted,
    /// A stored record cannot be read.
    #[error("a stored record cannot be read")]
    Damaged,
    /// It asks for more alternatives than a statement takes.
    #[error("the search asks for too many alternatives")]
    Wide,
    /// The site's parameters changed after the question was read.
    #[error("the search parameters of the site have changed: ask again")]
    Moved,
    /// Nobody can say it.
    #[error(transparent)]
    Undecided(#[from] Undecided),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for SearchFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Unsorted | Self::Wide | Self::Undecided(_) => Kind::Unsupported,
            Self::Damaged => Kind::Internal,
            Self::Moved => Kind::Unavailable,
            Self::Store(fault) => fault.kind(),
        }
    }

    fn public(&self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::Unsorted | Self::Wide | Self::Moved | Self::Undecided(_) => self.to_string().into(),
            Self::Damaged => "internal error".into(),
            Self::Store(fault) => fault.public(),
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Moved => Some(1),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}

impl Cursor {
    pub(crate) const fn place(&self) -> Rid {
        Rid(self.rid)
    }
}
