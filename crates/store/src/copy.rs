//! Moving a deployment from one database to another.

use crate::{Db, DbError};

/// What was copied of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: String,
    /// How many rows.
    pub rows: u64,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopyReport {
    /// The tables in the order in which they were copied.
    pub tables: Vec<CopiedTable>,
}

/// x
pub async fn copy(_from: &Db, _to: &Db, _progress: impl FnMut(&CopiedTable)) -> Result<CopyReport, DbError> {
    Err(DbError::transfer("soon"))
}
