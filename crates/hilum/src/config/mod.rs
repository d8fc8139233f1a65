//! Settings: one commented default file, a file of the operator's, the environment; later ones win.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::{Table, Value};

mod clients;
mod fhir;
mod integrations;
mod layers;
mod limits;
mod log;
mod mail;
mod pages;
mod people;
mod redis;
mod server;
mod shown;
mod store;
mod tokens;
mod udap;
mod vault;

pub use self::{
    clients::ClientsConfig,
    fhir::FhirConfig,
    integrations::IntegrationsConfig,
    limits::LimitsConfig,
    log::{LogConfig, LogFormat},
    mail::{MailConfig, MailTlsSetting},
    pages::PagesConfig,
    people::PeopleConfig,
    people::SelfRegistration,
    redis::RedisConfig,
    server::{ServerConfig, TlsClientCertificates},
    shown::shown,
    store::{Durability, StoreSection},
    tokens::{DpopNonceSetting, TokensConfig},
    udap::UdapConfig,
    vault::VaultConfig,
};

/// The file that is both the default and the documentation.
pub const DEFAULT: &str = include_str!("../../../../config.default.toml");

/// The operator's file where none is named and this one exists.
pub const USUAL_FILE: &str = "hilum.toml";

/// Everything that can be set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Addresses, TLS and limits of the server.
    pub server: ServerConfig,
    /// The database.
    pub store: StoreSection,
    /// Shared rate limits.
    pub redis: RedisConfig,
    /// The root key.
    pub vault: VaultConfig,
    /// Accounts and sessions.
    pub people: PeopleConfig,
    /// What people see.
    pub pages: PagesConfig,
    /// Who registers applications.
    pub clients: ClientsConfig,
    /// Life of tokens.
    pub tokens: TokensConfig,
    /// Trust communities.
    pub udap: UdapConfig,
    /// Third-party services.
    pub integrations: IntegrationsConfig,
    /// Records of sites.
    pub fhir: FhirConfig,
    /// Rate limits.
    pub limits: LimitsConfig,
    /// Mail that is sent.
    pub mail: MailConfig,
    /// Logs.
    pub log: LogConfig,
}

/// A setting is missing, unknown, or cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{origin}: {message}")]
    NotToml {
        /// Which layer.
        origin: String,
        /// Line, column and what was expected.
        message: String,
    },
    /// There is no such key.
    #[error("{origin}: there is no setting `{key}`{hint}")]
    UnknownKey {
        /// Which layer.
        origin: String,
        /// The key with its section.
        key: String,
        /// The nearest key there is.
        hint: String,
    },
    /// The value does not fit the key.
    #[error("{key}: {message}")]
    BadValue {
        /// The key with its section, or the text that TOML gives.
        key: String,
        /// What would fit.
        message: String,
    },
}

/// What is in force, and the table it was read from.
pub struct Loaded {
    /// The settings, parsed.
    pub config: Config,
    /// The same as a table, for `hilum check`.
    pub table: Table,
    /// The operator's file, if there is one.
    pub file: Option<PathBuf>,
}

/// Read the three layers.
///
/// # Errors
/// Names the layer, the key and, for an unknown one, the nearest key there is.
pub fn load(file: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Loaded, ConfigError> {
    let mut table = layers::parse("config.default.toml", DEFAULT)?;
    let known = layers::known_keys(DEFAULT);
    let file = file.map(Path::to_owned).or_else(|| Path::new(USUAL_FILE).exists().then(|| USUAL_FILE.into()));
    if let Some(path) = &file {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: origin.clone(), source })?;
        layers::merge(&mut table, layers::parse(&origin, &text)?, &known, &origin)?;
    }
    layers::merge(&mut table, layers::from_environment(environment), &known, "environment")?;
    let config = Config::deserialize(Value::Table(table.clone())).map_err(|error| ConfigError::BadValue {
        key: "settings".into(),
        message: error.to_string().trim().into(),
    })?;
    config.validate()?;
    Ok(Loaded { config, table, file })
}

