//! Authorization code grants whose addresses are found tenant by tenant.  SMART App Launch 2.2

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ClientAuthKind, Pkce, Revoke, TokenAnswer, TokenRules};
use crate::provider::{TextTemplate, UrlTemplate};

/// A provider whose addresses are found by SMART discovery, tenant by tenant. Settings of the integration give the
/// FHIR base address; [`Smart::code_flow`] makes the authorization code grant from what was found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smart {
    /// The tenant's FHIR base address, which is also the `aud` of the authorization request.
    pub fhir_base_url: UrlTemplate,
    /// The discovery document, if not `{fhir_base_url}/.well-known/smart-configuration`.
    #[serde(default)]
    pub discovery_url: Option<UrlTemplate>,
    /// The issuer, where it is known beforehand: a document that names another is refused.
    #[serde(default)]
    pub issuer: Option<UrlTemplate>,
    /// The authorization endpoint as known to the sources, to compare with.
    #[serde(default)]
    pub authorize_url: Option<UrlTemplate>,
    /// The token endpoint as known to the sources, to compare with.
    #[serde(default)]
    pub token_url: Option<UrlTemplate>,
    /// The revocation endpoint, used where discovery names none.
    #[serde(default)]
    pub revoke: Option<Revoke>,
    /// The introspection endpoint.
    #[serde(default)]
    pub introspect_url: Option<UrlTemplate>,
    /// The page at the provider where a person sees what was granted.
    #[serde(default)]
    pub user_grants_url: Option<UrlTemplate>,
    /// Whether applications are registered with a secret.
    #[serde(default)]
    pub client_type: Option<ClientType>,
    /// How the client may prove itself, the best first; empty: what discovery offers decides.
    #[serde(default)]
    pub client_auth: Vec<ClientAuthKind>,
    /// The algorithms of the client's assertion, the best first.
    #[serde(default)]
    pub jwt_algorithms: Vec<String>,
    /// Whether PKCE is spoken.
    #[serde(default)]
    pub pkce: Pkce,
    /// The scopes asked for when the integration names none.
    #[serde(default)]
    pub default_scopes: Vec<String>,
    /// More parameters of the authorization request; `aud` is always sent.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, TextTemplate>,
    /// The grant types that the authorization server knows.
    #[serde(default)]
    pub grants: Vec<String>,
    /// How long tokens live and whether they change.
    #[serde(default)]
    pub token: TokenRules,
    /// What is particular about the token answer.
    #[serde(default)]
    pub response: TokenAnswer,
    /// What else there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientType {
    /// It can.
    Confidential,
    /// It cannot.
    Public,
}
