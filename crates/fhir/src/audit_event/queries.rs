//! The SQL of rows.

use kernel::{EventRow, Id};
use store::{Composed, DbError, Reader, Writer, binds};

use super::Row;
use crate::tenant::Tenant;

macro_rules! rows {
    ($rest:literal) => {
        concat!(
            "SELECT a.id AS id, a.did AS did, a.status AS status, a.first AS first, a.last AS last, a.named AS named, ",
            "a.asked AS asked, a.patients AS patients, a.request AS request, g.said AS said ",
            "FROM fhir_audit a JOIN fhir_agent g ON g.tenant = a.tenant AND g.agent = a.agent WHERE a.tenant = ",
            $rest
        )
    };
}

/// From one id to another, both in.
pub(super) type Between = (Id<EventRow>, Id<EventRow>);

/// One row.
pub(super) async fn one(
    reader: &mut Reader,
    tenant: &Tenant,
    id: Id<EventRow>,
) -> Result<Option<Row>, DbError> {
    reader.optional::<Row>(rows!("$1 AND a.id = $2"), binds![tenant.number(), id]).await
}

/// So many rows, the newest first.
pub(super) async fn newest(
    reader: &mut Reader,
    tenant: &Tenant,
    (from, to): Between,
    rows: i64,
) -> Result<Vec<Row>, DbError> {
    let sql = rows!("$1 AND a.id >= $2 AND a.id <= $3 ORDER BY a.id DESC LIMIT $4");
    reader.all::<Row>(sql, binds![tenant.number(), from, to, rows]).await
}

/// So many rows up to an id, the oldest first.
pub(super) async fn oldest(
    reader: &mut Reader,
    tenant: &Tenant,
    to: Id<EventRow>,
    rows: i64,
) -> Result<Vec<Row>, DbError> {
    let sql = rows!("$1 AND a.id <= $2 ORDER BY a.id LIMIT $3");
    reader.all::<Row>(sql, binds![tenant.number(), to, rows]).await
}

/// A patient does not occur in a row any more.
pub(super) async fn forget_patient(
    tx: &mut Writer,
    tenant: &Tenant,
    target: i64,
    id: Id<EventRow>,
) -> Result<(), DbError> {
    let sql = "DELETE FROM fhir_audit_patient WHERE tenant = $1 AND target = $2 AND id = $3";
    tx.execute(sql, binds![tenant.number(), target, id]).await.map(|_| ())
}

/// A row is gone.
pub(super) async fn forget(tx: &mut Writer, tenant: &Tenant, id: Id<EventRow>) -> Result<(), DbError> {
    let sql = "DELETE FROM fhir_audit WHERE tenant = $1 AND id = $2";
    tx.execute(sql, binds![tenant.number(), id]).await.map(|_| ())
}

/// The same of those in which one of these patients occurs.
pub(super) async fn newest_of(
    reader: &mut Reader,
    tenant: &Tenant,
    targets: &[i64],
    ((from, to), rows): (Between, i64),
) -> Result<Vec<Row>, DbError> {
    let sql = "SELECT p.id AS id FROM fhir_audit_patient p WHERE p.tenant = $1 AND p.target = $2 AND p.id >= $3 \
               AND p.id <= $4 ORDER BY p.id DESC LIMIT $5";
    let mut ids = Vec::new();
    for target in targets {
        let values = binds![tenant.number(), *target, from, to, rows];
        ids.extend(reader.all::<(Id<EventRow>,)>(sql, values).await?.into_iter().map(|(id,)| id));
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    ids.truncate(usize::try_from(rows).unwrap_or(0));
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Composed::new(rows!(""));
    statement.bind(&tenant.number()).text(" AND a.id IN (");
    for (nth, id) in ids.iter().enumerate() {
        statement.text(if nth == 0 { "" } else { ", " }).bind(id);
    }
    statement.text(") ORDER BY a.id DESC");
    reader.all_composed::<Row>(&statement).await
}
