//! `[server]`

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;
use url::Url;
use web::Networks;

use super::{ConfigError, bad, within};

/// Addresses, TLS and limits of the server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where everybody calls.
    pub listen: SocketAddr,
    /// Metrics and health.
    pub admin_listen: SocketAddr,
    /// The base URL that everybody sees.
    pub public_url: Url,
    /// PEM file of the certificate chain.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the key.
    pub tls_key: Option<PathBuf>,
    /// Whether clients are asked for certificates.
    pub tls_client_certificates: TlsClientCertificates,
    /// PEM file of the authorities whose certificates prove clients.
    pub tls_client_authorities: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses or networks.
    pub trusted_proxies: Vec<String>,
    /// Connections at once.
    pub connections_max: u32,
    /// Connections at once from one address.
    pub connections_per_address_max: u32,
    /// Bytes of a request body.
    pub body_bytes_max: u32,
    /// Seconds for requests to end after SIGTERM.
    pub shutdown_deadline_s: u64,
}

/// Whether clients are asked for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsClientCertificates {
    /// Nobody is asked.
    Off,
    /// Who has one shows it: in the handshake, or to the TLS proxy, which tells of it in `Client-Cert`.
    Ask,
}

impl From<TlsClientCertificates> for web::ClientCertificates {
    fn from(setting: TlsClientCertificates) -> Self {
        match setting {
            TlsClientCertificates::Off => Self::Off,
            TlsClientCertificates::Ask => Self::Ask,
        }
    }
}

/// Whether only this machine can reach the address.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl ServerConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let bare = self.public_url.path() == "/"
            && self.public_url.query().is_none()
            && self.public_url.fragment().is_none()
            && self.public_url.username().is_empty();
        if !bare {
            return Err(bad(
                "server.public_url",
                "must be scheme, host and port only, such as https://hilum.example.org",
            ));
        }
        match self.public_url.scheme() {
            "https" => {}
            "http" if is_loopback(&self.public_url) => {}
            _ => return Err(bad("server.public_url", "must be https, except on loopback")),
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return Err(bad("server.tls_key", "tls_certificate and tls_key go together"));
        }
        self.proxies()?;
        within("server.connections_max", self.connections_max.into(), 1, 1_000_000)?;
        within("server.connections_per_address_max", self.connections_per_address_max.into(), 1, 1_000_000)?;
        within("server.body_bytes_max", self.body_bytes_max.into(), 1024, 64 * 1024 * 1024)?;
        within("server.shutdown_deadline_s", self.shutdown_deadline_s, 1, 600)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let exposed = !self.listen.ip().is_loopback();
        if exposed && self.tls_certificate.is_none() && self.trusted_proxies.is_empty() {
            warnings.push(
                "server.listen is reachable from outside without TLS and without a trusted proxy: set server.tls_certificate \
                 and server.tls_key, or name the TLS proxy in server.trusted_proxies"
                    .to_owned(),
            );
        }
        if exposed && is_loopback(&self.public_url) {
            warnings.push("server.public_url is a loopback address while server.listen is not: sign-in will fail elsewhere".into());
        }
        if !self.admin_listen.ip().is_loopback() {
            warnings.push(
                "server.admin_listen is not a loopback address: keep metrics off public networks".into(),
            );
        }
        warnings
    }

    /// The trusted proxies, parsed.
    pub(crate) fn proxies(&self) -> Result<Networks, ConfigError> {
        let parsed: Result<Networks, _> = self.trusted_proxies.iter().map(|text| text.parse()).collect();
        parsed.map_err(|_| {
            bad("server.trusted_proxies", "must be addresses or networks, such as 192.0.2.7 or 10.0.0.0/8")
        })
    }
}
