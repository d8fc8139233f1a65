//! The SQL of versions.

use kernel::Timestamp;
use store::{Composed, DbError, FromRow, Reader, Row, Writer, binds};

use super::{LogicalId, Method, Rid, Version, body::Packed};
use crate::{consent::Bound, parameter::ResourceType, search::LEADS_TO, tenant::Tenant};

macro_rules! version {
    ($rest:literal) => {
        concat!(
            "SELECT v.rid AS rid, v.type AS type, v.id AS id, v.version AS version, v.at AS at, v.method AS method, ",
            "v.codec AS codec, v.meta_at AS meta_at, v.body AS body FROM ",
            $rest
        )
    };
}

/// The same with whether there is a row like this one, by which a consent may be about it.
macro_rules! bound_version {
    ($consents:literal, $rest:literal) => {
        concat!(
            "SELECT v.rid AS rid, v.type AS type, v.id AS id, v.version AS version, v.at AS at, v.method AS method, ",
            "v.codec AS codec, v.meta_at AS meta_at, v.body AS body, CASE WHEN EXISTS (SELECT 1 FROM ",
            $consents,
            ") THEN 1 ELSE 0 END AS bound FROM ",
            $rest
        )
    };
}

/// A version as its row keeps it.
pub(crate) struct VersionRow(Version, Option<Packed>);

impl FromRow for VersionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let number: u16 = row.get("type")?;
        let unknown =
            || DbError::Column { column: "type".into(), why: "a type that R4 does not have".into() };
        let version = Version {
            rid: Rid(row.get("rid")?),
            resource_type: ResourceType::numbered(number).ok_or_else(unknown)?,
            id: row.get("id")?,
            version: row.get("version")?,
            at: row.get("at")?,
            method: Method::numbered(row.get("method")?),
            body: None,
            bound: Bound::Unasked,
        };
        let packed = match row.get::<Option<Vec<u8>>>("body")? {
            Some(bytes) => Some(Packed { codec: row.get("codec")?, meta_at: row.get("meta_at")?, bytes }),
            None => None,
        };
        Ok(Self(version, packed))
    }
}

impl VersionRow {
    /// Its place.
    pub(crate) const fn rid(&self) -> Rid {
        self.0.rid
    }

    /// The version with its body unpacked.
    pub(crate) fn unpack(self) -> Result<Version, DbError> {
        let Self(mut version, packed) = self;
        if let Some(packed) = packed {
            let body = packed.unpack(version.version, version.at);
            version.body = Some(body.map_err(|fault| DbError::Corrupt { why: fault.to_string().into() })?);
        }
        Ok(version)
    }
}

/// A version, and whether consents may be about it.
struct BoundRow(VersionRow);

impl FromRow for BoundRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let mut version = VersionRow::from_row(row)?;
        if row.get::<i64>("bound")? == 0 {
            version.0.bound = Bound::Free;
        }
        Ok(Self(version))
    }
}

pub(crate) fn unpack_all(rows: Vec<VersionRow>) -> Result<Vec<Version>, DbError> {
    rows.into_iter().map(VersionRow::unpack).collect()
}

pub(crate) async fn newest(
    reader: &mut Reader,
    tenant: &Tenant,
    resource_type: ResourceType,
    id: &LogicalId,
) -> Result<Option<Version>, DbError> {
    let sql = bound_version!(
        "fhir_consented x WHERE x.tenant = v.tenant AND x.rid = v.rid",
        "fhir_current c JOIN fhir_version v ON v.tenant = c.tenant AND v.rid = c.rid \
         WHERE c.tenant = $1 AND c.type = $2 AND c.id = $3"
    );
    let found = reader.optional::<BoundRow>(sql, binds![tenant.number(), resource_type.number(), id]).await?;
    found.map(|BoundRow(row)| row.unpack()).transpose()
}

pub(crate) async fn numbered(
    reader: &mut Reader,
    tenant: &Tenant,
    (resource_type, id): (ResourceType, &LogicalId),
    version: u32,
) -> Result<Option<Version>, DbError> {
    let sql = bound_version!(
        "fhir_consent_rule q WHERE q.tenant = v.tenant",
        "fhir_version v WHERE v.tenant = $1 AND v.rid = \
         (SELECT c.rid FROM fhir_current c WHERE c.tenant = $1 AND c.type = $2 AND c.id = $3 AND c.version = $4 \
         UNION ALL \
         SELECT h.rid FROM fhir_history h WHERE h.tenant = $1 AND h.type = $2 AND h.id = $3 AND h.version = $4)"
    );
    let values = binds![tenant.number(), resource_type.number(), id, version];
    reader.optional::<BoundRow>(sql, values).await?.map(|BoundRow(row)| row.unpack()).transpose()
}

