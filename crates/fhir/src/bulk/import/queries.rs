//! The SQL of lines on their way in, of files that are fetched, and of how many lines became what.

use kernel::{Client, Id, Timestamp};
use serde_json::{Value, json};
use store::{DbError, FromRow, Reader, Row, Writer, binds};
use vault::Sealed;

use crate::bulk::queries::Key;

/// What became of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::bulk) struct Counts {
    pub stored: i64,
    pub unchanged: i64,
    pub refused: i64,
}

impl Counts {
    /// As a manifest and the audit trail say it.
    pub fn told(self) -> Value {
        json!({"stored": self.stored, "unchanged": self.unchanged, "refused": self.refused})
    }
}

pub(in crate::bulk) async fn counts(reader: &mut Reader, (tenant, id): Key) -> Result<Counts, DbError> {
    let sql = "SELECT stored, unchanged, refused FROM fhir_bulk_import WHERE tenant = $1 AND job = $2";
    let found: Option<(i64, i64, i64)> = reader.optional(sql, binds![tenant, id]).await?;
    Ok(found.map_or_else(Counts::default, |(stored, unchanged, refused)| Counts {
        stored,
        unchanged,
        refused,
    }))
}

pub(super) async fn count(tx: &mut Writer, (tenant, id): Key, more: Counts) -> Result<(), DbError> {
    let sql = "INSERT INTO fhir_bulk_import (tenant, job, stored, unchanged, refused) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (tenant, job) DO UPDATE SET stored = fhir_bulk_import.stored + excluded.stored, \
               unchanged = fhir_bulk_import.unchanged + excluded.unchanged, refused = fhir_bulk_import.refused + excluded.refused";
    tx.execute(sql, binds![tenant, id, more.stored, more.unchanged, more.refused]).await.map(|_| ())
}

/// Lines of a client that are on their way.
pub(super) async fn sending(reader: &mut Reader, tenant: i64, client: Id<Client>) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM fhir_bulk_upload WHERE tenant = $1 AND client_id = $2";
    Ok(reader.one::<(i64,)>(sql, binds![tenant, client]).await?.0)
}

pub(super) async fn open(
    tx: &mut Writer,
    (tenant, id): Key,
    client: Id<Client>,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql =
        "INSERT INTO fhir_bulk_upload (tenant, id, client_id, bytes, changed_at) VALUES ($1, $2, $3, 0, $4)";
    tx.execute(sql, binds![tenant, id, client, now]).await.map(|_| ())
}

/// More has come; false if it was forgotten meanwhile.
pub(super) async fn grow(
    tx: &mut Writer,
    (tenant, id): Key,
    (from, to): (i64, i64),
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_bulk_upload SET bytes = $4, changed_at = $5 WHERE tenant = $1 AND id = $2 AND bytes = $3";
    Ok(tx.execute(sql, binds![tenant, id, from, to, now]).await? == 1)
}

/// It is not on its way any more; false if it was not.
pub(super) async fn close(tx: &mut Writer, (tenant, id): Key) -> Result<bool, DbError> {
    let sql = "DELETE FROM fhir_bulk_upload WHERE tenant = $1 AND id = $2";
    Ok(tx.execute(sql, binds![tenant, id]).await? == 1)
}

pub(super) async fn unchanged_since(
    reader: &mut Reader,
    before: Timestamp,
    rows: i64,
) -> Result<Vec<Key>, DbError> {
    let sql = "SELECT tenant, id FROM fhir_bulk_upload WHERE changed_at <= $1 ORDER BY changed_at LIMIT $2";
    reader.all(sql, binds![before, rows]).await
}

/// How a file stands that is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bulk) enum SourceState {
    /// Not all of it is written yet.
    Waiting,
    /// All of it is written or refused.
    Done,
    /// It could not be had.
    Failed,
}

impl SourceState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A file that is fetched.
#[derive(Debug, Clone)]
pub(in crate::bulk) struct Source {
    pub number: i64,
    pub of: String,
    pub url: Sealed,
    pub state: SourceState,
    pub etag: Option<String>,
    pub is_packed: i64,
    /// How many bytes and lines of it are written or refused.
    pub bytes: i64,
    pub lines: i64,
    /// Records that are there because of it.
    pub written: i64,
}

