//! A job as its row keeps it.

use kernel::{BulkJob, Client, Id, Person, Timestamp};
use store::{DbError, FromRow, Json, Row};

use super::held::Held;
use crate::resource::Rid;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Export,
    Import,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Import => "import",
        }
    }
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// A worker is at it, or will be.
    Running,
    /// The files are there.
    Done,
    /// It could not be done.
    Failed,
    /// It was ended by its caller, or let go of.
    Ended,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Running, Self::Done, Self::Failed, Self::Ended].into_iter().find(|one| one.as_str() == word)
    }
}

/// A job.
#[derive(Debug, Clone)]
pub(super) struct Job<Asked> {
    pub tenant: i64,
    pub id: Id<BulkJob>,
    pub kind: Kind,
    pub state: State,
    pub client: Id<Client>,
    pub person: Option<Id<Person>>,
    pub asked: Asked,
    pub held: Held,
    pub request: String,
    /// Where it began.
    pub first: Rid,
    /// How far it is.
    pub place: Rid,
    /// How far it goes.
    pub horizon: Rid,
    pub resources: i64,
    pub packed_bytes: i64,
    pub why: Option<String>,
    /// The moment whose state is exported.
    pub taken_at: Timestamp,
    pub expires_at: Timestamp,
}

impl<Asked: serde::de::DeserializeOwned> FromRow for Job<Asked> {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let state: String = row.get("state")?;
        let unknown = || DbError::Column { column: "state".into(), why: "not a state".into() };
        let Json(asked) = row.get::<Json<Asked>>("asked")?;
        let Json(held) = row.get::<Json<Held>>("held")?;
        Ok(Self {
            tenant: row.get("tenant")?,
            id: row.get("id")?,
            kind: if row.get::<String>("kind")? == "import" { Kind::Import } else { Kind::Export },
            state: State::named(&state).ok_or_else(unknown)?,
            client: row.get("client_id")?,
            person: row.get("person_id")?,
            asked,
            held,
            request: row.get("request")?,
            first: Rid::numbered(row.get("first")?),
            place: Rid::numbered(row.get("place")?),
            horizon: Rid::numbered(row.get("horizon")?),
            resources: row.get("resources")?,
            packed_bytes: row.get("packed_bytes")?,
            why: row.get("why")?,
            taken_at: row.get("taken_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Resources.
    Output,
    /// Transactions that delete what was deleted since.
    Deleted,
    /// What is to be said.
    Error,
    /// What was sent.
    Input,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Deleted => "deleted",
            Self::Error => "error",
            Self::Input => "input",
        }
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Output, Self::Deleted, Self::Error, Self::Input].into_iter().find(|one| one.as_str() == word)
    }
}

/// A file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub number: i64,
    pub role: Role,
    pub of: String,
    pub resources: i64,
    pub bytes: i64,
    /// The file of the kick-off that it is about; 0 for none.
    pub source: i64,
}

impl File {
    /// `3.Patient.ndjson`
    pub fn name(&self) -> String {
        format!("{}.{}.ndjson", self.number, self.of)
    }
}

impl FromRow for File {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let role: String = row.get("role")?;
        let unknown = || DbError::Column { column: "role".into(), why: "not a role".into() };
        Ok(Self {
            number: row.get("number")?,
            role: Role::named(&role).ok_or_else(unknown)?,
            of: row.get("type")?,
            resources: row.get("resources")?,
            bytes: row.get("bytes")?,
            source: row.get("source")?,
        })
    }
}
