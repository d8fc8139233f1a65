//! From a SMART discovery document to an authorization code grant.  SMART App Launch 2.2 §conformance

use std::collections::BTreeSet;

use serde::Deserialize;
use url::Url;

use super::{
    ClientAuthKind, ClientType, OAuth2Code, Pkce, Revoke, RevokeClientAuth, RevokeHow, RevokeToken,
    SettingFault, Settings, Smart, TextTemplate, UrlTemplate,
};

/// The parts of `/.well-known/smart-configuration` (or of an OpenID discovery document) that linking needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SmartConfiguration {
    /// The issuer, where OpenID Connect is spoken.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The authorization endpoint.
    pub authorization_endpoint: Url,
    /// The token endpoint.
    pub token_endpoint: Url,
    /// The revocation endpoint.
    #[serde(default)]
    pub revocation_endpoint: Option<Url>,
    /// The introspection endpoint.
    #[serde(default)]
    pub introspection_endpoint: Option<Url>,
    /// The UserInfo endpoint.
    #[serde(default)]
    pub userinfo_endpoint: Option<Url>,
    /// How clients may prove themselves.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The algorithms of a client's assertion.
    #[serde(default)]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// PKCE methods.
    #[serde(default)]
    pub code_challenge_methods_supported: Vec<String>,
}

