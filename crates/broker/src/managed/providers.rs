//! Which systems can be integrated, and what has to be configured.

use axum::extract::State;
use kernel::{Permission, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Json, Query};

use super::{
    Kind,
    door::Asking,
    kind::{AuthMethod, entries},
    policy::{Demand, POLICY},
};
use crate::Broker;

/// Which of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Only of this type.
    #[serde(rename = "type")]
    kind: Option<Kind>,
}

/// The catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedProviders)]
pub(crate) struct ProvidersOut {
    items: Vec<ProviderOut>,
    /// Which operations need a reason, and which will need an electronic signature.
    policy: [Demand; 6],
}

/// An entry of the catalogue.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedProvider)]
pub(crate) struct ProviderOut {
    provider: String,
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    auth_methods: &'static [AuthMethod],
    capabilities: &'static [&'static str],
    /// The JSON Schema of `config`.
    #[schema(value_type = Object)]
    config_schema: Value,
}

/// List providers.
#[utoipa::path(get, path = "/api/v1/integrations/providers", tag = "integrations", operation_id = "list_managed_providers",
    params(Asked), responses((status = 200, description = "The catalogue", body = ProvidersOut)),
    security(("bearer" = ["integration:read"])))]
pub(crate) async fn providers(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Query(asked): Query<Asked>,
) -> Answer<Json<ProvidersOut>> {
    Asking::enter(bearer, request, Permission::Read)?;
    let wanted = entries(&broker.catalogue)
        .into_iter()
        .filter(|entry| asked.kind.is_none_or(|kind| kind == entry.kind));
    let told = wanted.map(|entry| ProviderOut {
        provider: entry.id.to_owned(),
        name: entry.name.to_owned(),
        kind: entry.kind,
        auth_methods: entry.kind.auth_methods(),
        capabilities: entry.kind.capabilities(),
        config_schema: entry.kind.schema().map_or(Value::Null, |schema| schema.document().clone()),
    });
    Ok(Json(ProvidersOut { items: told.collect(), policy: POLICY }))
}
