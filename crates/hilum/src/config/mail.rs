//! `[mail]`

use kernel::Secret;
use serde::Deserialize;
use watch::alert::{MailFault, MailSettings, MailTls, Mailer};

use super::{ConfigError, bad};

/// Mail that is sent: alerts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The server; without it no mail is sent.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTlsSetting,
    /// Who the mail is from.
    pub from: Option<String>,
    /// The name to sign in with.
    pub username: Option<String>,
    /// The password that goes with it.
    pub password: Option<Secret<String>>,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTlsSetting {
    /// By STARTTLS; without it nothing is sent.
    StartTls,
    /// From its beginning.
    Implicit,
    /// Not at all.
    Off,
}

impl MailConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.host.is_some() && self.from.is_none() {
            return Err(bad("mail.from", "must say who mail is from where mail.host is set"));
        }
        if self.username.is_some() != self.password.is_some() {
            return Err(bad("mail.password", "mail.username and mail.password go together"));
        }
        match self.mailer() {
            Ok(_) => Ok(()),
            Err(fault @ MailFault::From) => Err(bad("mail.from", &fault.to_string())),
            Err(fault) => Err(bad("mail.host", &fault.to_string())),
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let is_local =
            self.host.as_deref().is_none_or(|host| matches!(host, "localhost" | "127.0.0.1" | "::1"));
        let is_open = self.tls == MailTlsSetting::Off && !is_local;
        is_open
            .then(|| "mail.tls is off: alerts and the password travel in the clear".to_owned())
            .into_iter()
            .collect()
    }

    /// What sends mail; none where no server is set.
    ///
    /// # Errors
    /// A sender that is none, TLS that cannot be set up.
    pub fn mailer(&self) -> Result<Option<Mailer>, MailFault> {
        let Some(host) = &self.host else { return Ok(None) };
        let settings = MailSettings {
            host: host.clone(),
            port: self.port,
            tls: match self.tls {
                MailTlsSetting::StartTls => MailTls::StartTls,
                MailTlsSetting::Implicit => MailTls::Implicit,
                MailTlsSetting::Off => MailTls::None,
            },
            from: self.from.clone().unwrap_or_default(),
            credentials: self.username.clone().zip(self.password.clone()),
        };
        Mailer::new(settings).map(Some)
    }
}
