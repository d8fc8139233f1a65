//! The API of administrators: codes of sites, how sites take what is written, and the plan.

use axum::{Extension, extract::State};
use kernel::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use web::{Answer, Bearer, Context, Json, Path};

use super::{Coded, Plan, SiteFault, change::Said};
use crate::{
    By, Fhir,
    bulk::deidentify::manage::{
        __path_change_deidentification, __path_view_deidentification, change_deidentification,
        view_deidentification,
    },
    bulk::import::manage::{
        __path_change_import_hosts, __path_view_import_hosts, change_import_hosts, view_import_hosts,
    },
    package::PackageId,
    reindex::Progress,
};

/// The scope that all of these need.
pub const SCOPE: &str = "sites:admin";

/// What administrators call, with [`SCOPE`]. To be spoken as `problem+json`.
pub fn routes(fhir: Fhir) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_sites))
        .routes(routes!(assign_site))
        .routes(routes!(view_parameters))
        .routes(routes!(view_plan, change_plan))
        .routes(routes!(view_deidentification, change_deidentification))
        .routes(routes!(view_import_hosts, change_import_hosts))
        .merge(crate::topic::admin())
        .with_state(fhir)
}

/// A site of the caller's organisation.
#[derive(Serialize, ToSchema)]
#[schema(as = FhirSite)]
pub(crate) struct SiteOut {
    id: String,
    name: String,
    /// The value of `SU-SiteId`; none until one is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// `off`, `warn` or `enforce`.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<&'static str>,
    /// `allowed` or `refused`: whether a record may be made under an id that the caller names.
    #[serde(skip_serializing_if = "Option::is_none")]
    upsert: Option<&'static str>,
    /// `off` or `enforce`: whether patients' Consents are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<&'static str>,
    /// Who may ask past what patients withhold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    break_glass: Vec<String>,
    /// The packages that it has switched on; all that there are here where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Vec<String>>,
    /// The profiles that it asks of all records of their types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    profiles: Vec<String>,
    /// What the packages say that it is searched by, where they were switched.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Progress>,
}

/// What a site is to have.
#[derive(Deserialize, ToSchema)]
#[schema(as = FhirSiteIn)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteIn {
    /// `HC` and five letters or digits; drawn where none is said.
    code: Option<String>,
    /// `off`, `warn` or `enforce`.
    validation: Option<String>,
    /// `allowed` or `refused`.
    upsert: Option<String>,
    /// `off` or `enforce`.
    consent: Option<String>,
    /// Who may ask past what patients withhold, in an emergency: `Practitioner/5`, `Device/<client id>`.
    break_glass: Option<Vec<String>>,
    /// Packages with their versions, among those that are loaded here; with none it has R4 alone, with `null` all that there are.
    #[serde(default, deserialize_with = "said")]
    packages: Option<Option<Vec<String>>>,
    /// Canonicals of profiles that every record of their type must conform to.
    profiles: Option<Vec<String>>,
}

/// `null` is something that was said.
fn said<'de, D: serde::Deserializer<'de>>(of: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Deserialize::deserialize(of).map(Some)
}

/// What an organisation has subscribed to.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = FhirPlan)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanBody {
    /// `foundation`, `base`, `clinical`, `financial`, `specialized`.
    subscriptions: Vec<String>,
}

fn out(id: Id<kernel::Site>, name: String, site: Option<&Coded>) -> SiteOut {
    SiteOut {
        id: id.to_string(),
        name,
        code: site.map(|site| site.code.as_str().to_owned()),
        validation: site.map(|site| site.policy.validation.as_str()),
        upsert: site.map(|site| site.policy.upsert.as_str()),
        consent: site.map(|site| site.policy.consent.as_str()),
        break_glass: site.map(|site| site.break_glass.names()).unwrap_or_default(),
        packages: site.and_then(|site| site.packages.packages.as_deref()).map(names),
        profiles: site
            .map(|site| site.packages.profiles.iter().map(|one| one.to_string()).collect())
            .unwrap_or_default(),
        search: None,
    }
}

