//! What an operator may set.

use std::{sync::Arc, time::Duration};

use crypto::{jose::Algorithm, password::Passwords, x509::Certificate};
use kernel::{Scope, Scopes};
use url::Url;
use web::{ClientCertificates, Transport};

use crate::{
    authorize::Handover,
    client::TOKEN_LIFETIME_S,
    keys,
    registration::Policy,
    scope,
    udap::{self, Communities},
};

/// After how long a signing key gets a successor where nothing else is set.
pub const KEY_ROTATION: Duration = Duration::from_hours(24 * 90);

/// The settings of the authorization server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Under which clients and browsers reach this deployment: `https://host[/path]`, or `http` on loopback.
    pub public_url: Url,
    /// Scopes that are known here besides those of [`scope::built_in`].
    pub scopes: Scopes,
    /// How long an access token lives where its client says nothing, in seconds.
    pub token_lifetime_s: u32,
    /// Whether DPoP proofs have to carry a nonce of this deployment.
    pub dpop_nonce: DpopNonce,
    /// Whether clients are asked for certificates.
    pub client_certificates: ClientCertificates,
    /// Who issues the certificates that prove clients of `tls_client_auth`; such a client is never proven where there is nobody.
    pub tls_client_authorities: Vec<Certificate>,
    /// The trust communities that this deployment belongs to.
    pub udap: Arc<Communities>,
    /// With what tokens can be signed beyond [`keys::ALWAYS`].
    pub further_algorithms: Vec<Algorithm>,
    /// After how long a signing key gets a successor.
    pub key_rotation: Duration,
    /// Whether PKCE may go by `plain` too (contract 2, rulings): for clients whose profile does not forbid it.
    pub pkce_plain: bool,
    /// Who may let a client register itself (RFC 7591).
    pub registration: Policy,
    /// What the page says that posts an answer to a client: said anew for each request.
    pub handover: fn() -> Handover,
    /// After how long without a request a session ends.
    pub session_idle: Duration,
    /// After how long a session ends in any case.
    pub session_absolute: Duration,
    /// Where passwords are put through argon2.
    pub passwords: Passwords,
}

/// Whether DPoP proofs have to carry a nonce of this deployment.  RFC 9449 §8
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DpopNonce {
    /// One that is there has to be good; none has to be there.
    #[default]
    Optional,
    /// A proof without one is answered `use_dpop_nonce`, with one that is good.
    Required,
}

impl Config {
    /// The defaults: an hour without a request, twelve in any case.
    pub fn new(public_url: Url) -> Self {
        Self {
            public_url,
            scopes: Scopes::none(),
            token_lifetime_s: TOKEN_LIFETIME_S,
            dpop_nonce: DpopNonce::Optional,
            client_certificates: ClientCertificates::Off,
            tls_client_authorities: Vec::new(),
            udap: Arc::default(),
            further_algorithms: Vec::new(),
            key_rotation: KEY_ROTATION,
            pkce_plain: false,
            registration: Policy::default(),
            handover: Handover::default,
            session_idle: Duration::from_hours(1),
            session_absolute: Duration::from_hours(12),
            passwords: Passwords::default(),
        }
    }

    /// The public URL without a slash at its end: the audience of access tokens.
    pub fn base(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// Who issues tokens.  RFC 8414 §2
    pub fn issuer(&self) -> String {
        format!("{}/oauth2", self.base())
    }

    /// Whether a resource (RFC 8707) or an audience is this deployment: its base URL, or something below it.
    pub(crate) fn is_own_resource(&self, uri: &str) -> bool {
        uri.strip_prefix(self.base()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The FHIR server that tokens are for (SMART App Launch 2.2: `iss` of a launch, `aud` of a request).
    pub fn fhir_base(&self) -> String {
        format!("{}/fhir", self.base())
    }

    /// Every scope that is known here.
    pub(crate) fn scopes_known(&self) -> Scopes {
        scope::built_in()
            .iter()
            .chain(self.scopes.iter())
            .cloned()
            .chain((!self.udap.is_empty()).then(|| udap::SCOPE.parse().ok()).flatten())
            .collect::<Vec<Scope>>()
            .into_iter()
            .collect()
    }

    /// With what tokens can be signed.
    pub(crate) fn signing_algorithms(&self) -> impl Iterator<Item = Algorithm> {
        let further = self.further_algorithms.iter().filter(|one| !keys::ALWAYS.contains(one));
        keys::ALWAYS.iter().chain(further).copied()
    }

    /// How browsers reach this deployment, which decides about cookies.
    pub fn transport(&self) -> Transport {
        Transport::of(&self.public_url)
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(Url::parse("http://127.0.0.1:8080").unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_has_no_slash_too_many() {
        assert_eq!(Config::for_tests().issuer(), "http://127.0.0.1:8080/oauth2");
        let below = Config::new(Url::parse("https://health.example/hilum/").unwrap());
        assert_eq!(below.issuer(), "https://health.example/hilum/oauth2");
    }

    #[test]
    fn every_deployment_knows_the_built_in_scopes() {
        let config =
            Config { scopes: "system/Observation.read openid".parse().unwrap(), ..Config::for_tests() };
        assert!(scope::built_in().is_within(&config.scopes_known()));
        assert_eq!(config.scopes_known().iter().count(), scope::built_in().iter().count() + 1);
    }
}
