//! Running one statement.

use rusqlite::{
    CachedStatement, Connection, ToSql,
    types::{ToSqlOutput, ValueRef as SqliteRef},
};

use crate::{DbError, FromRow, Row, Value, sqlite::fault::fault, value::ValueRef};

struct Bind<'a>(&'a Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => SqliteRef::Null,
            Value::Int(int) => SqliteRef::Integer(*int),
            Value::Text(text) => SqliteRef::Text(text.as_bytes()),
            Value::Blob(blob) => SqliteRef::Blob(blob),
        }))
    }
}

/// SQLite numbers `$3` by first appearance, as it would a name; its name says which bind is meant.
fn bind(statement: &mut CachedStatement<'_>, sql: &str, binds: &[Value]) -> Result<(), DbError> {
    let mut highest = 0;
    for place in 1..=statement.parameter_count() {
        let number =
            statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| binds.get(number.checked_sub(1)?));
        let (Some(number), Some(value)) = (number, value) else {
            return Err(DbError::bind("a parameter has no bind", sql));
        };
        if matches!(value, Value::Text(text) if text.contains('\0')) {
            return Err(DbError::bind(format!("${number} is text with a NUL character"), sql));
        }
        highest = highest.max(number);
        statement.raw_bind_parameter(place, Bind(value)).map_err(|error| fault(None, sql, error))?;
    }
    if highest == binds.len() {
        Ok(())
    } else {
        Err(DbError::bind("there are more binds than parameters", sql))
    }
}

pub(super) fn query<T: FromRow>(
    connection: &Connection,
    sql: &str,
    binds: &[Value],
    max: usize,
) -> Result<Vec<T>, DbError> {
    let failed = |error| fault(Some(connection), sql, error);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    bind(&mut statement, sql, binds)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        if found.len() >= max {
            return Err(DbError::ManyRows { sql: Box::from(sql) });
        }
        found.push(T::from_row(&Row::of_sqlite(row))?);
    }
    Ok(found)
}

pub(super) fn execute(connection: &Connection, sql: &str, binds: &[Value]) -> Result<u64, DbError> {
    let failed = |error| fault(Some(connection), sql, error);
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    bind(&mut statement, sql, binds)?;
    let changes = !statement.readonly();
    let mut rows = statement.raw_query();
    while rows.next().map_err(failed)?.is_some() {}
    Ok(if changes { connection.changes() } else { 0 })
}

fn cell<'a>(value: rusqlite::Result<SqliteRef<'a>>) -> Result<ValueRef<'a>, &'static str> {
    match value.map_err(|_| "there is no such column")? {
        SqliteRef::Null => Ok(ValueRef::Null),
        SqliteRef::Integer(int) => Ok(ValueRef::Int(int)),
        SqliteRef::Text(text) => {
            std::str::from_utf8(text).map(ValueRef::Text).map_err(|_| "the text is not UTF-8")
        }
        SqliteRef::Blob(blob) => Ok(ValueRef::Blob(blob)),
        SqliteRef::Real(_) => Err("a floating-point number, which no column of ours holds"),
    }
}

pub(crate) fn cell_named<'a>(row: &'a rusqlite::Row<'a>, column: &str) -> Result<ValueRef<'a>, &'static str> {
    cell(row.get_ref(column))
}

pub(crate) fn cell_at<'a>(row: &'a rusqlite::Row<'a>, column: usize) -> Result<ValueRef<'a>, &'static str> {
    cell(row.get_ref(column))
}
