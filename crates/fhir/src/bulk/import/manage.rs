//! The API of administrators: from which hosts a site's imports fetch.

use audit::Subject;
use axum::{Extension, extract::State};
use kernel::{Id, Issue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Writer;
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path};

use super::{host::parsed, queries};
use crate::{
    Fhir,
    bulk::deidentify::tenant_of,
    site::{SiteFault, manage::by},
};

/// Hosts of one site.
pub const IMPORT_HOSTS_MAX: usize = 100;

/// From which hosts the imports of a site fetch.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = FhirImportHosts)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostsBody {
    /// `bulk.example.org`, `bulk.example.org:8443`. None: from all that may be called; empty: from none.
    hosts: Option<Vec<String>>,
}

/// From which hosts imports of a site fetch.
#[utoipa::path(get, path = "/admin/fhir/sites/{site}/import", tag = "sites", operation_id = "view_import_hosts",
    params(("site" = String, Path, description = "The site's id")),
    responses((status = 200, description = "The hosts", body = HostsBody)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn view_import_hosts(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(site): Path<String>,
) -> Answer<axum::Json<HostsBody>> {
    let by = by(&bearer, &context)?;
    let site: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    let mut reader = fhir.db.read().await?;
    let tenant = tenant_of(&mut reader, by.organisation, site).await?.ok_or(SiteFault::NoSite)?;
    Ok(axum::Json(HostsBody { hosts: queries::hosts(&mut reader, tenant).await? }))
}

/// These hosts and no others. An import that is under way asks again before each call.
#[utoipa::path(put, path = "/admin/fhir/sites/{site}/import", tag = "sites", operation_id = "change_import_hosts",
    params(("site" = String, Path, description = "The site's id")),
    request_body = HostsBody,
    responses((status = 200, description = "The hosts as they are now", body = HostsBody)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn change_import_hosts(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(site): Path<String>,
    Json(wanted): Json<HostsBody>,
) -> Answer<axum::Json<HostsBody>> {
    let by = by(&bearer, &context)?;
    let site: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    let wanted = wanted.hosts.map(read).transpose()?;
    let world = fhir.world.clone();
    let changed = fhir.db.write(async move |tx: &mut Writer| {
        let tenant = tenant_of(tx, by.organisation, site).await?.ok_or(SiteFault::NoSite)?;
        if queries::hosts(tx, tenant).await? != wanted {
            queries::replace_hosts(tx, tenant, wanted.as_deref(), world.now()).await?;
            let details = json!({ "hosts": wanted.as_ref().map(Vec::len) });
            let entry = by.did("fhir_import_hosts.changed", Subject::of(site), details);
            audit::record(tx, &world, &entry).await?;
        }
        Ok::<_, SiteFault>(wanted.clone())
    });
    Ok(axum::Json(HostsBody { hosts: changed.await? }))
}

/// Every one that is at fault is named.
fn read(said: Vec<String>) -> Result<Vec<String>, SiteFault> {
    if said.len() > IMPORT_HOSTS_MAX {
        return Err(SiteFault::Refused(vec![Issue::at("hosts", "has more than 100 hosts")]));
    }
    let read: Vec<Option<String>> = said.iter().map(|host| parsed(host)).collect();
    let issue =
        |nth: usize| Issue::at(format!("hosts[{nth}]"), "must be a host, and a port where it is not 443");
    let wrong = read.iter().enumerate().filter(|(_, host)| host.is_none());
    let issues: Vec<Issue> = wrong.map(|(nth, _)| issue(nth)).collect();
    if !issues.is_empty() {
        return Err(SiteFault::Refused(issues));
    }
    let mut hosts: Vec<String> = read.into_iter().flatten().collect();
    hosts.sort_unstable();
    hosts.dedup();
    Ok(hosts)
}
