//! Opening the file, and one connection to it.

use std::{fs, io, path::PathBuf, sync::Arc};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    DbError, Durability, FromRow, Value,
    overheard::Ear,
    sqlite::{fault::fault, readers::Shelf, statement},
};

/// How long a connection waits for another process that writes to the same file, in milliseconds.
const BUSY_TIMEOUT_MS: u32 = 5_000;
/// Prepared statements kept for each connection.
const STATEMENTS_KEPT: usize = 256;
/// The page cache of the writer, in KiB.
const WRITER_CACHE_KIB: u32 = 64 * 1024;
/// The page cache of each reader, in KiB; readers mostly see pages through the memory map.
const READER_CACHE_KIB: u32 = 8 * 1024;
/// How much of the file is mapped into memory, in bytes.
const MMAP_BYTES: u64 = 256 * 1024 * 1024;
/// How many pages the write-ahead log takes in before they are moved into the file: the same pages are written again and
/// again, and are moved once. Reading so much of a log after a crash takes a few hundredths of a second.
const WAL_PAGES: u32 = 4_096;
/// What is left of the write-ahead log after a checkpoint, in bytes.
const WAL_KEPT_BYTES: u64 = 64 * 1024 * 1024;

/// How connections to this file are opened.
pub(super) struct Opening {
    pub(super) path: PathBuf,
    durability: Durability,
    ear: Arc<Ear>,
}

impl Opening {
    pub(super) const fn new(path: PathBuf, durability: Durability, ear: Arc<Ear>) -> Self {
        Self { path, durability, ear }
    }

    pub(super) fn ear(&self) -> Arc<Ear> {
        Arc::clone(&self.ear)
    }

    /// Make the file where there is none: nobody but its owner may read it. SQLite gives the log beside it the same mode.
    pub(super) fn make_file(&self) -> Result<(), DbError> {
        let failed = |error: io::Error| DbError::unavailable(format!("{}: {error}", self.path.display()));
        if let Some(folder) =
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder).map_err(failed)?;
        }
        make_private(&self.path).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(failed(error)),
        })
    }

    fn open(&self, cache_kib: u32, more: &str) -> Result<Connection, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|error| fault(None, "open", error))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // Plans do not depend on what is bound. SQLite would look whether `x = $1` means 0 or 1, or fits a partial index, and
        // prepare a statement of the cache anew each time, since its binds were cleared.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| fault(None, "open", error))?;
        let synchronous = match self.durability {
            Durability::Full => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        let settings = format!(
            "PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache_kib};
             PRAGMA mmap_size = {MMAP_BYTES}; PRAGMA journal_size_limit = {WAL_KEPT_BYTES};
             PRAGMA wal_autocheckpoint = {WAL_PAGES}; PRAGMA trusted_schema = OFF;
             {more}"
        );
        connection.execute_batch(&settings).map_err(|error| fault(None, "open", error))?;
        Ok(connection)
    }

    pub(super) fn writer(&self) -> Result<Connection, DbError> {
        self.open(WRITER_CACHE_KIB, "")
    }

    pub(super) fn reader(&self) -> Result<Connection, DbError> {
        self.open(READER_CACHE_KIB, "PRAGMA query_only = ON;")
    }
}

/// Make an empty file that only its owner may read.
pub(super) fn make_private(path: &std::path::Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A connection while somebody uses it.
pub(crate) struct Session {
    /// Empty only while it is being given back.
    connection: Option<Connection>,
    home: Option<(Arc<Shelf>, OwnedSemaphorePermit)>,
    ear: Arc<Ear>,
}

impl Session {
    /// A connection that belongs to whoever holds the session.
    pub(super) const fn own(connection: Connection, ear: Arc<Ear>) -> Self {
        Self { connection: Some(connection), home: None, ear }
    }

    /// A connection that goes back to the shelf.
    pub(super) fn lent(
        (connection, ear): (Connection, Arc<Ear>),
        shelf: Arc<Shelf>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { connection: Some(connection), home: Some((shelf, place)), ear }
    }

    pub(super) fn connection(&self) -> Result<&Connection, DbError> {
        self.connection.as_ref().ok_or(DbError::Closed)
    }

    pub(crate) fn query<T: FromRow>(
        &self,
        sql: &str,
        binds: &[Value],
        max: usize,
    ) -> Result<Vec<T>, DbError> {
        self.ear.hear(sql);
        statement::query(self.connection()?, sql, binds, max)
    }

    pub(crate) fn execute(&self, sql: &str, binds: &[Value]) -> Result<u64, DbError> {
        self.ear.hear(sql);
        statement::execute(self.connection()?, sql, binds)
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), DbError> {
        self.ear.hear(sql);
        let connection = self.connection()?;
        connection.execute_batch(sql).map_err(|error| fault(Some(connection), sql, error))
    }

    pub(crate) fn interrupt_handle(&self) -> Result<rusqlite::InterruptHandle, DbError> {
        self.connection().map(Connection::get_interrupt_handle)
    }

    /// Whether a transaction is open.
    pub(super) fn in_transaction(&self) -> bool {
        self.connection().is_ok_and(|connection| !connection.is_autocommit())
    }

    /// Prepare a statement and forget it: is it well formed against the schema?
    pub(crate) fn check(&self, sql: &str) -> Result<(), DbError> {
        let connection = self.connection()?;
        connection.prepare(sql).map(drop).map_err(|error| fault(Some(connection), sql, error))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let (Some(connection), Some((shelf, place))) = (self.connection.take(), self.home.take()) {
            // A snapshot left open would hold back the checkpoint for ever.
            if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
                shelf.put_back(connection);
            }
            drop(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_prepared_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let opening = Opening::new(folder.path().join("a.db"), Durability::Relaxed, Arc::default());
        opening.make_file().unwrap();
        let session = Session::own(opening.writer().unwrap(), opening.ear());
        let schema = "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT) STRICT;
                      CREATE TABLE held (id INTEGER PRIMARY KEY, person_id INTEGER, kind TEXT, ended_at INTEGER) STRICT;
                      CREATE INDEX held_of_kind ON held (person_id) WHERE kind <> 'x';
                      INSERT INTO person VALUES (1, 'a'), (2, 'b'); INSERT INTO held VALUES (1, 1, 'y', NULL), (2, 2, 'x', 3);";
        session.batch(schema).unwrap();
        let sql = "SELECT person.name FROM held LEFT JOIN person ON person.id = held.person_id \
                   WHERE held.person_id = $1 AND held.kind <> $2";
        for (person, kind, found) in [(1, "x", 1), (2, "x", 0), (2, "y", 1), (1, "x", 1)] {
            let binds = [Value::Int(person), Value::Text(kind.into())];
            assert_eq!(session.query::<(String,)>(sql, &binds, 9).unwrap().len(), found, "{person} {kind}");
        }
        let statement = session.connection().unwrap().prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
