//! What whoever sets up an integration states: the values of a provider's variables.

use std::{borrow::Cow, collections::BTreeMap};

use kernel::{Fault, Issue, Kind, Secret};
use serde::Deserialize;

use super::{Auth, Provider, Revoke, TextTemplate, Transport, UrlTemplate};

/// The longest value of a setting, in bytes.
pub const SETTING_BYTES_MAX: usize = 2048;

/// Names that are never settings: the engine knows their values. `environment` chooses one of
/// [`Provider::environments`].
pub(super) const RESERVED: [&str; 3] = ["account_id", "session", "environment"];

/// Something that has to be stated to set up an integration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The variable's name.
    pub name: String,
    /// What the form calls it.
    pub title: String,
    /// What a value looks like.
    #[serde(default)]
    pub example: Option<String>,
    /// The value if none is stated.
    #[serde(default)]
    pub default: Option<String>,
    /// The only values there are; empty: any.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether the value goes to the vault and is never shown.
    #[serde(default)]
    pub secret: bool,
    /// Whether the integration works without it.
    #[serde(default)]
    pub optional: bool,
}

/// The settings of one integration. There is no `Debug`: some values are secret.
#[derive(Clone, Default)]
pub struct Settings {
    plain: BTreeMap<String, String>,
    secret: BTreeMap<String, Secret<String>>,
    transport: Transport,
}

impl Settings {
    /// No settings yet.
    pub(super) fn over(transport: Transport) -> Self {
        Self { transport, ..Self::default() }
    }

    /// The values that may be shown: none of them is secret.
    pub fn shown(&self) -> &BTreeMap<String, String> {
        &self.plain
    }

    /// The same, with a value that is known only at run time, such as `account_id`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.plain.insert(name.to_owned(), value.into());
        self
    }

    /// The same, with a secret that is known only at run time, such as `session`.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: Secret<String>) -> Self {
        self.secret.insert(name.to_owned(), value);
        self
    }

    /// Which addresses may be filled.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// A value that is not secret: the only kind that may become part of an address.
    pub(super) fn text(&self, name: &str) -> Result<&str, SettingFault> {
        self.plain.get(name).map(String::as_str).ok_or_else(|| SettingFault::missing(name))
    }

    pub(super) fn any(&self, name: &str) -> Result<&str, SettingFault> {
        let secret = || self.secret.get(name).map(|value| value.expose().as_str());
        self.plain.get(name).map(String::as_str).or_else(secret).ok_or_else(|| SettingFault::missing(name))
    }
}

/// A setting is missing or wrong. The message never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting {name}: {message}")]
pub struct SettingFault {
    name: String,
    message: Cow<'static, str>,
}

impl SettingFault {
    fn of(name: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.to_owned(), message: message.into() }
    }
    pub(super) fn missing(name: &str) -> Self {
        Self::of(name, "must be stated")
    }
    pub(super) fn host(name: &str) -> Self {
        Self::of(name, "must be (a part of) a host name, without scheme, path or user")
    }
    pub(super) fn segment(name: &str) -> Self {
        Self::of(name, "must not be empty, '.' or '..'")
    }
    pub(super) fn base(name: &str) -> Self {
        Self::of(name, "must be an address without query and fragment")
    }
    pub(super) fn control(name: &str) -> Self {
        Self::of(name, "must not hold control characters")
    }
    pub(super) fn address(template: &str, name: Option<&str>) -> Self {
        let message = format!("{template} does not become an https address without user and fragment");
        Self::of(name.unwrap_or("url"), message)
    }
}

impl Fault for SettingFault {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Owned(self.to_string())
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Owned(format!("settings.{}", self.name)))
    }
    fn issues(&self) -> Vec<Issue> {
        vec![Issue::at(format!("settings.{}", self.name), self.message.clone())]
    }
}