/// A discovery document does not lead to a grant that may be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryFault {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Setting(#[from] SettingFault),
    /// An endpoint is not reached over TLS.
    #[error("{0} is no https address")]
    Plain(&'static str),
    /// An endpoint is on another host than the one that is known.
    #[error("{0} is not where this provider is known to have it")]
    Elsewhere(&'static str),
    /// The document speaks for someone else.
    #[error("the document's issuer is not the one that is expected")]
    Issuer,
    /// The integration's way to prove itself is not offered.
    #[error("none of the provider's ways to authenticate a client is offered by the tenant")]
    ClientAuthentication,
}

/// Algorithms that we can sign an assertion with, the best first.
const ALGORITHMS: [&str; 6] = ["ES384", "RS384", "ES256", "RS512", "RS256", "EdDSA"];

impl Smart {
    /// Where the tenant's discovery document is.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn discovery_address(&self, settings: &Settings) -> Result<Url, SettingFault> {
        if let Some(known) = &self.discovery_url {
            return known.fill(settings);
        }
        let mut url = self.fhir_base_url.fill(settings)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend([".well-known", "smart-configuration"]);
        }
        Ok(url)
    }

    /// The tenant's authorization code grant. `aud` of the authorization request is the FHIR base address.
    ///
    /// # Errors
    /// The document names another issuer, an endpoint without TLS, or no way to authenticate that we have.
    pub fn code_flow(
        &self,
        found: &SmartConfiguration,
        settings: &Settings,
    ) -> Result<OAuth2Code, DiscoveryFault> {
        let endpoint = |name: &'static str, url: &Url| {
            let template = UrlTemplate::from(url.clone());
            template.fill(settings).map(|_| template).map_err(|_| DiscoveryFault::Plain(name))
        };
        let optional = |name, url: &Option<Url>| url.as_ref().map(|url| endpoint(name, url)).transpose();
        self.check_issuer(found, settings)?;
        let known = [
            ("authorization_endpoint", &self.authorize_url, &found.authorization_endpoint),
            ("token_endpoint", &self.token_url, &found.token_endpoint),
        ];
        for (name, known, found) in known {
            if let Some(known) = known
                && known.fill(settings)?.origin() != found.origin()
            {
                return Err(DiscoveryFault::Elsewhere(name));
            }
        }
        let revocation = optional("revocation_endpoint", &found.revocation_endpoint)?;
        let issuer = found.issuer.as_deref().and_then(|text| Url::parse(text).ok()).map(UrlTemplate::from);
        let mut authorize_params = self.authorize_params.clone();
        let fhir_base = self.fhir_base_url.fill(settings)?;
        let audience = fhir_base.as_str().trim_end_matches('/').to_owned();
        authorize_params.entry(String::from("aud")).or_insert_with(|| TextTemplate::literal(audience));
        Ok(OAuth2Code {
            authorize_url: endpoint("authorization_endpoint", &found.authorization_endpoint)?,
            authorize_url_mobile: None,
            token_url: endpoint("token_endpoint", &found.token_endpoint)?,
            refresh_url: None,
            revoke: revocation.map(rfc7009).or_else(|| self.revoke.clone()),
            introspect_url: optional("introspection_endpoint", &found.introspection_endpoint)?
                .or_else(|| self.introspect_url.clone()),
            userinfo_url: optional("userinfo_endpoint", &found.userinfo_endpoint)?,
            discovery_url: None,
            user_grants_url: self.user_grants_url.clone(),
            issuer,
            client_auth: self.client_auth_of(found)?,
            jwt_algorithms: self.algorithms_of(found),
            pkce: self.pkce_of(found),
            openid: self.default_scopes.iter().any(|scope| scope == "openid"),
            authorize_params,
            token_params: Default::default(),
            refresh_params: Default::default(),
            extra_headers: Default::default(),
            scope_separator: String::from(" "),
            default_scopes: self.default_scopes.clone(),
            token: self.token.clone(),
            response: self.response.clone(),
            code_ttl_s: None,
            consent_ttl_s: None,
            notes: self.notes.clone(),
        })
    }

    fn check_issuer(&self, found: &SmartConfiguration, settings: &Settings) -> Result<(), DiscoveryFault> {
        let Some(expected) = &self.issuer else { return Ok(()) };
        let expected = expected.fill(settings)?;
        let same = |text: &str| text.trim_end_matches('/') == expected.as_str().trim_end_matches('/');
        match found.issuer.as_deref() {
            Some(text) if same(text) => Ok(()),
            Some(_) => Err(DiscoveryFault::Issuer),
            // SMART servers without OpenID Connect need not name one.
            None => Ok(()),
        }
    }

    fn client_auth_of(&self, found: &SmartConfiguration) -> Result<Vec<ClientAuthKind>, DiscoveryFault> {
        if self.client_type == Some(ClientType::Public) && self.client_auth.is_empty() {
            return Ok(vec![ClientAuthKind::None]);
        }
        let methods = &found.token_endpoint_auth_methods_supported;
        if methods.is_empty() {
            return Ok(self.client_auth.clone());
        }
        let offered = methods.iter().filter_map(|method| match method.as_str() {
            "private_key_jwt" => Some(ClientAuthKind::PrivateKeyJwt),
            "client_secret_basic" => Some(ClientAuthKind::Basic),
            "client_secret_post" => Some(ClientAuthKind::Body),
            _ => None,
        });
        let offered: Vec<ClientAuthKind> = offered.collect();
        let usable = match self.client_auth.is_empty() {
            true => offered,
            false => self.client_auth.iter().copied().filter(|kind| offered.contains(kind)).collect(),
        };
        if usable.is_empty() { Err(DiscoveryFault::ClientAuthentication) } else { Ok(usable) }
    }

    fn algorithms_of(&self, found: &SmartConfiguration) -> Vec<String> {
        let offered: BTreeSet<&str> =
            found.token_endpoint_auth_signing_alg_values_supported.iter().map(String::as_str).collect();
        let known: Vec<&str> = match self.jwt_algorithms.is_empty() {
            true => ALGORITHMS.to_vec(),
            false => self.jwt_algorithms.iter().map(String::as_str).collect(),
        };
        let fits = |algorithm: &&str| offered.is_empty() || offered.contains(algorithm);
        known.into_iter().filter(fits).map(str::to_owned).collect()
    }

    fn pkce_of(&self, found: &SmartConfiguration) -> Pkce {
        let offered = found.code_challenge_methods_supported.iter().any(|method| method == "S256");
        match self.pkce {
            Pkce::Unconfirmed | Pkce::NotUsed if offered => Pkce::SupportedS256,
            known => known,
        }
    }
}

