//! The SQL of jobs in bulk, their files and the pieces of these.

use kernel::{BulkJob, Client, Id, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use store::{DbError, Json, Reader, Writer, binds};

use super::{
    chunk::Chunk,
    held::Held,
    row::{File, Job, Kind, State},
};
use crate::resource::Rid;

/// A job by its site and its id.
pub(super) type Key = (i64, Id<BulkJob>);

/// A job that begins.
#[derive(Clone)]
pub(super) struct New<Asked> {
    pub key: Key,
    pub kind: Kind,
    pub asked: Asked,
    pub held: Held,
    pub request: String,
    pub horizon: Rid,
    pub taken_at: Timestamp,
    pub now: Timestamp,
}

pub(super) async fn insert<Asked: Serialize>(tx: &mut Writer, new: New<Asked>) -> Result<(), DbError> {
    let expires_at = new.now + super::BULK_JOB_LIFE;
    tx.execute(
        "INSERT INTO fhir_bulk (tenant, id, kind, state, client_id, person_id, asked, held, request, first, place, horizon, \
         resources, packed_bytes, why, taken_at, changed_at, expires_at) \
         VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, 0, 0, $9, 0, 0, NULL, $10, $11, $12)",
        binds![
            new.key.0,
            new.key.1,
            new.kind.as_str(),
            new.held.client,
            new.held.person,
            Json(new.asked),
            Json(new.held),
            new.request,
            new.horizon.number(),
            new.taken_at,
            new.now,
            expires_at
        ],
    )
    .await
    .map(|_| ())
}

/// The newest place of a site and the moment whose state it is: later than all that is there, and earlier than all that is written
/// from now on, as the site's clock goes on by two milliseconds.
pub(super) async fn now_of(
    tx: &mut Writer,
    tenant: i64,
    now: Timestamp,
) -> Result<(Rid, Timestamp), DbError> {
    const MILLISECOND_US: i64 = 1_000;
    let millis = now.as_micros().div_euclid(MILLISECOND_US) * MILLISECOND_US;
    let sql = "UPDATE fhir_clock SET at = (CASE WHEN at > $2 THEN at ELSE $2 END) + 2000 WHERE tenant = $1 RETURNING rid, at";
    let (rid, at) = tx.one::<(i64, i64)>(sql, binds![tenant, millis]).await?;
    Ok((Rid::numbered(rid), Timestamp::from_micros(at - MILLISECOND_US)))
}

pub(super) async fn running(tx: &mut Reader, tenant: i64, client: Id<Client>) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM fhir_bulk WHERE tenant = $1 AND client_id = $2 AND state = 'running'";
    Ok(tx.one::<(i64,)>(sql, binds![tenant, client]).await?.0)
}

pub(super) async fn job<Asked: DeserializeOwned>(
    reader: &mut Reader,
    kind: Option<Kind>,
    (tenant, id): Key,
) -> Result<Option<Job<Asked>>, DbError> {
    let sql = "SELECT tenant, id, kind, state, client_id, person_id, asked, held, request, first, place, horizon, resources, \
               packed_bytes, why, taken_at, expires_at FROM fhir_bulk WHERE tenant = $1 AND id = $2 AND kind = COALESCE($3, kind)";
    reader.optional(sql, binds![tenant, id, kind.map(Kind::as_str)]).await
}

/// How far a step came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub from: Rid,
    pub to: Rid,
    pub resources: i64,
    pub packed_bytes: i64,
}

/// The step is done; false if it was done before, or the job is not under way any more.
pub(super) async fn advance(
    tx: &mut Writer,
    (tenant, id): Key,
    step: Progress,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_bulk SET place = $4, resources = resources + $5, packed_bytes = packed_bytes + $6, changed_at = $7 \
               WHERE tenant = $1 AND id = $2 AND state = 'running' AND place = $3";
    let (from, to) = (step.from.number(), step.to.number());
    let values = binds![tenant, id, from, to, step.resources, step.packed_bytes, now];
    Ok(tx.execute(sql, values).await? == 1)
}

/// Where the walk begins, once that is known.
pub(super) async fn begin_at(tx: &mut Writer, (tenant, id): Key, first: Rid) -> Result<(), DbError> {
    let sql =
        "UPDATE fhir_bulk SET first = $3, place = $3 WHERE tenant = $1 AND id = $2 AND state = 'running'";
    tx.execute(sql, binds![tenant, id, first.number()]).await.map(|_| ())
}

/// The job is not under way any more; false if it was not before.
pub(super) async fn settle(
    tx: &mut Writer,
    (tenant, id): Key,
    (state, why): (State, Option<&str>),
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_bulk SET state = $3, why = $4, changed_at = $5, expires_at = $6 \
               WHERE tenant = $1 AND id = $2 AND state = 'running'";
    Ok(tx.execute(sql, binds![tenant, id, state.as_str(), why, now, expires_at]).await? == 1)
}

