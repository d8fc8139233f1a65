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

/// Parameters whose names are asked for one by one. SQLite goes through all names for each: of many this would be most of the work.
const NAMES_ASKED_MAX: usize = 8;

/// SQLite numbers `$3` by first appearance, as it would a name; its name says which bind is meant.
fn bind(statement: &mut CachedStatement<'_>, sql: &str, binds: &[Value]) -> Result<(), DbError> {
    let mut highest = 0;
    let count = statement.parameter_count();
    let is_in_order = count > NAMES_ASKED_MAX && are_in_order(sql, count);
    for place in 1..=count {
        let number = if is_in_order {
            Some(place)
        } else {
            statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok())
        };
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

/// Whether a text has so many parameters and each number is first said where it is the next: `$1, $2, $1, $3`. What stands in quotes
/// is no parameter.
fn are_in_order(sql: &str, count: usize) -> bool {
    let mut highest = 0;
    let mut quote = None;
    let mut bytes = sql.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'$') => {
                let mut number = 0_usize;
                while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
                    number = number.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                }
                if number == 0 || number > highest + 1 {
                    return false;
                }
                highest = highest.max(number);
            }
            (None, _) => {}
        }
    }
    highest == count
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_where_each_is_first_said_as_the_next() {
        for (sql, count, is) in [
            ("VALUES ($1, $2), ($3, $4)", 4, true),
            ("a = $1 AND b = $2 AND c = $1 AND d = $3", 3, true),
            ("a = $2 AND b = $1", 2, false),
            ("a = $1 AND b = $3", 2, false),
            ("a = '$1' AND b = $1", 1, true),
            ("a = '$1' AND b = $2 AND c = $1", 2, false),
            ("a = 'it''s $9' AND b = $1", 1, true),
            ("a = $1 AND b = $name", 2, false),
            ("a = $1", 2, false),
            ("a", 0, true),
        ] {
            assert_eq!(are_in_order(sql, count), is, "{sql}");
        }
    }

    #[test]
    fn every_value_stands_where_its_number_does() {
        let connection = Connection::open_in_memory().unwrap();
        let numbers = 1..=i64::try_from(NAMES_ASKED_MAX + 2).unwrap();
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
