//! The same provider in another of its installations.

use std::borrow::Cow;

use kernel::{Fault, Kind};

use super::{Auth, Environment, Provider, UrlTemplate};

/// The provider has no installation of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{provider} has no environment of this name; it has: {known}")]
pub struct UnknownEnvironment {
    provider: String,
    known: String,
}

impl Fault for UnknownEnvironment {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Owned(self.to_string())
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed("settings.environment"))
    }
}

impl Provider {
    /// The provider as it is in an environment (`sandbox`): the addresses that differ there replaced. Without a name,
    /// the provider as it is.
    ///
    /// # Errors
    /// There is no environment of this name.
    pub fn in_environment(&self, name: Option<&str>) -> Result<Cow<'_, Self>, UnknownEnvironment> {
        let Some(name) = name else { return Ok(Cow::Borrowed(self)) };
        let environment = self.environments.get(name).ok_or_else(|| UnknownEnvironment {
            provider: self.id.to_string(),
            known: self.environments.keys().cloned().collect::<Vec<_>>().join(", "),
        })?;
        let mut there = self.clone();
        there.auth.replace(environment);
        if let Some(api) = &mut there.api {
            replace_optional(&mut api.base_url, &environment.base_url);
            replace_optional(&mut api.fhir_base_url, &environment.fhir_base_url);
        }
        Ok(Cow::Owned(there))
    }
}

impl Auth {
    fn replace(&mut self, other: &Environment) {
        match self {
            Self::OAuth2Code(code) => {
                replace(&mut code.authorize_url, &other.authorize_url);
                replace(&mut code.token_url, &other.token_url);
                replace_optional(&mut code.issuer, &other.issuer);
                replace_optional(&mut code.discovery_url, &other.discovery_url);
            }
            Self::SmartDiscovery(smart) => {
                replace(&mut smart.fhir_base_url, &other.fhir_base_url);
                replace_optional(&mut smart.authorize_url, &other.authorize_url);
                replace_optional(&mut smart.token_url, &other.token_url);
                replace_optional(&mut smart.issuer, &other.issuer);
                // A document of the other installation must not speak for this one.
                if other.fhir_base_url.is_some() {
                    smart.discovery_url.clone_from(&other.discovery_url);
                } else {
                    replace_optional(&mut smart.discovery_url, &other.discovery_url);
                }
            }
            Self::ClientCredentials(own) => {
                replace(&mut own.token_url, &other.system_token_url);
                replace(&mut own.token_url, &other.token_url);
                replace_optional(&mut own.authorize_url, &other.authorize_url);
            }
            Self::SessionLogin(login) => replace(&mut login.token_url, &other.token_url),
            Self::OAuth1a(_)
            | Self::ApiKey(_)
            | Self::Basic(_)
            | Self::RequestSignature(_)
            | Self::DeviceSdk(_)
            | Self::AggregatorKey(_) => {}
        }
    }
}

fn replace(here: &mut UrlTemplate, there: &Option<UrlTemplate>) {
    if let Some(there) = there {
        here.clone_from(there);
    }
}

fn replace_optional(here: &mut Option<UrlTemplate>, there: &Option<UrlTemplate>) {
    if there.is_some() {
        here.clone_from(there);
    }
}

#[cfg(test)]
mod tests {
    use crate::provider::{Auth, Catalogue};

    #[test]
    fn addresses_of_the_environment_replace_those_of_the_provider() {
        let catalogue = Catalogue::built_in().unwrap();
        let dexcom = catalogue.get("dexcom").unwrap();
        let there = dexcom.in_environment(Some("sandbox")).unwrap();
        let Auth::OAuth2Code(code) = &there.auth else { panic!("another kind") };
        assert_eq!(code.token_url.to_string(), "https://sandbox-api.dexcom.com/v2/oauth2/token");
        assert_eq!(&*dexcom.in_environment(None).unwrap(), &**dexcom);
        let fault = dexcom.in_environment(Some("moon")).unwrap_err();
        assert_eq!(fault.to_string(), "dexcom has no environment of this name; it has: sandbox");
    }
}