impl Provider {
    /// Settings made of what was stated: defaults filled in, every value checked, and every address of the provider
    /// tried with them, so that a wrong value is told when it is stated and not when a person links.
    ///
    /// # Errors
    /// The first setting that is missing, unknown or wrong.
    pub fn settings(
        &self,
        stated: impl IntoIterator<Item = (String, Secret<String>)>,
    ) -> Result<Settings, SettingFault> {
        let mut stated: BTreeMap<String, Secret<String>> = stated.into_iter().collect();
        let mut settings = Settings::over(self.transport);
        for declared in &self.settings {
            let value = match (stated.remove(&declared.name), &declared.default) {
                (Some(value), _) => value,
                (None, Some(default)) => Secret::new(default.clone()),
                (None, None) if declared.optional => continue,
                (None, None) => return Err(SettingFault::missing(&declared.name)),
            };
            declared.check(value.expose())?;
            if declared.secret {
                settings.secret.insert(declared.name.clone(), value);
            } else {
                settings.plain.insert(declared.name.clone(), value.expose().clone());
            }
        }
        if let Some(name) = stated.into_keys().find(|name| name != "environment") {
            return Err(SettingFault::of(&name, format!("is no setting of {}", self.id)));
        }
        self.try_addresses(&settings)?;
        Ok(settings)
    }

    fn try_addresses(&self, settings: &Settings) -> Result<(), SettingFault> {
        let optional = |name: &str| self.settings.iter().any(|s| s.optional && s.name == name);
        for url in self.addresses() {
            let unknown_yet = |name: &str| {
                let given = settings.plain.contains_key(name);
                !given && (RESERVED.contains(&name) || optional(name))
            };
            if !url.variables().any(unknown_yet) {
                url.fill(settings)?;
            }
        }
        Ok(())
    }

    /// Every address in the file outside [`Provider::environments`].
    pub(super) fn addresses(&self) -> Vec<&UrlTemplate> {
        let mut all: Vec<&UrlTemplate> = self.auth.addresses();
        if let Some(api) = &self.api {
            all.extend(api.base_url.iter().chain(&api.fhir_base_url));
        }
        all.extend(self.post_connect.iter().map(|call| &call.url));
        all
    }
}

impl Setting {
    fn check(&self, value: &str) -> Result<(), SettingFault> {
        if value.is_empty() || value.len() > SETTING_BYTES_MAX {
            return Err(SettingFault::of(&self.name, format!("must have 1 to {SETTING_BYTES_MAX} bytes")));
        }
        if value.chars().any(char::is_control) {
            return Err(SettingFault::control(&self.name));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            return Err(SettingFault::of(&self.name, format!("must be one of {}", self.choices.join(", "))));
        }
        Ok(())
    }
}

impl Auth {
    /// Every address of the way to link.
    pub(super) fn addresses(&self) -> Vec<&UrlTemplate> {
        match self {
            Self::OAuth2Code(code) => {
                let mut all = vec![&code.authorize_url, &code.token_url];
                all.extend(&code.authorize_url_mobile);
                all.extend(&code.refresh_url);
                all.extend(code.revoke.iter().flat_map(Revoke::addresses));
                all.extend(code.introspect_url.iter().chain(&code.userinfo_url).chain(&code.discovery_url));
                all.extend(code.user_grants_url.iter().chain(&code.issuer));
                all
            }
            Self::SmartDiscovery(smart) => {
                let mut all = vec![&smart.fhir_base_url];
                all.extend(smart.discovery_url.iter().chain(&smart.issuer).chain(&smart.authorize_url));
                all.extend(smart.token_url.iter().chain(smart.revoke.iter().flat_map(Revoke::addresses)));
                all.extend(smart.introspect_url.iter().chain(&smart.user_grants_url));
                all
            }
            Self::ClientCredentials(own) => {
                let mut all = vec![&own.token_url];
                all.extend(own.authorize_url.iter().chain(own.revoke.iter().flat_map(Revoke::addresses)));
                all.extend(&own.introspect_url);
                all
            }
            Self::SessionLogin(login) => vec![&login.token_url],
            Self::OAuth1a(one) => vec![&one.request_token_url, &one.authorize_url, &one.token_url],
            Self::AggregatorKey(key) => {
                key.session_token_url.iter().chain(&key.legacy_finalise_url).collect()
            }
            Self::ApiKey(_) | Self::Basic(_) | Self::RequestSignature(_) | Self::DeviceSdk(_) => Vec::new(),
        }
    }

