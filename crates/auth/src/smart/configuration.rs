//! What applications find at the FHIR server about how to be let in.  SMART App Launch 2.2 §2.0.4, §2.0.5
//!
//! It says what the authorization server's own metadata says, and names as capabilities what follows from it.

use axum::{Json, extract::State, response::IntoResponse};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Auth, discovery};

/// What is taken over from the metadata of the authorization server, where it is there.
const TAKEN_OVER: [&str; 14] = [
    "issuer",
    "jwks_uri",
    "authorization_endpoint",
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
    "scopes_supported",
    "response_types_supported",
    "introspection_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
    "grant_types_supported",
];

/// Whatever else the deployment lets in elsewhere: servers of SMART support S256 and shall not support `plain` (§2.0.3).
const CODE_CHALLENGE_METHODS: [&str; 1] = ["S256"];

/// What works in every deployment.
const ALWAYS: [&str; 16] = [
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
    "permission-online",
];

/// What works where a member of the metadata has a value.
const WHERE: [(&str, &str, &str); 3] = [
    ("client-confidential-asymmetric", "token_endpoint_auth_methods_supported", "private_key_jwt"),
    ("permission-offline", "grant_types_supported", "refresh_token"),
    ("sso-openid-connect", "id_token_signing_alg_values_supported", "RS256"),
];

/// The configuration.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmartConfiguration {
    /// What the metadata of the authorization server says: endpoints, keys, scopes, grants and ways to authenticate.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    taken_over: Map<String, Value>,
    code_challenge_methods_supported: [&'static str; 1],
    /// Where people see and end what they have allowed.
    management_endpoint: String,
    /// The FHIR servers that tokens are for.
    associated_endpoints: [AssociatedEndpoint; 1],
    capabilities: Vec<&'static str>,
}

/// A FHIR server.
#[derive(Serialize, ToSchema)]
struct AssociatedEndpoint {
    url: String,
    capabilities: Vec<&'static str>,
}

/// SMART configuration.
#[utoipa::path(get, path = "/fhir/.well-known/smart-configuration", tag = "discovery",
    responses((status = 200, description = "SMART configuration", body = SmartConfiguration)))]
pub(crate) async fn configuration(State(auth): State<Auth>) -> impl IntoResponse {
    discovery::for_anybody(Json(of(&auth)))
}

fn of(auth: &Auth) -> SmartConfiguration {
    // A structure of names and texts: it is an object, and reading it as one cannot fail.
    let metadata = serde_json::to_value(discovery::metadata(auth)).unwrap_or_default();
    let capabilities = capabilities(&metadata);
    let taken_over = TAKEN_OVER
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), metadata.get(name)?.clone())))
        .filter(|(_, value)| !value.is_null());
    SmartConfiguration {
        taken_over: taken_over.collect(),
        code_challenge_methods_supported: CODE_CHALLENGE_METHODS,
        management_endpoint: format!("{}/account/applications", auth.config().base()),
        associated_endpoints: [AssociatedEndpoint {
            url: auth.config().fhir_base(),
            capabilities: capabilities.clone(),
        }],
        capabilities,
    }
}

fn capabilities(metadata: &Value) -> Vec<&'static str> {
    let has = |member: &str, value: &str| {
        metadata.get(member).and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == value))
    };
    let conditional = WHERE.iter().filter(|(_, member, value)| has(member, value)).map(|(name, ..)| *name);
    ALWAYS.into_iter().chain(conditional).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_follows_from_the_metadata() {
        let none = capabilities(&serde_json::json!({ "grant_types_supported": ["authorization_code"] }));
        let all = capabilities(&serde_json::json!({
            "grant_types_supported": ["refresh_token"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        }));
        for (name, ..) in WHERE {
            assert!(!none.contains(&name) && all.contains(&name), "{name}");
        }
    }
}