impl Config {
    fn validate(&self) -> Result<(), ConfigError> {
        self.server.validate()?;
        self.store.validate()?;
        self.people.validate()?;
        self.tokens.validate()?;
        self.clients.validate()?;
        self.limits.validate()?;
        self.fhir.validate()?;
        self.integrations.validate()?;
        self.mail.validate()
    }

    /// What is set in a way that is not safe for real data, each with what to do.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.server.warnings();
        warnings.extend(self.store.warnings());
        warnings.extend(self.vault.warnings());
        warnings.extend(self.people.warnings());
        warnings.extend(self.tokens.warnings());
        warnings.extend(self.clients.warnings());
        warnings.extend(self.integrations.warnings());
        warnings.extend(self.mail.warnings());
        warnings
    }
}

/// Shorthand of the sections: the value of a key is outside of what it may be.
fn bad(key: &str, message: &str) -> ConfigError {
    ConfigError::BadValue { key: key.to_owned(), message: message.to_owned() }
}

/// A number that must be within bounds, both included.
fn within(key: &str, value: u64, least: u64, most: u64) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(bad(key, &format!("must be {least} to {most}, is {value}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn loaded(text: &str, pairs: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(Some(file.path()), &environment(pairs))
    }

    #[test]
    fn the_defaults_are_a_whole_configuration() {
        let loaded = loaded("", &[]).unwrap();
        assert_eq!(loaded.config.server.listen.port(), 8080);
        assert!(loaded.config.warnings().iter().all(|w| !w.is_empty()));
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:2\"\n";
        let loaded =
            loaded(text, &[("HILUM__SERVER__LISTEN", "127.0.0.1:3"), ("HILUM_UNRELATED", "x")]).unwrap();
        assert_eq!(loaded.config.server.listen.port(), 3);
        assert_eq!(loaded.config.server.admin_listen.port(), 2);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_one() {
        let error = loaded("[server]\nlisen = \"x\"\n", &[]).err().unwrap().to_string();
        assert!(error.contains("no setting `server.lisen`") && error.contains("server.listen"), "{error}");
        let error = loaded("", &[("HILUM__SERVR__LISTEN", "x")]).err().unwrap().to_string();
        assert!(error.contains("servr.listen"), "{error}");
    }

    #[test]
    fn a_bad_value_names_its_key() {
        for (text, key) in [
            ("[server]\npublic_url = \"http://hilum.example\"\n", "server.public_url"),
            ("[server]\npublic_url = \"https://hilum.example/base\"\n", "server.public_url"),
            ("[server]\ntls_key = \"x\"\n", "server.tls_key"),
            ("[store]\nurl = \"mysql://x\"\n", "store.url"),
            ("[clients]\nregistration = \"open\"\n", "clients.registration_organisation"),
            ("[tokens]\naccess_token_s = 5\n", "tokens.access_token_s"),
            ("[tokens]\nkey_rotation_days = 0\n", "tokens.key_rotation_days"),
            ("[tokens]\nfurther_algorithms = [\"RS512\"]\n", "tokens.further_algorithms"),
            ("[integrations]\nallow_internal = [\"127.0.0.1\"]\n", "integrations.allow_internal"),
        ] {
            let error = loaded(text, &[]).err().unwrap().to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = "[store]\nurl = \"postgres://hilum:hunter2@db/hilum\"\n[vault]\nroot_key = \"c2VjcmV0\"\n\
                    [redis]\nurl = \"rediss://:hunter2@cache:6379\"\n";
        let loaded = loaded(text, &[]).unwrap();
        let shown = shown(&loaded.table);
        assert!(!shown.contains("hunter2") && !shown.contains("c2VjcmV0"), "{shown}");
        assert!(shown.contains("postgres://hilum:***@db/hilum"), "{shown}");
    }
}
