//! SQL of parameters and of how far they are.

use kernel::Timestamp;
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use crate::{
    key,
    parameter::{Added, Definition, ParameterId, ResourceType, Standing},
    resource::Rid,
    tenant::Tenant,
};

/// A parameter that a site has or had.
pub(super) struct Kept {
    pub number: i64,
    pub package: String,
    pub definition: Definition,
    pub standing: Standing,
}

impl FromRow for Kept {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let (definition, state): (String, String) = (row.get("definition")?, row.get("state")?);
        let damaged = |_| DbError::Corrupt { why: "a search parameter cannot be read".into() };
        Ok(Self {
            number: row.get("number")?,
            package: row.get("package")?,
            definition: serde_json::from_str(&definition).map_err(damaged)?,
            standing: match state.as_str() {
                "ready" => Standing::Ready,
                "building" => Standing::Building,
                _ => Standing::Leaving,
            },
        })
    }
}

/// Those that have rows, in the order of their numbers.
pub(super) async fn kept(reader: &mut Reader, tenant: i64) -> Result<Vec<Kept>, DbError> {
    let sql = "SELECT number, package, definition, state FROM fhir_parameter \
               WHERE tenant = $1 AND state <> 'gone' ORDER BY number";
    reader.all(sql, binds![tenant]).await
}

/// How often the parameters of a site were changed.
pub(crate) async fn generation(reader: &mut Reader, tenant: i64) -> Result<i64, DbError> {
    let sql = "SELECT parameters FROM fhir_clock WHERE tenant = $1";
    Ok(reader.optional::<(i64,)>(sql, binds![tenant]).await?.map_or(0, |(generation,)| generation))
}

/// What a site has beside R4's, and how often that was changed: one statement, so that both are of one moment.
pub(crate) async fn added(reader: &mut Reader, tenant: i64) -> Result<Added, DbError> {
    let sql = "SELECT c.parameters, p.number, p.package, p.definition, p.state FROM fhir_clock c \
               LEFT JOIN fhir_parameter p ON p.tenant = c.tenant AND p.state <> 'gone' \
               WHERE c.tenant = $1 ORDER BY p.number";
    let rows: Vec<AddedRow> = reader.all(sql, binds![tenant]).await?;
    let generation = rows.first().map_or(0, |row| row.generation);
    let all = rows.into_iter().filter_map(|row| row.kept).filter_map(|kept| {
        Some((ParameterId(u16::try_from(kept.number).ok()?), kept.definition, kept.standing))
    });
    Ok(Added::new(generation, all.collect()))
}

struct AddedRow {
    generation: i64,
    kept: Option<Kept>,
}

impl FromRow for AddedRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let number: Option<i64> = row.get("number")?;
        let kept = number.map(|_| Kept::from_row(row)).transpose()?;
        Ok(Self { generation: row.get("parameters")?, kept })
    }
}

/// Say that the parameters change; which change that is, and up to which place they were others.
pub(super) async fn change(tx: &mut Writer, tenant: i64) -> Result<(i64, Rid), DbError> {
    let sql = "UPDATE fhir_clock SET parameters = parameters + 1 WHERE tenant = $1 RETURNING parameters, rid";
    let (generation, rid) = tx.one::<(i64, i64)>(sql, binds![tenant]).await?;
    Ok((generation, Rid::numbered(rid)))
}

pub(super) async fn newest_number(tx: &mut Writer, tenant: i64) -> Result<i64, DbError> {
    let sql = "SELECT COALESCE(MAX(number), $2) FROM fhir_parameter WHERE tenant = $1";
    let before = i64::from(ParameterId::ADDED_MIN) - 1;
    Ok(tx.one::<(i64,)>(sql, binds![tenant, before]).await?.0)
}

pub(super) async fn add(
    tx: &mut Writer,
    (tenant, number): (i64, i64),
    (package, definition): (&str, &Definition),
    state: &'static str,
) -> Result<(), DbError> {
    let text = serde_json::to_string(definition)
        .map_err(|_| DbError::Corrupt { why: "a search parameter cannot be written".into() })?;
    let sql =
        "INSERT INTO fhir_parameter (tenant, number, package, definition, state) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, binds![tenant, number, package, text, state]).await.map(drop)
}

