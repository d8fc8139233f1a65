//! PostgreSQL's errors in our words. The server's messages and details may quote values, so what is passed on is the code,
//! the names of constraints, and the message only for faults of the statement's own text.

use std::error::Error as _;

use tokio_postgres::{Error, error::SqlState};

use crate::DbError;

/// Whether a unit that met this should be run again from the start.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// Whether a prepared statement no longer fits the schema, or is gone: prepared anew it will do.
pub(super) fn is_stale(error: &Error) -> bool {
    let plan_changed = error.as_db_error().is_some_and(|fault| {
        *fault.code() == SqlState::FEATURE_NOT_SUPPORTED && fault.message().contains("cached plan")
    });
    plan_changed || error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME)
}

pub(super) fn cannot_connect(error: &Error) -> DbError {
    match error.code() {
        Some(code) => {
            DbError::unavailable(format!("the server refused the connection (SQLSTATE {})", code.code()))
        }
        None => {
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            DbError::unavailable(format!("{error}{source}"))
        }
    }
}

/// The fault behind an error of this statement.
pub(super) fn fault(error: &Error, sql: &str) -> DbError {
    let sql = || Box::<str>::from(sql);
    let Some(fault) = error.as_db_error() else {
        return match error.source().and_then(|source| source.downcast_ref::<super::session::Unfit>()) {
            Some(unfit) => DbError::Bind { why: Box::from(unfit.0), sql: sql() },
            None if error.is_closed()
                || error.source().is_some_and(|source| source.is::<std::io::Error>()) =>
            {
                DbError::unavailable("the connection to PostgreSQL is lost")
            }
            // What remains is a wrong number of binds or a broken protocol; the text names neither values nor secrets.
            None => DbError::Bind { why: error.to_string().into_boxed_str(), sql: sql() },
        };
    };
    let constraint = || Box::<str>::from(fault.constraint().or(fault.column()).unwrap_or("unnamed"));
    let code = fault.code();
    let state = || format!("SQLSTATE {}", code.code());
    match code.code() {
        "23505" => DbError::Unique { constraint: constraint() },
        "23503" => DbError::Foreign { sql: sql() },
        text if text.starts_with("23") => DbError::Check { constraint: constraint(), sql: sql() },
        "40001" | "40P01" => DbError::Conflict,
        "57014" => DbError::Timeout { limit: "statement_max" },
        // A trigger's RAISE EXCEPTION: the words are ours.
        "P0001" => DbError::Refused { why: Box::from(fault.message()) },
        "XX001" | "XX002" => DbError::Corrupt { why: state().into_boxed_str() },
        text if is_outage(text) => DbError::unavailable(state()),
        // Syntax and names: the message quotes the statement's text and nothing else.
        text if text.starts_with("42") => DbError::Statement {
            why: format!("{} ({})", fault.message(), state()).into_boxed_str(),
            sql: sql(),
        },
        _ => DbError::Statement { why: state().into_boxed_str(), sql: sql() },
    }
}

/// Lost connections (08), a server that starts, stops or is full (53, 57P), one that may only read (25006), failing disks (58).
fn is_outage(code: &str) -> bool {
    ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) || code == "25006"
}