    /// Texts that end in an address (parameters of the authorization request): no secret may stand in them.
    pub(super) fn shown_texts(&self) -> Vec<&TextTemplate> {
        match self {
            Self::OAuth2Code(code) => code.authorize_params.values().collect(),
            Self::SmartDiscovery(smart) => smart.authorize_params.values().collect(),
            _ => Vec::new(),
        }
    }

    /// Texts that go to the provider by headers and forms: secrets may stand in them.
    pub(super) fn sent_texts(&self) -> Vec<&TextTemplate> {
        match self {
            Self::OAuth2Code(code) => code
                .token_params
                .values()
                .chain(code.refresh_params.values())
                .chain(code.extra_headers.values())
                .collect(),
            Self::ApiKey(key) => key.headers.values().chain(key.form.values()).collect(),
            Self::SessionLogin(login) => login.headers.values().collect(),
            Self::AggregatorKey(key) => key.headers.values().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Catalogue;

    fn stated(values: &[(&str, &str)]) -> Vec<(String, Secret<String>)> {
        values.iter().map(|(name, value)| (String::from(*name), Secret::new(String::from(*value)))).collect()
    }

    #[track_caller]
    fn outcome(provider: &str, values: &[(&str, &str)]) -> Result<Settings, String> {
        let catalogue = Catalogue::built_in().unwrap();
        catalogue.get(provider).unwrap().settings(stated(values)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_stated_is_checked_at_once() {
        let told = |provider, values: &[_]| outcome(provider, values).err().unwrap_or_default();
        assert_eq!(told("oracle-health", &[("tenant", "t1")]), "");
        assert_eq!(told("oracle-health", &[]), "setting tenant: must be stated");
        assert_eq!(
            told("oracle-health", &[("tenant", "t1"), ("persona", "robot")]),
            "setting persona: must be one of provider, patient"
        );
        assert_eq!(told("fitbit", &[("tenant", "t1")]), "setting tenant: is no setting of fitbit");
        assert_eq!(told("dexcom", &[("environment", "sandbox")]), "");
        assert!(told("qualtrics", &[("subdomain", "evil.org/")]).starts_with("setting subdomain: must be"));
        assert!(
            told("sandbox", &[("base_url", "http://10.0.0.8")]).contains("does not become an https address")
        );
        assert_eq!(told("sandbox", &[("base_url", "http://127.0.0.1:8090")]), "");
        assert_eq!(
            told("suunto", &[("subscription_key", "a\nb")]),
            "setting subscription_key: must not hold control characters"
        );
    }

    #[test]
    fn optional_addresses_may_be_left_out() {
        let needed = [
            ("issuer", "http://127.0.0.1:3000"),
            ("authorize_url", "http://127.0.0.1:3000/auth"),
            ("token_url", "http://127.0.0.1:3000/token"),
            ("revocation_url", "http://127.0.0.1:3000/token/revocation"),
        ];
        assert!(outcome("oidc", &needed).is_ok());
        assert!(outcome("oidc", &needed[1..]).is_err());
    }

    #[test]
    fn a_fault_names_its_field_and_no_value() {
        let catalogue = Catalogue::built_in().unwrap();
        let provider = catalogue.get("qualtrics").unwrap();
        let fault = provider.settings(stated(&[("subdomain", "hunter2/")])).err().unwrap();
        assert_eq!(fault.path().as_deref(), Some("settings.subdomain"));
        assert!(!format!("{fault} {fault:?} {}", fault.public()).contains("hunter2"));
    }
}
