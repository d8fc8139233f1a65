//! A deployment with many clients and grants: copies of one that was made in earnest, written into the database directly.

use std::path::Path;

use rusqlite::Connection as Database;

use crate::server::CLIENT_ID;

/// Copy the client and its grant until there are so many.
pub fn fill(file: &Path, clients: u32, grants: u32) {
    let database = Database::open(file).unwrap();
    database.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;").unwrap();
    let counted = |copies: u32| {
        format!("WITH RECURSIVE n(nth) AS (SELECT 1 UNION ALL SELECT nth + 1 FROM n WHERE nth < {copies})")
    };
    copy(
        &database,
        "client",
        &counted(clients),
        &[
            ("id", "randomblob(16)"),
            ("client_id", "printf('%032d.bulk%d', n.nth, n.nth)"),
            ("suffix", "printf('bulk%d', n.nth)"),
        ],
        &format!("one.client_id = '{CLIENT_ID}'"),
    );
    copy(
        &database,
        "client_secret",
        "WITH n(nth) AS (SELECT id FROM client WHERE suffix LIKE 'bulk%')",
        &[("id", "randomblob(16)"), ("client_id", "n.nth"), ("digest", "randomblob(32)")],
        "TRUE",
    );
    copy(
        &database,
        "authorization_grant",
        &counted(grants),
        &[("id", "randomblob(16)")],
        "one.revoked_at IS NULL",
    );
    for (table, least) in [("client", clients), ("client_secret", clients), ("authorization_grant", grants)] {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let rows: u32 = database.query_row(&count, [], |row| row.get(0)).unwrap();
        assert!(rows >= least, "{rows} rows of {table}");
    }
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
}

/// A copy of the first row that fits for each row of `n`, with other values where two rows must differ.
fn copy(database: &Database, table: &str, n: &str, other: &[(&str, &str)], fits: &str) {
    let mut statement = database.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let value = |name: &String| {
        let other = other.iter().find(|(column, _)| column == name);
        other.map_or_else(|| format!("one.{name}"), |(_, value)| (*value).to_owned())
    };
    let values: Vec<String> = names.iter().map(value).collect();
    let sql = format!(
        "{n} INSERT INTO {table} ({}) SELECT {} FROM n, (SELECT * FROM {table} AS one WHERE {fits} LIMIT 1) AS one",
        names.join(", "),
        values.join(", ")
    );
    database.execute(&sql, []).unwrap();
}