impl FromRow for Source {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let state: String = row.get("state")?;
        let all = [SourceState::Waiting, SourceState::Done, SourceState::Failed];
        let unknown = || DbError::Column { column: "state".into(), why: "not a state".into() };
        Ok(Self {
            number: row.get("number")?,
            of: row.get("type")?,
            url: row.get("url")?,
            state: all.into_iter().find(|one| one.as_str() == state).ok_or_else(unknown)?,
            etag: row.get("etag")?,
            is_packed: row.get("is_packed")?,
            bytes: row.get("bytes")?,
            lines: row.get("lines")?,
            written: row.get("written")?,
        })
    }
}

pub(super) async fn add_source(
    tx: &mut Writer,
    (tenant, id): Key,
    (number, of, url): (i64, &str, &Sealed),
) -> Result<(), DbError> {
    let sql = "INSERT INTO fhir_bulk_source (tenant, job, number, type, url, state, etag, is_packed, bytes, lines, written) \
               VALUES ($1, $2, $3, $4, $5, 'waiting', NULL, 0, 0, 0, 0)";
    tx.execute(sql, binds![tenant, id, number, of, url]).await.map(|_| ())
}

pub(in crate::bulk) async fn sources(reader: &mut Reader, (tenant, id): Key) -> Result<Vec<Source>, DbError> {
    let sql = "SELECT number, type, url, state, etag, is_packed, bytes, lines, written FROM fhir_bulk_source \
               WHERE tenant = $1 AND job = $2 ORDER BY number";
    reader.all(sql, binds![tenant, id]).await
}

/// The first file that is not through.
pub(super) async fn next_source(reader: &mut Reader, (tenant, id): Key) -> Result<Option<Source>, DbError> {
    let sql = "SELECT number, type, url, state, etag, is_packed, bytes, lines, written FROM fhir_bulk_source \
               WHERE tenant = $1 AND job = $2 AND state = 'waiting' ORDER BY number LIMIT 1";
    reader.optional(sql, binds![tenant, id]).await
}

/// What a piece of a file came to.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub from: i64,
    pub to: i64,
    pub lines: i64,
    pub written: i64,
    pub etag: Option<String>,
    pub is_packed: i64,
}

/// So much more of a file is written; false if it was before.
pub(super) async fn draw(
    tx: &mut Writer,
    (tenant, id): Key,
    number: i64,
    drawn: &Drawn,
) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_bulk_source SET bytes = $5, lines = lines + $6, written = written + $7, etag = $8, is_packed = $9 \
               WHERE tenant = $1 AND job = $2 AND number = $3 AND bytes = $4 AND state = 'waiting'";
    let values = binds![
        tenant,
        id,
        number,
        drawn.from,
        drawn.to,
        drawn.lines,
        drawn.written,
        drawn.etag.clone(),
        drawn.is_packed
    ];
    Ok(tx.execute(sql, values).await? == 1)
}

/// A file is through; false if it was before.
pub(super) async fn finish(
    tx: &mut Writer,
    (tenant, id): Key,
    number: i64,
    state: SourceState,
) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_bulk_source SET state = $4 WHERE tenant = $1 AND job = $2 AND number = $3 AND state = 'waiting'";
    Ok(tx.execute(sql, binds![tenant, id, number, state.as_str()]).await? == 1)
}

/// The hosts that imports of a site fetch from; none for all that may be called.
pub(super) async fn hosts(reader: &mut Reader, tenant: i64) -> Result<Option<Vec<String>>, DbError> {
    let sql = "SELECT hosts FROM fhir_import_hosts WHERE tenant = $1";
    let found: Option<(store::Json<Vec<String>>,)> = reader.optional(sql, binds![tenant]).await?;
    Ok(found.map(|(store::Json(hosts),)| hosts))
}

/// These hosts and no others; none for all that may be called.
pub(super) async fn replace_hosts(
    tx: &mut Writer,
    tenant: i64,
    hosts: Option<&[String]>,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute("DELETE FROM fhir_import_hosts WHERE tenant = $1", binds![tenant]).await?;
    if let Some(hosts) = hosts {
        let sql = "INSERT INTO fhir_import_hosts (tenant, hosts, changed_at) VALUES ($1, $2, $3)";
        tx.execute(sql, binds![tenant, store::Json(hosts.to_vec()), now]).await?;
    }
    Ok(())
}
