//! Bringing the schema up to date.

mod adapt;

use crate::{Db, DbError, Engine, Writer, binds, dialect};

/// How long a migration may take on PostgreSQL, waiting for another node's included.
const MIGRATE_MAX_S: u32 = 600;

/// One numbered file. Its text is written for SQLite; for PostgreSQL `INTEGER` becomes `BIGINT`, `INT` (what never needs more than four
/// bytes) `INTEGER`, `BLOB` becomes `BYTEA`, and `STRICT` and `WITHOUT ROWID` are left out.
///
/// What the engines need in different words (triggers) stands in sections that begin with a line `-- sqlite:` or
/// `-- postgres:` and end at the next such line or at `-- both:`. Sections are taken as they are.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The file's name without its ending: `0001_clients`. Names are in ascending order.
    pub name: &'static str,
    /// The file's text.
    pub sql: &'static str,
}

/// The migrations of one crate.
#[derive(Debug, Clone, Copy)]
pub struct MigrationSet {
    /// The crate.
    pub crate_name: &'static str,
    /// Its files, in the order in which they apply. An applied file is never changed; a new one goes to the end.
    pub files: &'static [Migration],
}

/// A writing transaction that is not a unit.
pub(crate) const TRANSACTION: crate::Sql = dialect! { sqlite: "BEGIN IMMEDIATE", postgres: "BEGIN" };

const RECORD_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    crate_name TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (crate_name, name)
) STRICT;";

/// Not a unit: on PostgreSQL a unit sees the database as it was before another node's migration had ended.
pub(crate) async fn run(db: &Db, sets: &[MigrationSet]) -> Result<Vec<String>, DbError> {
    let mut tx = db.exclusive().await?;
    tx.begin(TRANSACTION).await?;
    match apply(&mut tx, sets).await {
        Ok(applied) => tx.end("COMMIT").await.map(|()| applied),
        Err(fault) => {
            // Should this fail as well, the connection is thrown away, which rolls back too.
            drop(tx.end("ROLLBACK").await);
            Err(fault)
        }
    }
}

async fn apply(tx: &mut Writer, sets: &[MigrationSet]) -> Result<Vec<String>, DbError> {
    // SQLite has one writer at a time as it is.
    if tx.engine() == Engine::Postgres {
        tx.batch(&format!("SET LOCAL statement_timeout = '{MIGRATE_MAX_S}s'")).await?;
        tx.batch("SELECT pg_advisory_xact_lock(7596835243121437)").await?;
    }
    let engine = tx.engine();
    tx.batch(&adapt::for_engine(RECORD_TABLE, engine)).await?;
    let mut applied_now = Vec::new();
    for set in sets {
        let applied = tx
            .all::<(String, String)>(
                "SELECT name, text FROM schema_migration WHERE crate_name = $1 ORDER BY name",
                binds![set.crate_name],
            )
            .await?;
        for migration in outstanding(set, &applied)? {
            let text = adapt::for_engine(migration.sql, engine);
            tx.batch(&text).await.map_err(|fault| failed(set, migration, fault))?;
            tx.execute(
                "INSERT INTO schema_migration (crate_name, name, text) VALUES ($1, $2, $3)",
                binds![set.crate_name, migration.name, migration.sql],
            )
            .await?;
            applied_now.push(format!("{}/{}", set.crate_name, migration.name));
        }
    }
    Ok(applied_now)
}

fn failed(set: &MigrationSet, migration: &Migration, fault: DbError) -> DbError {
    let why = match fault {
        // Without the statement, which is the whole file.
        DbError::Statement { why, .. } => why,
        other => other.to_string().into_boxed_str(),
    };
    DbError::Migration {
        why: format!("migration {}/{} failed: {why}", set.crate_name, migration.name).into_boxed_str(),
    }
}

/// The files of the set that have yet to be applied, if what was applied is the beginning of the set, word for word.
fn outstanding<'a>(set: &'a MigrationSet, applied: &[(String, String)]) -> Result<&'a [Migration], DbError> {
    let refuse = |name: &str, why: &str| {
        Err(DbError::Migration { why: format!("migration {}/{name} {why}", set.crate_name).into_boxed_str() })
    };
    let mut known = set.files.iter();
    let mut before = "";
    for file in set.files {
        if file.name <= before {
            return refuse(file.name, "is out of order: names ascend");
        }
        before = file.name;
    }
    for (name, text) in applied {
        match known.next() {
            None => {
                return refuse(
                    name,
                    "was applied by a newer version of this program: run that version, or restore a backup",
                );
            }
            Some(file) if file.name != name => {
                return refuse(file.name, "comes before one that was applied already: give it a later name");
            }
            Some(file) if file.sql != text => {
                return refuse(
                    name,
                    "has changed since it was applied: put its text back, and write a new migration",
                );
            }
            Some(_) => {}
        }
    }
    Ok(known.as_slice())
}

/// What was applied: crate and file.
pub(crate) const APPLIED: &str = "SELECT crate_name, name FROM schema_migration ORDER BY crate_name, name";

/// The tables of this database, apart from the engine's own and the record of migrations.
pub(crate) const TABLES: crate::Sql = dialect! {
    sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND name <> 'schema_migration' ORDER BY name",
    postgres: "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()
             AND table_type = 'BASE TABLE' AND table_name <> 'schema_migration' ORDER BY table_name COLLATE \"C\"",
};

#[cfg(test)]
mod tests {
    use super::*;

    const SET: MigrationSet = MigrationSet {
        crate_name: "store",
        files: &[Migration { name: "0001_a", sql: "A" }, Migration { name: "0002_b", sql: "B" }],
    };

    fn left(applied: &[(&str, &str)]) -> Result<Vec<&'static str>, String> {
        let applied: Vec<_> =
            applied.iter().map(|(name, text)| (String::from(*name), String::from(*text))).collect();
        match outstanding(&SET, &applied) {
            Ok(files) => Ok(files.iter().map(|file| file.name).collect()),
            Err(fault) => Err(fault.to_string()),
        }
    }

    #[test]
    fn what_was_applied_is_the_beginning_of_the_set() {
        assert_eq!(left(&[]), Ok(vec!["0001_a", "0002_b"]));
        assert_eq!(left(&[("0001_a", "A")]), Ok(vec!["0002_b"]));
        assert_eq!(left(&[("0001_a", "A"), ("0002_b", "B")]), Ok(vec![]));
    }

    #[test]
    fn anything_else_is_refused_and_says_why() {
        assert!(left(&[("0001_a", "A ")]).unwrap_err().contains("has changed"));
        assert!(left(&[("0002_b", "B")]).unwrap_err().contains("comes before"));
        assert!(
            left(&[("0001_a", "A"), ("0002_b", "B"), ("0003_c", "C")]).unwrap_err().contains("newer version")
        );
        const SWAPPED: &[Migration] = &[SET.files[1], SET.files[0]];
        let swapped = MigrationSet { crate_name: "store", files: SWAPPED };
        assert!(outstanding(&swapped, &[]).unwrap_err().to_string().contains("out of order"));
    }
}
