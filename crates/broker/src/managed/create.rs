//! Staff register an integration. It is pending until it was tested and switched on.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kernel::{Id, Issue, Kind as Sort, Organisation, Permission, RequestId, Study};
use store::{DbError, Writer};
use web::{Answer, Bearer, Json, Problem};

use super::{
    IntId, Managed, Status,
    body::{Whole, refused},
    change,
    door::Asking,
    once::Once,
    queries,
    view::{ManagedOut, shown},
};
use crate::Broker;

/// The index that keeps names apart.
const NAME_KEY: &str = "integration_name_key";

/// Register an integration.
#[utoipa::path(post, path = "/api/v1/integrations", tag = "integrations", operation_id = "create_managed_integration",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body within 24 hours: the same integration", min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$")),
    request_body(content = Whole),
    responses((status = 201, description = "It is registered; `Location` says where", body = ManagedOut)),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn create(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    headers: HeaderMap,
    Json(body): Json<serde_json::Value>,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, request, Permission::Create)?;
    let once = Once::of(&headers, &serde_json::to_vec(&body).unwrap_or_default())?;
    let whole: Whole = read(&body)?;
    whole.check(&broker.catalogue)?;
    check_mapped(&broker, &whole)?;
    let organisation = asking.bearer.0.organisation;
    check_studies(&broker, organisation, &whole.studies()).await?;
    check_site(&broker, organisation, &whole).await?;
    if !asking.bearer.0.may(Permission::Create, organisation, &whole.studies()) {
        return Err(Problem::role());
    }
    let made = broker.register(&asking, whole, once).await?;
    let mut response = shown(&HeaderMap::new(), &made, StatusCode::CREATED);
    if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/integrations/{}", IntId(made.id))) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// The body as it is meant; a field of another type, or one too many or too few, is named.
pub(super) fn read<T: serde::de::DeserializeOwned>(body: &serde_json::Value) -> Result<T, Problem> {
    web::shaped(body).map_err(|issue| {
        Problem::new(Sort::Invalid, format!("{}: {}", issue.path, issue.message)).with_issues(vec![issue])
    })
}

/// Studies are those of the organisation; others are not there.
pub(super) async fn check_studies(
    broker: &Broker,
    organisation: Id<Organisation>,
    studies: &[Id<Study>],
) -> Result<(), Problem> {
    if studies.is_empty() || broker.people.has_studies(organisation, studies).await? {
        Ok(())
    } else {
        Err(refused(vec![Issue::at("study_ids", "must be studies of the organisation")]))
    }
}

/// What records become is looked at by whoever will map them.
pub(super) fn check_mapped(broker: &Broker, whole: &Whole) -> Result<(), Problem> {
    let found = broker.syncs.issues(whole.kind, &whole.config);
    let at = |issue: Issue| Issue::at(format!("config.{}", issue.path), issue.message);
    if found.is_empty() { Ok(()) } else { Err(refused(found.into_iter().map(at).collect())) }
}

/// The site that records come into is one of the organisation; another one is not there.
pub(super) async fn check_site(
    broker: &Broker,
    organisation: Id<Organisation>,
    whole: &Whole,
) -> Result<(), Problem> {
    let Some(stated) = whole.config.get("site_id") else { return Ok(()) };
    let site = stated.as_str().and_then(|text| text.parse().ok());
    let has = match site {
        Some(site) => broker.people.has_site(organisation, site).await?,
        None => false,
    };
    if has {
        Ok(())
    } else {
        Err(refused(vec![Issue::at("config.site_id", "must be a site of the organisation")]))
    }
}

/// The name belongs to another one of the organisation.
pub(super) fn taken(fault: DbError) -> Problem {
    if fault.is_unique(NAME_KEY) {
        Problem::new(Sort::Conflict, "the organisation has an integration of this name").with_path("name")
    } else {
        fault.into()
    }
}

impl Broker {
    async fn register(&self, asking: &Asking, whole: Whole, once: Option<Once>) -> Result<Managed, Problem> {
        let (now, organisation) = (self.world.now(), asking.bearer.0.organisation);
        let vault = self.vault.tenant(organisation).await?;
        let stated = whole.credentials.clone().unwrap_or_default();
        let stated = stated.with_key((whole.kind, &whole.config), &BTreeMap::new())?;
        let id: Id<kernel::Integration> = self.world.new_id();
        let new = Managed {
            id,
            slug: id.to_string(),
            organisation,
            kind: whole.kind,
            status: Status::Pending,
            credentials: stated.applied(&self.vault, &BTreeMap::new()),
            sync_frequency: whole.frequency(),
            last_sync: None,
            next_sync: None,
            studies: whole.studies(),
            created_by: Some(asking.by_whom()),
            created_at: now,
            updated_by: Some(asking.by_whom()),
            updated_at: now,
            version: 1,
            tested: None,
            archived_at: None,
            links: false,
            name: whole.name,
            provider: whole.provider,
            config: whole.config,
        };
        let (own, asking, reason) = (self.clone(), asking.clone(), whole.reason);
        self.db
            .write(async move |tx: &mut Writer| -> Result<Managed, Problem> {
                if let Some(once) = &once
                    && let Some(there) = once.take(tx, &asking, new.id, now).await?
                {
                    return queries::by_id(tx, there).await?.ok_or_else(super::door::nothing);
                }
                queries::insert(tx, &new).await.map_err(taken)?;
                stated.write(tx, &vault, new.id).await?;
                change::record(tx, &own, &asking, (None, &new), change::CREATED, reason.as_deref()).await?;
                Ok(new.clone())
            })
            .await
    }
}
