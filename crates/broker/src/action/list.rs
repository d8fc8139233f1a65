//! What a client may have done.  Contract 1, `GET /integrations/v1/{integration-id}/actions`

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path};

use super::ActionDeclaration;
use crate::{
    Broker,
    trust::{Access, require_trust},
};

/// An action that the client may have done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ActionOut {
    /// Its name in the path.
    name: String,
    /// Its name for people.
    title: String,
    /// What it does and what to expect.
    description: String,
    /// JSON Schema of the input.
    input: Value,
    /// JSON Schema of the output.
    output: Value,
}

/// The actions that this client may have done.
#[utoipa::path(
    get, path = "/integrations/v1/{integration}/actions", tag = "actions", operation_id = "list_actions",
    params(("integration" = String, Path, description = "The integration's id")),
    responses((status = 200, description = "The actions", body = [ActionOut])),
    security(("bearer" = [])),
)]
pub(crate) async fn list(
    State(broker): State<Broker>,
    bearer: Bearer,
    Path(slug): Path<String>,
) -> Answer<Json<Vec<ActionOut>>> {
    let access = require_trust(&broker, &bearer.0, &slug).await?;
    Ok(Json(allowed(&access).map(shown).collect()))
}

/// The actions that the trust names and the provider has.
pub(super) fn allowed(access: &Access) -> impl Iterator<Item = &ActionDeclaration> {
    let is_named = |action: &&ActionDeclaration| access.trust.terms.actions.contains(&action.name);
    access.integration.provider.actions.iter().filter(is_named)
}

fn shown(action: &ActionDeclaration) -> ActionOut {
    ActionOut {
        name: action.name.clone(),
        title: action.title.clone(),
        description: action.description.clone(),
        input: action.input.document().clone(),
        output: action.output.document().clone(),
    }
}
