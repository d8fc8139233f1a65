//! `[clients]`

use auth::{organisation::Slug, registration::Policy};
use serde::Deserialize;

use super::ConfigError;

/// Who registers client applications.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsConfig {
    /// Who may let a client register itself (RFC 7591).
    pub registration: Registration,
    /// The short name of the organisation to which clients belong that registered themselves without a token.
    pub registration_organisation: Option<String>,
}

/// Who may let a client register itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody.
    Closed,
    /// Whoever has an initial access token.
    Token,
    /// Anybody.
    Open,
}

impl ClientsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match (self.registration, self.organisation()) {
            (Registration::Open, None) => Err(ConfigError::BadValue {
                key: "clients.registration_organisation".into(),
                message: "names the organisation of open registrations, by its short name".into(),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let open = self.registration == Registration::Open;
        open.then(|| {
            "clients.registration is open: anybody can register an application that asks people".to_owned()
        })
        .into_iter()
        .collect()
    }

    /// The same for the authorization server.
    pub fn policy(&self) -> Policy {
        match (self.registration, self.organisation()) {
            (Registration::Open, Some(slug)) => Policy::Open(slug),
            (Registration::Token, _) => Policy::Token,
            (Registration::Closed, _) | (Registration::Open, None) => Policy::Closed,
        }
    }

    fn organisation(&self) -> Option<Slug> {
        self.registration_organisation.as_deref().and_then(Slug::parse)
    }
}
