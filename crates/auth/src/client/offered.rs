//! What the metadata says of how clients prove who they are.  RFC 8414 §2, RFC 8705 §3.3, RFC 9449 §5.1

use crypto::jose::Algorithm;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ClientCertificates, Scheme};

use super::{AuthMethod, assertion::MAC_ALGORITHMS};
use crate::{Config, proof::dpop};

/// The members about it.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfferedToClients {
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    dpop_signing_alg_values_supported: Vec<&'static str>,
    tls_client_certificate_bound_access_tokens: bool,
}

impl OfferedToClients {
    pub(crate) fn of(config: &Config) -> Self {
        let methods: Vec<_> = AuthMethod::ALL
            .into_iter()
            .filter(|method| works(*method, config))
            .map(AuthMethod::as_str)
            .collect();
        let own = methods.iter().copied().filter(|method| *method != AuthMethod::None.as_str());
        // RFC 8414 §2: types of access tokens where the caller may present one.
        let own = own.chain([Scheme::Bearer, Scheme::Dpop].map(Scheme::as_str)).collect();
        let algorithms: Vec<_> = Algorithm::ALL
            .map(Algorithm::as_str)
            .into_iter()
            .chain(MAC_ALGORITHMS.iter().map(|algorithm| algorithm.as_str()))
            .collect();
        Self {
            introspection_endpoint_auth_methods_supported: own,
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            introspection_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            revocation_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            token_endpoint_auth_signing_alg_values_supported: algorithms,
            dpop_signing_alg_values_supported: dpop::ALGORITHMS.iter().map(|it| it.as_str()).collect(),
            tls_client_certificate_bound_access_tokens: config.client_certificates == ClientCertificates::Ask,
        }
    }
}

/// Certificates need a deployment that asks for them, and those of an authority one that is trusted.
fn works(method: AuthMethod, config: &Config) -> bool {
    let are_asked = config.client_certificates == ClientCertificates::Ask;
    match method {
        AuthMethod::SelfSignedTlsClientAuth => are_asked,
        AuthMethod::TlsClientAuth => are_asked && !config.tls_client_authorities.is_empty(),
        _ => true,
    }
}
