//! The SQL of a site's policies.

use kernel::{Id, Organisation, Timestamp};
use store::{DbError, Json, Reader, Writer, binds};

use super::Rule;

/// The rules of a policy by its name.
pub(in crate::bulk) async fn rules(
    reader: &mut Reader,
    tenant: i64,
    name: &str,
) -> Result<Option<Vec<Rule>>, DbError> {
    let sql = "SELECT rules FROM fhir_deidentification WHERE tenant = $1 AND name = $2";
    let found: Option<(Json<Vec<Rule>>,)> = reader.optional(sql, binds![tenant, name]).await?;
    Ok(found.map(|(Json(rules),)| rules))
}

/// All of a site's, by name.
pub(super) async fn all(reader: &mut Reader, tenant: i64) -> Result<Vec<(String, Vec<Rule>)>, DbError> {
    let sql = "SELECT name, rules FROM fhir_deidentification WHERE tenant = $1 ORDER BY name";
    let rows: Vec<(String, Json<Vec<Rule>>)> = reader.all(sql, binds![tenant]).await?;
    Ok(rows.into_iter().map(|(name, Json(rules))| (name, rules)).collect())
}

/// These and no others.
pub(super) async fn replace(
    tx: &mut Writer,
    tenant: i64,
    policies: &[(String, Vec<Rule>)],
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute("DELETE FROM fhir_deidentification WHERE tenant = $1", binds![tenant]).await?;
    for (name, rules) in policies {
        let sql =
            "INSERT INTO fhir_deidentification (tenant, name, rules, changed_at) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, binds![tenant, name.as_str(), Json(rules), now]).await?;
    }
    Ok(())
}

/// What the records of an organisation's site are kept under.
pub(in crate::bulk) async fn tenant_of(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    site: Id<kernel::Site>,
) -> Result<Option<i64>, DbError> {
    let sql = "SELECT tenant FROM fhir_site WHERE site_id = $1 AND organisation_id = $2";
    Ok(reader.optional::<(i64,)>(sql, binds![site, organisation]).await?.map(|(tenant,)| tenant))
}