pub(super) async fn turn(
    tx: &mut Writer,
    (tenant, number): (i64, i64),
    state: &'static str,
) -> Result<(), DbError> {
    let sql = "UPDATE fhir_parameter SET state = $3 WHERE tenant = $1 AND number = $2";
    tx.execute(sql, binds![tenant, number, state]).await.map(drop)
}

/// Begin from the first record on.
pub(super) async fn begin(
    tx: &mut Writer,
    (tenant, generation): (i64, i64),
    horizon: Rid,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO fhir_reindex (tenant, generation, state, type, place, horizon, looked, begun_at, changed_at) \
               VALUES ($1, $2, 'running', 0, -1, $3, 0, $4, $4) \
               ON CONFLICT (tenant) DO UPDATE SET generation = excluded.generation, state = excluded.state, \
               type = excluded.type, place = excluded.place, horizon = excluded.horizon, looked = excluded.looked, \
               begun_at = excluded.begun_at, changed_at = excluded.changed_at";
    tx.execute(sql, binds![tenant, generation, horizon.number(), now]).await.map(drop)
}

/// How far the work is.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub generation: i64,
    pub is_running: bool,
    pub of: i64,
    pub place: i64,
    pub horizon: i64,
    pub looked: i64,
    pub begun_at: Timestamp,
    pub changed_at: Timestamp,
}

impl FromRow for Way {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let state: String = row.get("state")?;
        Ok(Self {
            generation: row.get("generation")?,
            is_running: state == "running",
            of: row.get("type")?,
            place: row.get("place")?,
            horizon: row.get("horizon")?,
            looked: row.get("looked")?,
            begun_at: row.get("begun_at")?,
            changed_at: row.get("changed_at")?,
        })
    }
}

pub(super) async fn way(reader: &mut Reader, tenant: i64) -> Result<Option<Way>, DbError> {
    let sql = "SELECT generation, state, type, place, horizon, looked, begun_at, changed_at FROM fhir_reindex \
               WHERE tenant = $1";
    reader.optional(sql, binds![tenant]).await
}

/// Where work is under way: which change it is of.
pub(super) async fn running(reader: &mut Reader, rows: i64) -> Result<Vec<(i64, i64)>, DbError> {
    let sql = "SELECT tenant, generation FROM fhir_reindex WHERE state = 'running' ORDER BY tenant LIMIT $1";
    reader.all(sql, binds![rows]).await
}

/// The next places of a type's records behind one, up to the last that is asked.
pub(super) async fn places(
    reader: &mut Reader,
    tenant: &Tenant,
    of: ResourceType,
    (place, horizon, rows): (i64, i64, i64),
) -> Result<Vec<Rid>, DbError> {
    let sql = "SELECT rid FROM fhir_posting WHERE tenant = $1 AND k = $2 AND rid > $3 AND rid <= $4 ORDER BY rid LIMIT $5";
    let values = binds![tenant.number(), key::of_type(of), place, horizon, rows];
    let found = reader.all::<(i64,)>(sql, values).await?;
    Ok(found.into_iter().map(|(place,)| Rid::numbered(place)).collect())
}

pub(super) async fn went(
    tx: &mut Writer,
    tenant: i64,
    (of, place, looked): (i64, i64, i64),
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE fhir_reindex SET type = $2, place = $3, looked = looked + $4, changed_at = $5 WHERE tenant = $1";
    tx.execute(sql, binds![tenant, of, place, looked, now]).await.map(drop)
}

/// All records were looked at: what was built may be asked for, what was leaving is gone.
pub(super) async fn finish(tx: &mut Writer, tenant: i64, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE fhir_parameter SET state = CASE state WHEN 'building' THEN 'ready' ELSE 'gone' END \
               WHERE tenant = $1 AND state IN ('building', 'leaving')";
    tx.execute(sql, binds![tenant]).await?;
    let sql = "UPDATE fhir_reindex SET state = 'done', changed_at = $2 WHERE tenant = $1";
    tx.execute(sql, binds![tenant, now]).await.map(drop)
}

/// Sites behind one, with their packages as they are kept.
pub(super) async fn sites(
    reader: &mut Reader,
    (behind, rows): (i64, i64),
) -> Result<Vec<(i64, Option<String>)>, DbError> {
    let sql = "SELECT s.tenant, p.packages FROM fhir_site s LEFT JOIN fhir_site_policy p ON p.tenant = s.tenant \
               WHERE s.tenant > $1 ORDER BY s.tenant LIMIT $2";
    reader.all(sql, binds![behind, rows]).await
}
