//! Moving a deployment from one database to another, in either direction.

mod digest;
mod order;
mod table;

use std::collections::BTreeSet;

use crate::{Db, DbError, Engine, MigrationSet, Reader, Sql, Writer, binds, check, dialect, migrate};
use digest::Content;
use order::Reference;
use table::Table;

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

const SNAPSHOT: Sql = dialect! {
    sqlite: "BEGIN",
    postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
};

const REFERENCES: Sql = dialect! {
    sqlite: "SELECT DISTINCT t.name AS child, f.\"table\" AS parent, '' AS name
             FROM sqlite_schema AS t JOIN pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table' ORDER BY 1, 2",
    postgres: "SELECT c.relname AS child, p.relname AS parent, k.conname AS name FROM pg_constraint AS k
             JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_class AS p ON p.oid = k.confrelid
             JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE k.contype = 'f' AND n.nspname = current_schema() ORDER BY 1, 2, 3",
};

/// Copy every row of `from` into `to`: table by table, parents before children, in one transaction.
///
/// `from` may be in use and is seen as it is now; `to` must be migrated by the same version of the program, be empty, and not be in
/// use. Afterwards every table of `to` is read back and compared by number of rows and digest of content; only then is
/// it committed. `progress` is told of every table as it is done.
///
/// # Errors
/// `DbError::Transfer` if the schemas differ, `to` is not empty, a table has no primary key, or the comparison fails; or a
/// fault of either store. In every case `to` stays empty.
pub async fn copy(from: &Db, to: &Db, progress: impl FnMut(&CopiedTable)) -> Result<CopyReport, DbError> {
    copy_part(from, to, None, progress).await
}

/// A part of a database: what is in a file of its own on one engine, and beside the rest on the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Its tables.
    pub tables: BTreeSet<String>,
    /// The sets of migrations that make them.
    pub sets: BTreeSet<&'static str>,
}

impl Part {
    /// The tables of a database that is migrated by these sets and no others.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn of(db: &Db, sets: &[MigrationSet]) -> Result<Self, DbError> {
        let tables = check::schema(db).await?.tables.into_keys().collect();
        Ok(Self { tables, sets: sets.iter().map(|set| set.crate_name).collect() })
    }

    /// The same without another part.
    #[must_use]
    pub fn but(self, other: &Self) -> Self {
        Self { tables: &self.tables - &other.tables, sets: &self.sets - &other.sets }
    }
}

/// As [`copy`], of the tables of a part alone; of the others nothing is asked.
///
/// # Errors
/// As [`copy`].
pub async fn copy_part(
    from: &Db,
    to: &Db,
    part: Option<&Part>,
    progress: impl FnMut(&CopiedTable),
) -> Result<CopyReport, DbError> {
    let tables = agree(from, to, part).await?;
    let mut source = from.read().await?;
    source.begin(SNAPSHOT).await?;
    never_time_out(&mut source).await?;
    let mut target = to.exclusive().await?;
    target.begin(migrate::TRANSACTION).await?;
    never_time_out(&mut target).await?;
    match copy_tables(&mut source, &mut target, &tables, progress).await {
        Ok(report) => {
            target.end("COMMIT").await?;
            Ok(report)
        }
        Err(fault) => {
            // Should this fail as well, the connection is thrown away, which rolls back too.
            drop(target.end("ROLLBACK").await);
            Err(fault)
        }
    }
}

/// The tables of both databases, or of a part of them, if both have the same.
async fn agree(from: &Db, to: &Db, part: Option<&Part>) -> Result<Vec<Table>, DbError> {
    let (mut have, mut want) = (check::schema(from).await?, check::schema(to).await?);
    if let Some(part) = part {
        have.tables.retain(|table, _| part.tables.contains(table));
        want.tables.retain(|table, _| part.tables.contains(table));
    }
    if have != want || applied(from, part).await? != applied(to, part).await? {
        return Err(DbError::transfer(
            "the two databases do not have the same schema: migrate both with this version first",
        ));
    }
    have.tables.into_iter().map(|(name, columns)| Table::new(name, &columns)).collect()
}

async fn applied(db: &Db, part: Option<&Part>) -> Result<Vec<(String, String)>, DbError> {
    let mut all: Vec<(String, String)> = db.read().await?.all(migrate::APPLIED, binds![]).await?;
    all.retain(|(set, _)| part.is_none_or(|part| part.sets.contains(set.as_str())));
    Ok(all)
}

async fn never_time_out(reader: &mut Reader) -> Result<(), DbError> {
    match reader.engine() {
        Engine::Sqlite => Ok(()),
        Engine::Postgres => {
            reader
                .batch("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
                .await
        }
    }
}

async fn copy_tables(
    source: &mut Reader,
    target: &mut Writer,
    tables: &[Table],
    mut progress: impl FnMut(&CopiedTable),
) -> Result<CopyReport, DbError> {
    let references: Vec<Reference> = target.all(REFERENCES, binds![]).await?;
    for table in tables {
        if table.has_rows(target).await? {
            return Err(DbError::transfer(format!(
                "the target is not empty: table {} has rows",
                table.name()
            )));
        }
    }
    let plan = order::plan(tables.iter().map(Table::name).collect(), &references);
    defer(target, &plan.unordered).await?;
    let mut report = CopyReport::default();
    for name in &plan.tables {
        let Some(table) = tables.iter().find(|table| table.name() == name) else { continue };
        let sent = table.copy(source, target).await?;
        let kept = table.content(target).await?;
        compare(table.name(), sent, kept, table.count(source).await?)?;
        let copied = CopiedTable { table: String::from(table.name()), rows: sent.rows };
        progress(&copied);
        report.tables.push(copied);
    }
    enforce(target, &plan.unordered).await?;
    Ok(report)
}

fn compare(table: &str, sent: Content, kept: Content, counted: u64) -> Result<(), DbError> {
    if sent.rows != counted {
        return Err(DbError::transfer(format!(
            "table {table} has {counted} rows and {} could be read: is a part of a primary key null?",
            sent.rows
        )));
    }
    if sent == kept {
        Ok(())
    } else {
        Err(DbError::transfer(format!("table {table} does not read back as it was written")))
    }
}

/// Let references wait until the end where no order of tables satisfies them: a table that refers to itself, or a circle.
async fn defer(target: &mut Writer, references: &[&Reference]) -> Result<(), DbError> {
    if target.engine() == Engine::Sqlite {
        return target.batch("PRAGMA defer_foreign_keys = ON").await;
    }
    for reference in references {
        target.batch(&reference.alter("DEFERRABLE INITIALLY DEFERRED")).await?;
    }
    Ok(())
}

/// Check what was deferred, and leave the schema as it was. SQLite checks at commit.
async fn enforce(target: &mut Writer, references: &[&Reference]) -> Result<(), DbError> {
    if target.engine() == Engine::Sqlite || references.is_empty() {
        return Ok(());
    }
    target.batch("SET CONSTRAINTS ALL IMMEDIATE").await?;
    for reference in references {
        target.batch(&reference.alter("NOT DEFERRABLE")).await?;
    }
    Ok(())
}
