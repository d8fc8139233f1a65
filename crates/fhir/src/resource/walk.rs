//! A site's records as they were at one place: walked in the order of commits, so that a walk may stop and go on anywhere.
//!
//! Whether a version was the newest of its record at a place never changes: what comes later has a greater one.

use kernel::Timestamp;
use store::{DbError, FromRow, Reader, Row, binds};

use super::{
    Rid, Version,
    queries::{at_places, numbered},
};
use crate::{parameter::ResourceType, tenant::Tenant};

/// A version whose body has not been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub rid: Rid,
    pub resource_type: ResourceType,
    pub at: Timestamp,
    /// Of its body, as it is kept.
    pub bytes: i64,
}

impl FromRow for Head {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let unknown =
            || DbError::Column { column: "type".into(), why: "a type that R4 does not have".into() };
        Ok(Self {
            rid: Rid(row.get("rid")?),
            resource_type: ResourceType::numbered(row.get("type")?).ok_or_else(unknown)?,
            at: row.get("at")?,
            bytes: row.get::<Option<i64>>("bytes")?.unwrap_or(0),
        })
    }
}

/// The versions behind `from` and up to `to` that were the newest of their records at `horizon`, in order. It looks at as many versions
/// as lie between the two.
pub(crate) async fn newest_of(
    reader: &mut Reader,
    tenant: &Tenant,
    (from, to): (Rid, Rid),
    horizon: Rid,
) -> Result<Vec<Head>, DbError> {
    let sql = "SELECT v.rid AS rid, v.type AS type, v.at AS at, LENGTH(v.body) AS bytes FROM fhir_version v \
               WHERE v.tenant = $1 AND v.rid > $2 AND v.rid <= $3 \
               AND NOT EXISTS (SELECT 1 FROM fhir_current c WHERE c.tenant = $1 AND c.type = v.type AND c.id = v.id \
                 AND c.rid > v.rid AND c.rid <= $4) \
               AND NOT EXISTS (SELECT 1 FROM fhir_history h WHERE h.tenant = $1 AND h.type = v.type AND h.id = v.id \
                 AND h.version > v.version AND h.rid <= $4) \
               ORDER BY v.rid";
    reader.all(sql, binds![tenant.number(), from.0, to.0, horizon.0]).await
}

/// The versions at these places, in order.
pub(crate) async fn versions(
    reader: &mut Reader,
    tenant: &Tenant,
    places: &[Rid],
) -> Result<Vec<Version>, DbError> {
    let mut versions = at_places(reader, tenant, places).await?;
    versions.sort_by_key(|version| version.rid);
    Ok(versions)
}

/// The version before this one.
pub(crate) async fn before(
    reader: &mut Reader,
    tenant: &Tenant,
    version: &Version,
) -> Result<Option<Version>, DbError> {
    let number = version.version.saturating_sub(1);
    numbered(reader, tenant, (version.resource_type, &version.id), number).await
}

/// The last place, up to `horizon`, of a version that is not later than this: places are in order of time, so it is found by halving.
pub(crate) async fn last_until(
    reader: &mut Reader,
    tenant: &Tenant,
    at: Timestamp,
    horizon: Rid,
) -> Result<Rid, DbError> {
    let sql =
        "SELECT v.rid, v.at FROM fhir_version v WHERE v.tenant = $1 AND v.rid >= $2 ORDER BY v.rid LIMIT 1";
    let (mut low, mut high) = (0, horizon.0);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let found: Option<(i64, Timestamp)> = reader.optional(sql, binds![tenant.number(), middle]).await?;
        match found {
            Some((rid, then)) if rid <= horizon.0 && then <= at => low = rid.max(middle),
            _ => high = middle - 1,
        }
    }
    Ok(Rid(low))
}
