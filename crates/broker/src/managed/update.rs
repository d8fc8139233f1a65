//! Staff change an integration: as a whole, or in part.  RFC 7396

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use kernel::{Issue, Permission, RequestId};
use store::Writer;
use web::{Answer, Bearer, Json, Path, Problem};

use super::{
    Managed, Status,
    body::{Part, Whole, refused},
    change, condition,
    create::{check_mapped, check_site, check_studies, read},
    door::Asking,
    view::{ManagedOut, shown},
};
use crate::Broker;

/// Replace an integration.
#[utoipa::path(put, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "replace_managed_integration",
    params(("id" = String, Path, description = "The integration's id"),
        ("If-Match" = String, Header, description = "The ETag of what is to be replaced"),
        ("X-Change-Reason" = Option<String>, Header, description = "Why, where the body does not say", min_length = 1, max_length = 500)),
    request_body(content = Whole),
    responses((status = 200, description = "As it is now", body = ManagedOut)),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn replace(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<serde_json::Value>,
) -> Answer<Response> {
    let (asking, there) = before(&broker, bearer, request, &id, &headers).await?;
    let whole: Whole = read(&body)?;
    broker.change(&asking, &there, whole, &headers).await
}

/// Change parts of an integration.
#[utoipa::path(patch, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "patch_managed_integration",
    params(("id" = String, Path, description = "The integration's id"),
        ("If-Match" = String, Header, description = "The ETag of what is to be changed"),
        ("X-Change-Reason" = Option<String>, Header, description = "Why, where the body does not say", min_length = 1, max_length = 500)),
    request_body(content = Part, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As it is now", body = ManagedOut)),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn merge(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<serde_json::Value>,
) -> Answer<Response> {
    let (asking, there) = before(&broker, bearer, request, &id, &headers).await?;
    let part: Part = read(&body)?;
    broker.change(&asking, &there, part.over(&there), &headers).await
}

/// What is there, as the caller has seen it.
async fn before(
    broker: &Broker,
    bearer: Bearer,
    request: RequestId,
    id: &str,
    headers: &HeaderMap,
) -> Result<(Asking, Managed), Problem> {
    let asking = Asking::enter(bearer, request, Permission::Update)?;
    let there = asking.find_live(&mut broker.db.read().await?, id, Permission::Update).await?;
    condition::seen(headers, &there)?;
    Ok((asking, there))
}

/// What stays as it is: another type or provider is another integration, and what the pages set up is changed there.
fn check_fixed(there: &Managed, whole: &Whole) -> Result<(), Problem> {
    let mut issues = Vec::new();
    if whole.kind != there.kind {
        issues.push(Issue::at("type", "cannot be changed; register another integration"));
    }
    if whole.provider != there.provider {
        issues.push(Issue::at("provider", "cannot be changed; register another integration"));
    }
    // What has come from there is known of this site: in another one it would be missing.
    if there.config.get("site_id").is_some_and(|site| whole.config.get("site_id") != Some(site)) {
        issues.push(Issue::at("config.site_id", "cannot be changed; register another integration"));
    }
    if there.links {
        let differs = whole.config != there.config
            || whole.credentials.as_ref().is_some_and(|stated| !stated.is_empty());
        if differs {
            issues.push(Issue::at(
                "config",
                "is set up on the pages of administrators, where people link accounts",
            ));
        }
    }
    if issues.is_empty() { Ok(()) } else { Err(refused(issues)) }
}

/// What is reached otherwise than before has not been tested, and what has not been tested is not active.  Contract 4
fn untested(of: Managed) -> Managed {
    let status = match of.status {
        Status::Active | Status::Error => Status::Pending,
        other => other,
    };
    Managed { tested: None, status, ..of }
}

impl Broker {
    async fn change(
        &self,
        asking: &Asking,
        there: &Managed,
        whole: Whole,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        check_fixed(there, &whole)?;
        if !there.links {
            whole.check(&self.catalogue)?;
            check_mapped(self, &whole)?;
            check_site(self, there.organisation, &whole).await?;
        }
        let studies = whole.studies();
        check_studies(self, there.organisation, &studies).await?;
        if !asking.bearer.0.may(Permission::Update, there.organisation, &studies) {
            return Err(Problem::role());
        }
        let reason = match &whole.reason {
            Some(stated) => Some(stated.clone()),
            None => change::reason_of(headers)?,
        };
        let stated = whole.credentials.clone().unwrap_or_default();
        let stated = stated.with_key((there.kind, &whole.config), &there.credentials)?;
        let after = Managed {
            name: whole.name.clone(),
            config: whole.config.clone(),
            credentials: stated.applied(&self.vault, &there.credentials),
            sync_frequency: whole.frequency(),
            studies,
            ..asking.next(there, self.world.now())
        };
        let differing = change::differing(there, &after);
        if differing.is_empty() {
            return Ok(shown(&HeaderMap::new(), there, StatusCode::OK));
        }
        change::check_reason(&differing, reason.as_deref())?;
        let is_tested_anew = differing.iter().any(|name| name == "config" || name == "credentials");
        let after = if is_tested_anew { untested(after) } else { after };
        let (own, asking, there) = (self.clone(), asking.clone(), there.clone());
        let vault = self.vault.tenant(there.organisation).await?;
        let unit = async move |tx: &mut Writer| -> Result<Managed, Problem> {
            let after = own.scheduled(tx, after.clone()).await?;
            let both = (&there, &after);
            change::make(tx, &own, &asking, both, change::UPDATED, reason.as_deref()).await?;
            stated.write(tx, &vault, after.id).await?;
            Ok(after)
        };
        let after = self.db.write(unit).await?;
        self.integrations.forget(&after.slug);
        Ok(shown(&HeaderMap::new(), &after, StatusCode::OK))
    }
}
