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

fn bind(statement: &mut CachedStatement<'_>, sql: &str, binds: &[Value]) -> Result<(), DbError> {
    let count = statement.parameter_count();
    if count > binds.len() {
        return Err(DbError::bind("a parameter has no bind", sql));
    }
    if count < binds.len() {
        return Err(DbError::bind("there are more binds than parameters", sql));
    }
    for (number, value) in (1..).zip(binds) {
        if matches!(value, Value::Text(text) if text.contains('\0')) {
            return Err(DbError::bind(format!("${number} is text with a NUL character"), sql));
        }
        statement.raw_bind_parameter(number, Bind(value)).map_err(|error| fault(None, sql, error))?;
    }
    Ok(())
}

/// With `?3` where `$3` stands, outside quotes. SQLite takes that for a name, which it looks for among all others before it, so that a
/// statement of thousands takes longer to prepare than to run; this is the number of a bind as it stands.
fn numbered(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut quote = None;
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"']) {
        let (before, from) = rest.split_at(at);
        let (mark, after) = from.split_at(1);
        out.push_str(before);
        match (quote, mark) {
            (None, "$") if after.starts_with(|next: char| next.is_ascii_digit()) => out.push('?'),
            (None, "'" | "\"") => {
                quote = Some(mark);
                out.push_str(mark);
            }
            (open, mark) => {
                if open == Some(mark) {
                    quote = None;
                }
                out.push_str(mark);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

pub(super) fn query<T: FromRow>(
    connection: &Connection,
    sql: &str,
    binds: &[Value],
    max: usize,
) -> Result<Vec<T>, DbError> {
    let failed = |error| fault(Some(connection), sql, error);
    let mut statement = connection.prepare_cached(&numbered(sql)).map_err(failed)?;
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
    let mut statement = connection.prepare_cached(&numbered(sql)).map_err(failed)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_is_a_number_outside_quotes() {
        for (sql, is) in [
            ("VALUES ($1, $22)", "VALUES (?1, ?22)"),
            ("a = $2 AND b = $1 AND c = $2", "a = ?2 AND b = ?1 AND c = ?2"),
            ("a = '$1' AND b = $1", "a = '$1' AND b = ?1"),
            ("a = 'it''s $9' AND \"$3\" = $1", "a = 'it''s $9' AND \"$3\" = ?1"),
            ("a = '\"' AND b = $1", "a = '\"' AND b = ?1"),
            ("a = $name", "a = $name"),
            ("a ->> '$.b'", "a ->> '$.b'"),
            ("ü$1", "ü?1"),
            ("", ""),
        ] {
            assert_eq!(numbered(sql), is);
        }
    }

    #[test]
    fn every_value_stands_where_its_number_does() {
        let connection = Connection::open_in_memory().unwrap();
        let numbers = 1..=10_i64;
        let binds: Vec<Value> = numbers.clone().map(Value::Int).collect();
        let ask = |order: Vec<i64>| {
            let terms: Vec<String> = order.iter().map(|number| format!("SELECT ${number} AS n")).collect();
            query::<(i64,)>(&connection, &terms.join(" UNION ALL "), &binds, 99)
        };
        for order in [numbers.clone().collect(), numbers.rev().collect::<Vec<i64>>()] {
            let found: Vec<i64> = ask(order.clone()).unwrap().into_iter().map(|(n,)| n).collect();
            assert_eq!(found, order);
        }
        assert!(ask((1..=9).collect()).is_err(), "a bind too many");
    }
}
