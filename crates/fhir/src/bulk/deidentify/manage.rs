//! The API of administrators: by which rules a site's records are de-identified.

use audit::Subject;
use axum::{Extension, extract::State};
use kernel::{Id, Issue};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Writer;
use utoipa::ToSchema;
use web::{Answer, Bearer, Context, Json, Path};

use super::{
    policy::{Policy, Rule, SAFE_HARBOR},
    queries,
};
use crate::{
    Fhir,
    site::{SiteFault, manage::by},
};

/// Policies of one site.
pub const POLICIES_MAX: usize = 32;
/// Characters of a policy's name.
pub const POLICY_NAME_BYTES_MAX: usize = 64;

/// A policy: the default, and over it these rules.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = FhirDeidentificationPolicy)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyBody {
    /// Small letters, digits and hyphens.
    name: String,
    rules: Vec<Rule>,
}

/// What a site has beside `safe-harbor`.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = FhirDeidentification)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoliciesBody {
    policies: Vec<PolicyBody>,
}

/// By which rules records of a site are de-identified.
#[utoipa::path(get, path = "/admin/fhir/sites/{site}/deidentification", tag = "sites", operation_id = "view_deidentification",
    params(("site" = String, Path, description = "The site's id")),
    responses((status = 200, description = "The policies", body = PoliciesBody)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn view_deidentification(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(site): Path<String>,
) -> Answer<axum::Json<PoliciesBody>> {
    let by = by(&bearer, &context)?;
    let site: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    let mut reader = fhir.db.read().await?;
    let tenant = queries::tenant_of(&mut reader, by.organisation, site).await?.ok_or(SiteFault::NoSite)?;
    Ok(axum::Json(body(queries::all(&mut reader, tenant).await?)))
}

/// These policies and no others. An export that is under way goes on by the rules of its kick-off.
#[utoipa::path(put, path = "/admin/fhir/sites/{site}/deidentification", tag = "sites", operation_id = "change_deidentification",
    params(("site" = String, Path, description = "The site's id")),
    request_body = PoliciesBody,
    responses((status = 200, description = "The policies as they are now", body = PoliciesBody)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn change_deidentification(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(site): Path<String>,
    Json(wanted): Json<PoliciesBody>,
) -> Answer<axum::Json<PoliciesBody>> {
    let by = by(&bearer, &context)?;
    let site: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    let wanted = read(wanted)?;
    let world = fhir.world.clone();
    let changed = fhir.db.write(async move |tx: &mut Writer| {
        let tenant = queries::tenant_of(tx, by.organisation, site).await?.ok_or(SiteFault::NoSite)?;
        if queries::all(tx, tenant).await? != wanted {
            queries::replace(tx, tenant, &wanted, world.now()).await?;
            let rules: usize = wanted.iter().map(|(_, rules)| rules.len()).sum();
            let details = json!({ "policies": wanted.len(), "rules": rules });
            let entry = by.did("fhir_deidentification.changed", Subject::of(site), details);
            audit::record(tx, &world, &entry).await?;
        }
        Ok::<_, SiteFault>(wanted.clone())
    });
    Ok(axum::Json(body(changed.await?)))
}

fn body(policies: Vec<(String, Vec<Rule>)>) -> PoliciesBody {
    let body = |(name, rules)| PolicyBody { name, rules };
    PoliciesBody { policies: policies.into_iter().map(body).collect() }
}

/// By name; every field that is at fault is named.
fn read(said: PoliciesBody) -> Result<Vec<(String, Vec<Rule>)>, SiteFault> {
    let mut issues = Vec::new();
    let mut policies: Vec<(String, Vec<Rule>)> = Vec::new();
    if said.policies.len() > POLICIES_MAX {
        issues.push(Issue::at("policies", "has more than 32 policies"));
    }
    for (nth, policy) in said.policies.into_iter().enumerate().take(POLICIES_MAX) {
        let at = format!("policies[{nth}]");
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name =
            (1..=POLICY_NAME_BYTES_MAX).contains(&policy.name.len()) && policy.name.bytes().all(letters);
        if !is_name || policy.name == SAFE_HARBOR || policies.iter().any(|(name, _)| *name == policy.name) {
            let words =
                "must be 1 to 64 small letters, digits and hyphens, no other policy's, and not safe-harbor";
            issues.push(Issue::at(format!("{at}.name"), words));
        }
        if let Err(faults) = Policy::read(&policy.rules) {
            issues.extend(
                faults.into_iter().map(|issue| Issue::at(format!("{at}.{}", issue.path), issue.message)),
            );
        }
        policies.push((policy.name, policy.rules));
    }
    policies.sort_by(|(one, _), (other, _)| one.cmp(other));
    if issues.is_empty() { Ok(policies) } else { Err(SiteFault::Refused(issues)) }
}
