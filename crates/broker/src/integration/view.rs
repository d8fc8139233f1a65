//! What a client sees of the integrations that it is trusted for.  Contract 1, `GET /integrations/v1/`

use std::collections::BTreeMap;

use audit::{Outcome, Subject};
use axum::extract::State;
use kernel::{Id, Integration as IntegrationKind, Person, RequestId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path};

use super::Integration;
use crate::{
    Broker, By,
    connection::{self, ConnectionRow},
    credential::CredentialFault,
    trust::{person_of, require_trust},
};

/// An integration, and whether the person has linked an account there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IntegrationOut {
    /// The integration's name for people.
    name: String,
    /// Whether the person has linked an account that works.
    connected: bool,
    /// Where to send the person's browser to link one, or to link again.
    #[serde(rename = "connectUri")]
    connect_uri: String,
}

/// All integrations that the client is trusted for.
#[utoipa::path(
    get, path = "/integrations/v1/", tag = "connections", operation_id = "list_integrations",
    responses((status = 200, description = "One object for each integration", body = [IntegrationOut])),
    security(("bearer" = [])),
)]
pub(crate) async fn list(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
) -> Answer<Json<Vec<IntegrationOut>>> {
    let person = person_of(&bearer.0)?;
    let integrations = broker.trusted_integrations(&bearer.0).await?;
    let connections = broker.connections_of(person).await?;
    let by = By::new(bearer.0.actor(), Some(request));
    let shown = integrations.iter().map(|integration| {
        broker.note_view(integration, person, &by);
        broker.shown(integration, connections.get(&integration.id))
    });
    Ok(Json(shown.collect()))
}

/// One integration.
#[utoipa::path(
    get, path = "/integrations/v1/{integration}", tag = "connections", operation_id = "get_integration",
    params(("integration" = String, Path, description = "The integration's id")),
    responses((status = 200, description = "The integration", body = IntegrationOut)),
    security(("bearer" = [])),
)]
pub(crate) async fn view(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(slug): Path<String>,
) -> Answer<Json<IntegrationOut>> {
    let access = require_trust(&broker, &bearer.0, &slug).await?;
    let connections = broker.connections_of(access.person).await?;
    let by = By::new(bearer.0.actor(), Some(request));
    broker.note_view(&access.integration, access.person, &by);
    Ok(Json(broker.shown(&access.integration, connections.get(&access.integration.id))))
}

impl Broker {
    /// The address that begins linking.
    pub fn connect_uri(&self, slug: &str) -> String {
        format!("{}/integrations/oauth2/{slug}/connect", self.public_url.as_str().trim_end_matches('/'))
    }

    fn shown(&self, integration: &Integration, connection: Option<&ConnectionRow>) -> IntegrationOut {
        IntegrationOut {
            name: integration.name.clone(),
            connected: connection.is_some_and(|row| row.status.is_connected()),
            connect_uri: self.connect_uri(&integration.slug),
        }
    }

    async fn connections_of(
        &self,
        person: Id<Person>,
    ) -> Result<BTreeMap<Id<IntegrationKind>, ConnectionRow>, CredentialFault> {
        let mut reader = self.db.read().await?;
        let rows = connection::queries::all_of_person(&mut reader, person).await?;
        let live = rows.into_iter().filter(|row| row.status != connection::Status::Revoking);
        Ok(live.map(|row| (row.integration, row)).collect())
    }

    fn note_view(&self, integration: &Integration, person: Id<Person>, by: &By) {
        let details = json!({ "person": person });
        let subject = Subject::of(integration.id);
        let entry = by.did(integration.organisation, "connection.viewed", subject, Outcome::Done, details);
        audit::note(&self.db, &self.world, &entry);
    }
}
