//! Guards for tests: is every statement well formed on both engines, do both have the same schema, how many statements does
//! something cost?

use std::{collections::BTreeMap, fmt};

use crate::{Composed, Db, DbError, FromRow, Row, Sql, binds, dialect, migrate, tx};

pub use crate::overheard::{OVERHEARD_MAX, Overheard};

/// What kind of values a column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// INTEGER, INT, BIGINT.
    Number,
    /// TEXT.
    Text,
    /// BLOB, BYTEA.
    Bytes,
    /// Anything else: not portable.
    Other,
}

/// A column, in words that are the same for both engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub class: Class,
    /// Whether it may be null (never so in a primary key).
    pub is_nullable: bool,
    /// Its place in the primary key, counted from 1; none outside it.
    pub key_place: Option<u16>,
}

/// The tables of a database with their columns, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// Columns by table.
    pub tables: BTreeMap<String, Vec<Column>>,
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (table, columns) in &self.tables {
            for column in columns {
                let key = column.key_place.map(|place| format!(" key {place}")).unwrap_or_default();
                let null = if column.is_nullable { "" } else { " not null" };
                writeln!(f, "{table}.{} {:?}{null}{key}", column.name, column.class)?;
            }
        }
        Ok(())
    }
}

impl FromRow for Column {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let key_place = row.get::<Option<u16>>("key_place")?.filter(|place| *place > 0);
        Ok(Self {
            name: row.get("name")?,
            class: match row.get::<String>("type")?.as_str() {
                "INTEGER" | "INT" | "bigint" | "integer" => Class::Number,
                "TEXT" | "text" => Class::Text,
                "BLOB" | "bytea" => Class::Bytes,
                _ => Class::Other,
            },
            is_nullable: row.get::<bool>("is_nullable")? && key_place.is_none(),
            key_place,
        })
    }
}

const COLUMNS: Sql = dialect! {
    sqlite: "SELECT name, type, \"notnull\" = 0 AS is_nullable, pk AS key_place FROM pragma_table_info($1) ORDER BY cid",
    postgres: "SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, NOT a.attnotnull AS is_nullable,
             CAST(array_position(CAST(i.indkey AS int2[]), a.attnum) + 1 AS bigint) AS key_place
             FROM pg_attribute AS a LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
             WHERE a.attrelid = to_regclass(quote_ident($1)) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
};

/// Prepare every statement against the migrated schema; those that fail, with the reason.
pub async fn prepare_all(db: &Db, statements: &[&str]) -> Vec<(String, DbError)> {
    let mut wrong = Vec::new();
    for sql in statements {
        if let Err(fault) = prepare(db, sql).await {
            wrong.push((String::from(*sql), fault));
        }
    }
    wrong
}

async fn prepare(db: &Db, sql: &str) -> Result<(), DbError> {
    match db.read().await?.session() {
        tx::Session::Sqlite(session) => session.check(sql),
        tx::Session::Postgres(session) => session.check(sql).await,
    }
}

/// The steps by which SQLite answers a statement, in its words: `SEARCH t USING INDEX …`.
///
/// # Errors
/// A fault of the store; PostgreSQL knows no such question.
pub async fn steps(db: &Db, statement: &Composed) -> Result<Vec<String>, DbError> {
    let steps = db.read().await?.all_composed::<Step>(&statement.explained()).await?;
    Ok(steps.into_iter().map(|Step(detail)| detail).collect())
}

struct Step(String);

impl FromRow for Step {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("detail")?))
    }
}

/// Listen to what the database is asked from now on, by whomever; one listener at a time.
pub fn overhear(db: &Db) -> Overheard {
    Overheard::of(db.ear())
}

/// The schema, normalised: equal on both engines when the migrations are portable.
///
/// # Errors
/// A fault of the store.
pub async fn schema(db: &Db) -> Result<Schema, DbError> {
    let mut reader = db.read().await?;
    let mut schema = Schema::default();
    for (table,) in reader.all::<(String,)>(migrate::TABLES, binds![]).await? {
        let columns = reader.all(COLUMNS, binds![table]).await?;
        schema.tables.insert(table, columns);
    }
    Ok(schema)
}