/// The newest versions of these records of a type, in any order; of those that there are not, none.
pub(crate) async fn newest_of(
    reader: &mut Reader,
    tenant: &Tenant,
    resource_type: ResourceType,
    ids: &[LogicalId],
) -> Result<Vec<Version>, DbError> {
    let mut found = Vec::new();
    for ids in ids.chunks(RECORDS_OF_A_STATEMENT) {
        let mut statement = Composed::new(version!("(VALUES "));
        for (at, id) in ids.iter().enumerate() {
            statement.text(if at == 0 { "(" } else { ", (" }).bind(id).text(")");
        }
        statement.text(") AS found").each(LEADS_TO).text("fhir_version v WHERE v.tenant = ");
        statement
            .bind(&tenant.number())
            .text(" AND v.rid = (SELECT c.rid FROM fhir_current c WHERE c.tenant = ");
        statement.bind(&tenant.number()).text(" AND c.type = ").bind(&resource_type.number());
        statement.text(" AND c.id = found.column1)");
        statement.postgres(|sql| {
            sql.text(" OFFSET 0) AS v WHERE TRUE");
        });
        found.extend(unpack_all(reader.all_composed::<VersionRow>(&statement).await?)?);
    }
    Ok(found)
}

/// The newest versions of these records, of whatever types, in any order, each as [`newest`] has it; of those that there are not, none.
pub(crate) async fn newest_of_each(
    reader: &mut Reader,
    tenant: &Tenant,
    names: &[(ResourceType, &LogicalId)],
) -> Result<Vec<Version>, DbError> {
    let mut found = Vec::with_capacity(names.len());
    for names in names.chunks(RECORDS_OF_A_STATEMENT) {
        let mut statement = Composed::new(bound_version!(
            "fhir_consented x WHERE x.tenant = v.tenant AND x.rid = v.rid LIMIT 1 OFFSET 0",
            "(VALUES "
        ));
        for (at, (of, id)) in names.iter().enumerate() {
            statement.text(if at == 0 { "(" } else { ", (" }).bind(&of.number());
            statement.text(", ").bind(*id).text(")");
        }
        statement.text(") AS found").each(LEADS_TO).text("fhir_version v WHERE v.tenant = ");
        statement
            .bind(&tenant.number())
            .text(" AND v.rid = (SELECT c.rid FROM fhir_current c WHERE c.tenant = ");
        statement.bind(&tenant.number());
        statement.text(" AND c.type = found.column1 AND c.id = found.column2)");
        statement.postgres(|sql| {
            sql.text(" OFFSET 0) AS v WHERE TRUE");
        });
        for BoundRow(row) in reader.all_composed::<BoundRow>(&statement).await? {
            found.push(row.unpack()?);
        }
    }
    Ok(found)
}

/// Records that one statement looks up by their ids.
const RECORDS_OF_A_STATEMENT: usize = 500;

/// The versions at these places that are the newest of their records, in any order.
pub(crate) async fn versions_at(
    reader: &mut Reader,
    tenant: &Tenant,
    places: &[Rid],
) -> Result<Vec<Version>, DbError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Composed::new(version!("(VALUES "));
    listed(&mut statement, tenant, places);
    statement.text(
        " AND EXISTS (SELECT 1 FROM fhir_current c WHERE c.tenant = v.tenant AND c.type = v.type AND c.id = v.id \
         AND c.rid = v.rid LIMIT 1 OFFSET 0)",
    );
    unpack_all(reader.all_composed::<VersionRow>(&statement).await?)
}

/// The versions at these places, in any order, whether they are the newest or not.
pub(crate) async fn at_places(
    reader: &mut Reader,
    tenant: &Tenant,
    places: &[Rid],
) -> Result<Vec<Version>, DbError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = Composed::new(version!("(VALUES "));
    listed(&mut statement, tenant, places);
    unpack_all(reader.all_composed::<VersionRow>(&statement).await?)
}

/// The places, and the versions at them, each looked up by its key: PostgreSQL would rather read a whole site than a list in a table that
/// it has no statistics of.
fn listed(statement: &mut Composed, tenant: &Tenant, places: &[Rid]) {
    for (at, place) in places.iter().enumerate() {
        statement.text(if at == 0 { "(" } else { ", (" }).bind(&place.0).text(")");
    }
    statement.text(") AS found").each(LEADS_TO).text("fhir_version v WHERE v.tenant = ");
    statement.bind(&tenant.number()).text(" AND v.rid = found.column1");
    statement.postgres(|sql| {
        sql.text(" OFFSET 0) AS v WHERE TRUE");
    });
}