/// Its caller has done with it.
pub(super) async fn end(tx: &mut Writer, (tenant, id): Key, now: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE fhir_bulk SET state = 'ended', changed_at = $3, expires_at = $3 \
               WHERE tenant = $1 AND id = $2 AND state <> 'ended' AND expires_at > $3";
    Ok(tx.execute(sql, binds![tenant, id, now]).await? == 1)
}

pub(super) async fn files(reader: &mut Reader, (tenant, id): Key) -> Result<Vec<File>, DbError> {
    let sql = "SELECT number, role, type, resources, bytes, source FROM fhir_bulk_file WHERE tenant = $1 AND job = $2 ORDER BY number";
    reader.all(sql, binds![tenant, id]).await
}

pub(super) async fn file(
    reader: &mut Reader,
    (tenant, id): Key,
    number: i64,
) -> Result<Option<File>, DbError> {
    let sql = "SELECT number, role, type, resources, bytes, source FROM fhir_bulk_file WHERE tenant = $1 AND job = $2 AND number = $3";
    reader.optional(sql, binds![tenant, id, number]).await
}

pub(super) async fn put_file(tx: &mut Writer, (tenant, id): Key, file: &File) -> Result<(), DbError> {
    let sql = "INSERT INTO fhir_bulk_file (tenant, job, number, role, type, resources, bytes, source) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
               ON CONFLICT (tenant, job, number) DO UPDATE SET resources = excluded.resources, bytes = excluded.bytes";
    let values = binds![
        tenant,
        id,
        file.number,
        file.role.as_str(),
        file.of.as_str(),
        file.resources,
        file.bytes,
        file.source
    ];
    tx.execute(sql, values).await.map(|_| ())
}

pub(super) async fn add_chunk(
    tx: &mut Writer,
    (tenant, id): Key,
    (file, starts): (i64, i64),
    chunk: &Chunk,
) -> Result<(), DbError> {
    let sql = "INSERT INTO fhir_bulk_chunk (tenant, job, file, starts, bytes, body) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, binds![tenant, id, file, starts, chunk.bytes, chunk.body.as_slice()]).await.map(|_| ())
}

/// The piece that has the byte at this place: where it starts, how many bytes it is, and what is kept of it.
pub(super) async fn chunk_at(
    reader: &mut Reader,
    (tenant, id): Key,
    (file, at): (i64, i64),
) -> Result<Option<(i64, i64, Vec<u8>)>, DbError> {
    let sql = "SELECT starts, bytes, body FROM fhir_bulk_chunk WHERE tenant = $1 AND job = $2 AND file = $3 AND starts <= $4 \
               ORDER BY starts DESC LIMIT 1";
    reader.optional(sql, binds![tenant, id, file, at]).await
}

/// Jobs whose time is up, a few.
pub(super) async fn expired(reader: &mut Reader, now: Timestamp, rows: i64) -> Result<Vec<Key>, DbError> {
    let sql = "SELECT tenant, id FROM fhir_bulk WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
    reader.all(sql, binds![now, rows]).await
}

/// Takes a few pieces of a job that is over away; how many.
pub(super) async fn clear_chunks(tx: &mut Writer, (tenant, id): Key, rows: i64) -> Result<u64, DbError> {
    let sql = "DELETE FROM fhir_bulk_chunk WHERE tenant = $1 AND job = $2 AND (file, starts) IN \
               (SELECT file, starts FROM fhir_bulk_chunk WHERE tenant = $1 AND job = $2 LIMIT $3)";
    tx.execute(sql, binds![tenant, id, rows]).await
}

/// Takes the rest of it away, if its time is up.
pub(super) async fn clear(tx: &mut Writer, (tenant, id): Key, now: Timestamp) -> Result<bool, DbError> {
    let sql = "DELETE FROM fhir_bulk WHERE tenant = $1 AND id = $2 AND expires_at <= $3";
    if tx.execute(sql, binds![tenant, id, now]).await? == 0 {
        return Ok(false);
    }
    let sql = "DELETE FROM fhir_bulk_file WHERE tenant = $1 AND job = $2";
    tx.execute(sql, binds![tenant, id]).await?;
    let sql = "DELETE FROM fhir_bulk_source WHERE tenant = $1 AND job = $2";
    tx.execute(sql, binds![tenant, id]).await?;
    let sql = "DELETE FROM fhir_bulk_import WHERE tenant = $1 AND job = $2";
    tx.execute(sql, binds![tenant, id]).await?;
    Ok(true)
}
