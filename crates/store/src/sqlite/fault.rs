//! SQLite's errors in our words.

use rusqlite::{Connection, Error, ErrorCode, ffi};

use crate::DbError;

/// The fault behind an error. The connection, where there is one, helps to name a constraint.
pub(super) fn fault(connection: Option<&Connection>, sql: &str, error: Error) -> DbError {
    let statement = |why: String| DbError::Statement { why: why.into_boxed_str(), sql: Box::from(sql) };
    match error {
        Error::SqliteFailure(code, message) => failure(connection, sql, code, message.unwrap_or_default()),
        Error::SqlInputError { msg, .. } => statement(msg),
        // The others are about the use of rusqlite itself; none of them quotes a bound value.
        other => statement(other.to_string()),
    }
}

fn failure(connection: Option<&Connection>, sql: &str, code: ffi::Error, message: String) -> DbError {
    let why = || message.clone().into_boxed_str();
    let sql = || Box::<str>::from(sql);
    match (code.code, code.extended_code) {
        (
            _,
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => DbError::Unique { constraint: constraint(connection, &message).into_boxed_str() },
        (_, ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => DbError::Foreign { sql: sql() },
        (_, ffi::SQLITE_CONSTRAINT_TRIGGER) => DbError::Refused { why: why() },
        (ErrorCode::ConstraintViolation, _) => {
            let constraint = message.rsplit(": ").next().unwrap_or_default();
            DbError::Check { constraint: Box::from(constraint), sql: sql() }
        }
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
            DbError::Busy { limit: "BUSY_TIMEOUT_MS" }
        }
        (ErrorCode::OperationInterrupted, _) => DbError::Timeout { limit: "statement_max" },
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => DbError::Corrupt { why: why() },
        (
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
            _,
        ) => DbError::Unavailable { why: why() },
        _ => DbError::Statement { why: why(), sql: sql() },
    }
}

/// The name that PostgreSQL gives to the constraint, so that a caller compares one name on both engines.
/// SQLite names only the columns: `UNIQUE constraint failed: client.client_id`, or an index on an expression.
fn constraint(connection: Option<&Connection>, message: &str) -> String {
    let tail = message.rsplit("failed: ").next().unwrap_or_default();
    if let Some(index) = tail.strip_prefix("index '") {
        return String::from(index.trim_end_matches('\''));
    }
    let table = tail.split('.').next().unwrap_or_default();
    let columns: Vec<&str> =
        tail.split(", ").filter_map(|column| column.split_once('.').map(|(_, name)| name)).collect();
    match connection.and_then(|connection| index_of(connection, table, &columns.join(",")).ok()) {
        Some((name, origin)) if origin == "c" => name,
        Some((_, origin)) if origin == "u" => format!("{table}_{}_key", columns.join("_")),
        _ => format!("{table}_pkey"),
    }
}

fn index_of(connection: &Connection, table: &str, columns: &str) -> rusqlite::Result<(String, String)> {
    connection.query_row(
        "SELECT name, origin FROM pragma_index_list(?1) AS list WHERE \"unique\" = 1 AND ?2 =
         (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(list.name) ORDER BY seqno))",
        [table, columns],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