/// Which versions a page of a history is of.
pub(super) enum Scope<'a> {
    Record(ResourceType, &'a LogicalId),
    /// The postings of the newest versions of a type, and of those before and of deletions.
    Type(i64, i64),
    Site,
}

/// So many versions before one, newest first, that are not older than `since`.
pub(super) async fn before(
    reader: &mut Reader,
    tenant: &Tenant,
    scope: Scope<'_>,
    (before, since, rows): (Rid, Timestamp, i64),
) -> Result<Vec<Version>, DbError> {
    let tenant = tenant.number();
    let found = match scope {
        Scope::Record(resource_type, id) => {
            let sql = version!(
                "fhir_version v WHERE v.tenant = $1 AND v.rid < $4 AND v.at >= $5 AND v.rid IN \
                 (SELECT c.rid FROM fhir_current c WHERE c.tenant = $1 AND c.type = $2 AND c.id = $3 UNION ALL \
                 SELECT h.rid FROM fhir_history h WHERE h.tenant = $1 AND h.type = $2 AND h.id = $3) \
                 ORDER BY v.rid DESC LIMIT $6"
            );
            let values = binds![tenant, resource_type.number(), id, before.0, since, rows];
            reader.all::<VersionRow>(sql, values).await?
        }
        Scope::Type(newest, others) => {
            let sql = version!(
                "fhir_version v WHERE v.tenant = $1 AND v.at >= $5 AND v.rid IN \
                 (SELECT rid FROM (SELECT p.rid AS rid FROM fhir_posting p WHERE p.tenant = $1 AND p.k = $2 \
                 AND p.rid < $4 ORDER BY p.rid DESC LIMIT $6) AS newest UNION ALL \
                 SELECT rid FROM (SELECT p.rid AS rid FROM fhir_posting p WHERE p.tenant = $1 AND p.k = $3 \
                 AND p.rid < $4 ORDER BY p.rid DESC LIMIT $6) AS others) \
                 ORDER BY v.rid DESC LIMIT $6"
            );
            reader.all::<VersionRow>(sql, binds![tenant, newest, others, before.0, since, rows]).await?
        }
        Scope::Site => {
            let sql = version!(
                "fhir_version v WHERE v.tenant = $1 AND v.rid < $2 AND v.at >= $3 ORDER BY v.rid DESC LIMIT $4"
            );
            reader.all::<VersionRow>(sql, binds![tenant, before.0, since, rows]).await?
        }
    };
    unpack_all(found)
}

/// Draw the next places, and the moment that their versions have: neither goes back; whether the site has consents, and how often
/// its search parameters were changed.
pub(super) async fn draw(
    tx: &mut Writer,
    tenant: &Tenant,
    places: i64,
    now: Timestamp,
) -> Result<(Rid, Timestamp, bool, i64), DbError> {
    let sql = "UPDATE fhir_clock SET rid = rid + $2, at = CASE WHEN at > $3 THEN at ELSE $3 END \
               WHERE tenant = $1 RETURNING rid, at, parameters, CASE WHEN EXISTS (SELECT 1 FROM fhir_consent_rule \
               WHERE fhir_consent_rule.tenant = $1) THEN 1 ELSE 0 END AS has_consents";
    let millis = now.as_micros().div_euclid(1_000) * 1_000;
    let values = binds![tenant.number(), places, millis];
    let (last, at, parameters, has_consents) = tx.one::<(i64, Timestamp, i64, i64)>(sql, values).await?;
    Ok((Rid(last - places), at, has_consents != 0, parameters))
}

/// So many versions behind a place, the oldest first: the feed of a site.
pub(crate) async fn behind(
    reader: &mut Reader,
    tenant: &Tenant,
    (place, rows): (i64, i64),
) -> Result<Vec<Version>, DbError> {
    let sql = version!("fhir_version v WHERE v.tenant = $1 AND v.rid > $2 ORDER BY v.rid LIMIT $3");
    unpack_all(reader.all::<VersionRow>(sql, binds![tenant.number(), place, rows]).await?)
}

/// The version at a place, whether or not it is the newest of its record.
pub(crate) async fn at_place(
    reader: &mut Reader,
    tenant: &Tenant,
    place: i64,
) -> Result<Option<Version>, DbError> {
    let sql = version!("fhir_version v WHERE v.tenant = $1 AND v.rid = $2");
    reader
        .optional::<VersionRow>(sql, binds![tenant.number(), place])
        .await?
        .map(VersionRow::unpack)
        .transpose()
}