fn rfc7009(url: UrlTemplate) -> Revoke {
    Revoke {
        method: String::from("POST"),
        url,
        how: RevokeHow::Rfc7009 { token: RevokeToken::RefreshToken, client_auth: RevokeClientAuth::AsToken },
        already_revoked: Vec::new(),
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::Secret;
    use serde_json::json;

    use super::*;
    use crate::provider::{Auth, Catalogue, Provider};

    fn provider(id: &str) -> Arc<Provider> {
        Arc::clone(Catalogue::built_in().unwrap().get(id).unwrap())
    }

    fn smart(provider: &Provider) -> &Smart {
        match &provider.auth {
            Auth::SmartDiscovery(smart) => smart,
            _ => panic!("another kind"),
        }
    }

    fn at(provider: &Provider, name: &str, value: &str) -> Settings {
        provider.settings([(name.to_owned(), Secret::new(value.to_owned()))]).unwrap()
    }

    fn found(change: &serde_json::Value) -> SmartConfiguration {
        let mut document = json!({
            "issuer": "https://fhir.example.org/oauth2",
            "authorization_endpoint": "https://fhir.example.org/oauth2/authorize",
            "token_endpoint": "https://fhir.example.org/oauth2/token",
            "revocation_endpoint": "https://fhir.example.org/oauth2/revoke",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-standalone"],
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_tenant_becomes_an_authorization_code_grant() {
        let epic = provider("epic");
        let settings = at(&epic, "fhir_base_url", "https://fhir.example.org/R4/");
        let address = smart(&epic).discovery_address(&settings).unwrap();
        assert_eq!(address.as_str(), "https://fhir.example.org/R4/.well-known/smart-configuration");
        let code = smart(&epic).code_flow(&found(&json!({})), &settings).unwrap();
        assert_eq!(code.token_url.to_string(), "https://fhir.example.org/oauth2/token");
        assert_eq!(
            code.authorize_params["aud"].fill(&settings).unwrap().expose(),
            "https://fhir.example.org/R4"
        );
        assert_eq!(code.client_auth, [ClientAuthKind::PrivateKeyJwt, ClientAuthKind::Basic]);
        assert_eq!(code.jwt_algorithms, ["RS384"]);
        assert_eq!(
            code.issuer.map(|issuer| issuer.to_string()).as_deref(),
            Some("https://fhir.example.org/oauth2")
        );
        assert!(code.openid && code.pkce.is_sent() && code.revoke.is_some());
    }

    #[test]
    fn documents_that_lead_astray_are_refused() {
        let epic = provider("epic");
        let settings = at(&epic, "fhir_base_url", "https://fhir.example.org/R4");
        let refused = |change| smart(&epic).code_flow(&found(&change), &settings).unwrap_err();
        assert_eq!(
            refused(json!({"token_endpoint": "http://fhir.example.org/token"})),
            DiscoveryFault::Plain("token_endpoint")
        );
        assert_eq!(
            refused(
                json!({"token_endpoint_auth_methods_supported": ["tls_client_auth", "client_secret_jwt", "x"]})
            ),
            DiscoveryFault::ClientAuthentication
        );
        let oracle = provider("oracle-health");
        let settings = at(&oracle, "tenant", "t1");
        let issuer = "https://authorization.cerner.com/tenants/t1";
        let elsewhere = smart(&oracle).code_flow(&found(&json!({"issuer": issuer})), &settings).unwrap_err();
        assert_eq!(elsewhere, DiscoveryFault::Elsewhere("authorization_endpoint"));
        let other = smart(&oracle).code_flow(&found(&json!({})), &settings).unwrap_err();
        assert_eq!(other, DiscoveryFault::Issuer);
    }

    #[test]
    fn a_public_client_sends_no_secret() {
        let aetna = provider("aetna");
        let settings = at(&aetna, "fhir_base_url", "https://fhir.example.org/R4");
        let code = smart(&aetna).code_flow(&found(&json!({})), &settings).unwrap();
        assert_eq!(code.client_auth, [ClientAuthKind::None]);
    }
}
