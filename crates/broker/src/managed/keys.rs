//! Keys by which integrations prove themselves without a secret that both sides know: made here or brought along, kept in the vault, their public
//! halves for everybody to fetch.  <https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>

use axum::{extract::State, response::IntoResponse};
use crypto::{
    b64,
    jose::{Algorithm, SigningKey},
};
use http::{HeaderValue, header};
use kernel::{Kind as Sort, Secret};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{Answer, Json, Path, Problem};

use super::{IntId, Kind, Managed, Status, door::nothing};
use crate::Broker;

/// The credential that is such a key.
pub(super) const PRIVATE_KEY: &str = "private_key";
/// What SMART servers take, in the order in which a key is tried; keys that are made here are for the first.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es384, Algorithm::Rs384];
/// How long others may keep the public keys.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// Characters of a line of PEM (RFC 7468 §2).
const PEM_LINE_CHARACTERS: usize = 64;

/// Whether an integration that is set up so proves itself by a key.
pub(super) fn proves_by_key(kind: Kind, config: &Map<String, Value>) -> bool {
    kind == Kind::Fhir && config.get("auth_type").and_then(Value::as_str) == Some("smart_backend")
}

/// A new key in PEM. Its chance comes from the operating system.
pub(super) fn made() -> Result<String, Problem> {
    let failed = |_| Problem::new(Sort::Internal, Problem::INTERNAL);
    let key = SigningKey::generate(Algorithm::Es384).map_err(failed)?;
    let der = key.to_pkcs8().map_err(failed)?;
    let text = b64::encode_standard(der.expose());
    let lines: Vec<&str> = (0..text.len())
        .step_by(PEM_LINE_CHARACTERS)
        .filter_map(|at| text.get(at..text.len().min(at + PEM_LINE_CHARACTERS)))
        .collect();
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

/// Reads a key.
pub(super) fn read(pem: &str) -> Option<SigningKey> {
    let pem = Secret::new(pem.as_bytes().to_vec());
    ALGORITHMS.into_iter().find_map(|algorithm| SigningKey::from_pem(algorithm, &pem).ok())
}

/// A JWK set.  RFC 7517 §5
#[derive(Serialize, ToSchema)]
#[schema(as = IntegrationKeys)]
pub(crate) struct KeysOut {
    /// Public keys only.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// Get the public keys that an integration proves itself by: for the other side to fetch.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/jwks.json", tag = "integrations", operation_id = "get_integration_keys",
    params(("id" = String, Path, description = "The integration's id")),
    responses((status = 200, description = "A JWK set", body = KeysOut)), security(()))]
pub(crate) async fn keys(State(broker): State<Broker>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    let id: IntId = id.parse().map_err(|_| nothing())?;
    let found = broker.managed_with_credentials(id.0).await?;
    let shown =
        |found: &Managed| found.status != Status::Archived && proves_by_key(found.kind, &found.config);
    let (_, credentials) = found.filter(|(found, _)| shown(found)).ok_or_else(nothing)?;
    let key = credentials.get(PRIVATE_KEY).and_then(|pem| read(pem.expose())).ok_or_else(nothing)?;
    let jwk = serde_json::to_value(key.public_jwk());
    let jwk = jwk.map_err(|_| Problem::new(Sort::Internal, Problem::INTERNAL))?;
    Ok(([(header::CACHE_CONTROL, KEPT)], Json(KeysOut { keys: vec![jwk] })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_made_are_read_again_and_show_their_public_half_alone() {
        let pem = made().unwrap();
        assert!(pem.lines().all(|line| line.len() <= PEM_LINE_CHARACTERS), "{pem}");
        let key = read(&pem).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Es384);
        let jwk = serde_json::to_value(key.public_jwk()).unwrap();
        assert!(jwk.get("d").is_none() && jwk["crv"] == "P-384" && jwk["kid"].is_string(), "{jwk}");
        assert_ne!(read(&made().unwrap()).unwrap().kid(), key.kid());
        assert!(read("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").is_none());
    }
}