fn names(packages: &[PackageId]) -> Vec<String> {
    packages.iter().map(|id| id.as_str().to_owned()).collect()
}

pub(crate) fn by(bearer: &Bearer, context: &Context) -> Answer<By> {
    bearer.require(SCOPE)?;
    let caller = &bearer.0;
    Ok(By {
        actor: caller.actor(),
        organisation: caller.organisation,
        request: Some(context.request_id().clone()),
    })
}

/// The sites of the caller's organisation, by name.
#[utoipa::path(get, path = "/admin/fhir/sites", tag = "sites", operation_id = "list_sites",
    responses((status = 200, description = "The sites", body = Vec<SiteOut>)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn list_sites(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
) -> Answer<axum::Json<Vec<SiteOut>>> {
    let by = by(&bearer, &context)?;
    let all = fhir.sites_of(by.organisation).await?;
    Ok(axum::Json(all.into_iter().map(|(one, coded)| out(one.id, one.name, coded.as_ref())).collect()))
}

/// Give a site its code, or change how it takes what is written.
#[utoipa::path(put, path = "/admin/fhir/sites/{site}", tag = "sites", operation_id = "assign_site",
    params(("site" = String, Path, description = "The site's id")),
    request_body = SiteIn,
    responses((status = 200, description = "The site as it is now", body = SiteOut)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn assign_site(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(site): Path<String>,
    Json(wanted): Json<SiteIn>,
) -> Answer<axum::Json<SiteOut>> {
    let by = by(&bearer, &context)?;
    let id: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    let said = Said {
        code: wanted.code,
        validation: wanted.validation,
        upsert: wanted.upsert,
        consent: wanted.consent,
        break_glass: wanted.break_glass,
        packages: wanted.packages,
        profiles: wanted.profiles,
    };
    let are_switched = said.packages.is_some();
    let (named, assigned) = fhir.change_site(&by, id, &said).await?;
    let mut told = out(id, named.name, Some(&assigned));
    if are_switched {
        told.search = Some(fhir.progress(by.organisation, id).await?);
    }
    Ok(axum::Json(told))
}

/// What a site is searched by beside R4's parameters, what of its packages cannot be used, and how far its records are indexed.
#[utoipa::path(get, path = "/admin/fhir/sites/{site}/parameters", tag = "sites", operation_id = "view_parameters",
    params(("site" = String, Path, description = "The site's id")),
    responses((status = 200, description = "The parameters, and the work under way", body = Progress)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn view_parameters(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Path(site): Path<String>,
) -> Answer<axum::Json<Progress>> {
    let by = by(&bearer, &context)?;
    let id: Id<kernel::Site> = site.parse().map_err(|_| SiteFault::NoSite)?;
    Ok(axum::Json(fhir.progress(by.organisation, id).await?))
}

/// What the caller's organisation has subscribed to.
#[utoipa::path(get, path = "/admin/fhir/plan", tag = "sites", operation_id = "view_plan",
    responses((status = 200, description = "The plan", body = PlanBody)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn view_plan(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
) -> Answer<axum::Json<PlanBody>> {
    let by = by(&bearer, &context)?;
    Ok(axum::Json(body(&fhir.plan_of(by.organisation).await?)))
}

/// Subscribe to what is named, and to nothing else.
#[utoipa::path(put, path = "/admin/fhir/plan", tag = "sites", operation_id = "change_plan",
    request_body = PlanBody,
    responses((status = 200, description = "The plan as it is now", body = PlanBody)),
    security(("bearer" = ["sites:admin"])))]
pub(crate) async fn change_plan(
    State(fhir): State<Fhir>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Json(wanted): Json<PlanBody>,
) -> Answer<axum::Json<PlanBody>> {
    let by = by(&bearer, &context)?;
    Ok(axum::Json(body(&fhir.change_plan(&by, &wanted.subscriptions).await?)))
}

fn body(plan: &Plan) -> PlanBody {
    PlanBody { subscriptions: plan.iter().map(|one| one.as_str().to_owned()).collect() }
}
