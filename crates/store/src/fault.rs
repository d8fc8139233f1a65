//! What can go wrong at the database. Says which statement and which limit; never a bound value.

use std::borrow::Cow;

use kernel::{Fault, Kind};

/// A fault of the database, the same for both engines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// A row with this key exists already.
    #[error("a row with the same key exists ({constraint})")]
    Unique {
        /// PostgreSQL's name for it on both engines: `client_client_id_key`, `client_pkey`, or the index's own name.
        constraint: Box<str>,
    },
    /// The row refers to one that does not exist, or is still referred to.
    #[error("a foreign key forbids it: {sql}")]
    Foreign {
        /// The statement.
        sql: Box<str>,
    },
    /// A `CHECK` or `NOT NULL` of the schema refuses the row.
    #[error("the schema refuses the row ({constraint}): {sql}")]
    Check {
        /// The constraint or column, as the engine names it.
        constraint: Box<str>,
        /// The statement.
        sql: Box<str>,
    },
    /// A trigger refuses the change.
    #[error("refused by a trigger: {why}")]
    Refused {
        /// The trigger's words.
        why: Box<str>,
    },
    /// `one` found no row.
    #[error("no row: {sql}")]
    NoRow {
        /// The statement.
        sql: Box<str>,
    },
    /// `one` or `optional` found several rows, or `all` found more than `ROWS_MAX`.
    #[error("more rows than expected: {sql}")]
    ManyRows {
        /// The statement.
        sql: Box<str>,
    },
    /// A column is missing or holds something else.
    #[error("column {column}: {why}")]
    Column {
        /// Its name or place.
        column: Box<str>,
        /// What was expected.
        why: Box<str>,
    },
    /// The binds do not fit the statement.
    #[error("{why}: {sql}")]
    Bind {
        /// Which one, and why.
        why: Box<str>,
        /// The statement.
        sql: Box<str>,
    },
    /// The engine does not accept or cannot carry out the statement.
    #[error("{why}: {sql}")]
    Statement {
        /// The engine's words or code.
        why: Box<str>,
        /// The statement.
        sql: Box<str>,
    },
    /// The database does not answer. It is tried anew at the next call.
    #[error("the database is unavailable: {why}")]
    Unavailable {
        /// Why.
        why: Box<str>,
    },
    /// The connection broke during COMMIT: whether the unit is durable is not known.
    #[error("the connection was lost during commit; the outcome is unknown")]
    CommitUnknown,
    /// The commit failed and nothing of the unit is kept.
    #[error("commit failed: {why}")]
    Commit {
        /// The engine's words or code.
        why: Box<str>,
    },
    /// Too much is waiting already.
    #[error("the database is busy: {limit} reached")]
    Busy {
        /// The name of the limit.
        limit: &'static str,
    },
    /// It took longer than a limit allows, and was given up.
    #[error("gave up after {limit}")]
    Timeout {
        /// The name of the limit.
        limit: &'static str,
    },
    /// Other units kept changing the same rows.
    #[error("gave up after repeated conflicts with other units")]
    Conflict,
    /// The unit awaited something besides its transaction: no network, timer or lock inside a transaction.
    #[error("a unit of work awaited something besides its transaction")]
    Awaited,
    /// The unit panicked.
    #[error("a unit of work panicked")]
    Panicked,
    /// The unit went on after a statement had failed; nothing of it is kept.
    #[error("a unit of work ended well although a statement in it had failed: {sql}")]
    Doomed {
        /// The statement.
        sql: Box<str>,
    },
    /// The file is damaged.
    #[error("the database is damaged: {why}")]
    Corrupt {
        /// The engine's words.
        why: Box<str>,
    },
    /// The database has been closed.
    #[error("the database is closed")]
    Closed,
    /// The schema cannot be brought up to date.
    #[error("{why}")]
    Migration {
        /// Which migration, why, and what to do.
        why: Box<str>,
    },
    /// A setting is wrong, or the server is not one that we can use.
    #[error("{why}")]
    Setting {
        /// What, and what would be right.
        why: Box<str>,
    },
    /// A copy, a backup or a check could not be completed.
    #[error("{why}")]
    Transfer {
        /// What stood in the way.
        why: Box<str>,
    },
}

impl DbError {
    pub(crate) fn unavailable(why: impl Into<Box<str>>) -> Self {
        Self::Unavailable { why: why.into() }
    }

    pub(crate) fn setting(why: impl Into<Box<str>>) -> Self {
        Self::Setting { why: why.into() }
    }

    pub(crate) fn transfer(why: impl Into<Box<str>>) -> Self {
        Self::Transfer { why: why.into() }
    }

    pub(crate) fn bind(why: impl Into<Box<str>>, sql: &str) -> Self {
        Self::Bind { why: why.into(), sql: Box::from(sql) }
    }

    /// Whether this is the violation of the unique constraint of that name.
    pub fn is_unique(&self, name: &str) -> bool {
        matches!(self, Self::Unique { constraint } if **constraint == *name)
    }

    /// Whether the engine itself failed the statement, so that the transaction around it is lost
    /// (PostgreSQL ends every transaction at the first failing statement; SQLite is held to the same rule).
    pub(crate) const fn dooms_its_unit(&self) -> bool {
        !matches!(self, Self::NoRow { .. } | Self::ManyRows { .. } | Self::Column { .. } | Self::Bind { .. })
    }
}

impl Fault for DbError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unique { .. } | Self::Foreign { .. } => Kind::Conflict,
            Self::Unavailable { .. }
            | Self::CommitUnknown
            | Self::Commit { .. }
            | Self::Busy { .. }
            | Self::Timeout { .. }
            | Self::Conflict
            | Self::Closed => Kind::Unavailable,
            Self::Check { .. }
            | Self::Refused { .. }
            | Self::NoRow { .. }
            | Self::ManyRows { .. }
            | Self::Column { .. }
            | Self::Bind { .. }
            | Self::Statement { .. }
            | Self::Awaited
            | Self::Panicked
            | Self::Doomed { .. }
            | Self::Corrupt { .. }
            | Self::Migration { .. }
            | Self::Setting { .. }
            | Self::Transfer { .. } => Kind::Internal,
        }
    }

    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.kind() {
            Kind::Conflict => "this conflicts with what is stored",
            Kind::Unavailable => "the service cannot reach its storage; try again",
            _ => "internal error",
        })
    }

    fn retry_after_s(&self) -> Option<u64> {
        (self.kind() == Kind::Unavailable).then_some(1)
    }
}
