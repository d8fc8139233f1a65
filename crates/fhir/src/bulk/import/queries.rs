//! The SQL of how many lines became what.

use store::{DbError, Reader, Writer, binds};

use crate::bulk::queries::Key;

/// What became of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::bulk) struct Counts {
    pub stored: i64,
    pub unchanged: i64,
    pub refused: i64,
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
