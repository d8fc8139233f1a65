//! One integration.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use kernel::{Permission, RequestId, Study, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use web::{Answer, Bearer, Path};

use watch::TestStatus;

use super::{IntId, Kind, Managed, Status, condition, door::Asking};
use crate::Broker;

/// An integration.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedIntegration)]
pub(crate) struct ManagedOut {
    #[schema(value_type = String, example = "int_019a0b6e0000700080000000000000ab")]
    id: IntId,
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    provider: String,
    status: Status,
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// Which credentials are set; their values are never shown.
    credentials: BTreeMap<String, CredentialOut>,
    capabilities: &'static [&'static str],
    sync_frequency: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_sync: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_sync: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    tested_at: Option<Timestamp>,
    test_status: Option<TestStatus>,
    #[schema(value_type = String)]
    org_id: kernel::Id<kernel::Organisation>,
    #[schema(value_type = Vec<String>)]
    study_ids: Vec<kernel::Id<Study>>,
    created_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    updated_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    archived_at: Option<Timestamp>,
    version: i64,
}

/// A credential that is set.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedCredential)]
pub(crate) struct CredentialOut {
    set: bool,
    /// The same for the same credential, and nothing else about it.
    fingerprint: String,
}

impl From<&Managed> for ManagedOut {
    fn from(of: &Managed) -> Self {
        let credential = |(name, fingerprint): (&String, &String)| {
            (name.clone(), CredentialOut { set: true, fingerprint: fingerprint.clone() })
        };
        Self {
            id: IntId(of.id),
            name: of.name.clone(),
            kind: of.kind,
            provider: of.provider.clone(),
            status: of.status,
            config: of.config.clone(),
            credentials: of.credentials.iter().map(credential).collect(),
            capabilities: of.kind.capabilities(),
            sync_frequency: of.sync_frequency.clone(),
            last_sync: of.last_sync,
            next_sync: of.next_sync,
            tested_at: of.tested.map(|(at, _)| at),
            test_status: of.tested.map(|(_, how)| how),
            org_id: of.organisation,
            study_ids: of.studies.clone(),
            created_by: of.created_by.clone(),
            created_at: of.created_at,
            updated_by: of.updated_by.clone(),
            updated_at: of.updated_at,
            archived_at: of.archived_at,
            version: of.version,
        }
    }
}

/// The integration under its `ETag`.
pub(crate) fn shown(headers: &HeaderMap, of: &Managed, status: StatusCode) -> Response {
    condition::answer(headers, of.version, status, &ManagedOut::from(of))
}

/// Get an integration.
#[utoipa::path(get, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "get_managed_integration",
    params(("id" = String, Path, description = "The integration's id: `int_…`"),
        ("If-None-Match" = Option<String>, Header, description = "304 where it is still the same")),
    responses((status = 200, description = "The integration, under its ETag", body = ManagedOut),
        (status = 304, description = "As it was")),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn view(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, request, Permission::Read)?;
    let found = asking.find_live(&mut broker.db.read().await?, &id, Permission::Read).await?;
    Ok(shown(&headers, &found, StatusCode::OK))
}
