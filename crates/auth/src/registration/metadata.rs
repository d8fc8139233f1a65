//! Client metadata in the words of the protocols, to and from what is registered.  RFC 7591 §2, OpenID Connect Registration §2

use crypto::jose::Algorithm;
use kernel::{Scope, Scopes, Secret, SmartScope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;

use super::RegistrationFault;
use crate::{
    client::{
        AuthMethod, Client, ClientMetadata, Confidentiality, GrantType, Profile, RedirectUri,
        register::Registration,
    },
    token::asker,
};

/// What a client gets that names no scope.
const SCOPE_DEFAULT: &str = "openid profile email";

/// What a client sends. Members that are not known here are left alone (RFC 7591 §2).
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = ClientRegistrationRequest)]
pub(crate) struct RegistrationIn {
    redirect_uris: Vec<String>,
    /// `client_secret_basic` where it is left out.
    token_endpoint_auth_method: Option<String>,
    /// `authorization_code` where it is left out.
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    client_name: Option<String>,
    client_uri: Option<String>,
    logo_uri: Option<String>,
    scope: Option<String>,
    contacts: Vec<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    jwks_uri: Option<String>,
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    software_id: Option<String>,
    software_version: Option<String>,
    software_statement: Option<String>,
    /// `web` or `native`.
    application_type: Option<String>,
    subject_type: Option<String>,
    sector_identifier_uri: Option<String>,
    id_token_signed_response_alg: Option<String>,
    id_token_encrypted_response_alg: Option<String>,
    userinfo_signed_response_alg: Option<String>,
    userinfo_encrypted_response_alg: Option<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    default_max_age: Option<u64>,
    initiate_login_uri: Option<String>,
    post_logout_redirect_uris: Vec<String>,
    backchannel_logout_uri: Option<String>,
    backchannel_logout_session_required: bool,
    require_pushed_authorization_requests: bool,
    dpop_bound_access_tokens: bool,
    tls_client_certificate_bound_access_tokens: bool,
    tls_client_auth_subject_dn: Option<String>,
    tls_client_auth_san_dns: Option<String>,
    tls_client_auth_san_uri: Option<String>,
    /// Ours: the security profile; by what is asked for where it is left out.
    hilum_profile: Option<String>,
    /// Ours: the APIs that it serves (RFC 8707).
    hilum_resources: Vec<String>,
    /// At an update only: has to be the client's own.
    pub(super) client_id: Option<String>,
    /// At an update only: has to be a live secret of the client.
    pub(super) client_secret: Option<String>,
}

/// What is registered (RFC 7591 §3.2.1).
#[derive(Serialize, ToSchema)]
#[schema(as = ClientRegistrationResponse)]
pub(crate) struct RegistrationOut {
    client_id: String,
    /// Seconds since the epoch.
    client_id_issued_at: i64,
    /// Shown when it is drawn, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// 0: it does not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    /// A new one after each update.
    registration_access_token: String,
    registration_client_uri: String,
    #[schema(value_type = Vec<String>)]
    redirect_uris: Vec<RedirectUri>,
    token_endpoint_auth_method: &'static str,
    grant_types: Vec<&'static str>,
    response_types: Vec<&'static str>,
    application_type: &'static str,
    client_name: String,
    client_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    #[schema(value_type = String)]
    scope: Scopes,
    subject_type: &'static str,
    #[schema(value_type = String)]
    id_token_signed_response_alg: Algorithm,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    post_logout_redirect_uris: Vec<RedirectUri>,
    hilum_profile: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hilum_resources: Vec<String>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    metadata: ClientMetadata,
}

impl RegistrationIn {
    /// What the body says, as the form of the portal holds it; what that form cannot say is decided here.
    pub(super) fn read(body: Value) -> Result<Self, RegistrationFault> {
        if !body.is_object() {
            return Err(RegistrationFault::metadata("body", "must be a JSON object"));
        }
        for ours in [
            "registration_access_token",
            "registration_client_uri",
            "client_id_issued_at",
            "client_secret_expires_at",
        ] {
            // RFC 7592 §2.2
            if body.get(ours).is_some() {
                return Err(RegistrationFault::metadata(ours, "is the server's to say"));
            }
        }
        serde_json::from_value(body)
            .map_err(|_| RegistrationFault::metadata("body", "a member has another type than it should have"))
    }

    pub(super) fn registration(&self) -> Result<Registration, RegistrationFault> {
        self.check_not_offered()?;
        let method = self.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
        let grant_types = self.grant_types.clone().unwrap_or_else(|| vec!["authorization_code".to_owned()]);
        self.check_response_types(&grant_types)?;
        self.check_kind()?;
        let scopes = self.scope.clone().unwrap_or_else(|| SCOPE_DEFAULT.to_owned());
        let profile = match &self.hilum_profile {
            Some(profile) => profile.clone(),
            None => profile_by(&scopes, &grant_types, method).as_str().to_owned(),
        };
        if profile == Profile::Legacy.as_str() {
            return Err(RegistrationFault::metadata(
                "hilum_profile",
                "legacy is for an administrator to agree to",
            ));
        }
        let confidentiality = if method == AuthMethod::None.as_str() {
            Confidentiality::Public
        } else {
            Confidentiality::Confidential
        };
        Ok(Registration {
            name: self.client_name.clone().unwrap_or_else(|| self.home().unwrap_or_else(|| "Unnamed".into())),
            uri: self.client_uri.clone().or_else(|| self.home()).unwrap_or_default(),
            confidentiality: confidentiality.as_str().to_owned(),
            profile,
            auth_method: method.to_owned(),
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            grant_types,
            scopes,
            logo_uri: self.logo_uri.clone().unwrap_or_default(),
            token_lifetime_s: None,
            metadata: self.metadata()?,
        })
    }

    fn metadata(&self) -> Result<ClientMetadata, RegistrationFault> {
        Ok(ClientMetadata {
            jwks: self.jwks.clone(),
            jwks_uri: self.jwks_uri.clone(),
            token_endpoint_auth_signing_alg: algorithm(
                "token_endpoint_auth_signing_alg",
                self.token_endpoint_auth_signing_alg.as_deref(),
            )?,
            tls_client_auth_subject_dn: self.tls_client_auth_subject_dn.clone(),
            tls_client_auth_san_dns: self.tls_client_auth_san_dns.clone(),
            tls_client_auth_san_uri: self.tls_client_auth_san_uri.clone(),
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            tls_client_certificate_bound_access_tokens: self.tls_client_certificate_bound_access_tokens,
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            id_token_signed_response_alg: algorithm(
                "id_token_signed_response_alg",
                self.id_token_signed_response_alg.as_deref(),
            )?,
            backchannel_logout_uri: self.backchannel_logout_uri.clone(),
            backchannel_logout_session_required: self.backchannel_logout_session_required,
            initiate_login_uri: self.initiate_login_uri.clone(),
            contacts: self.contacts.clone(),
            policy_uri: self.policy_uri.clone(),
            tos_uri: self.tos_uri.clone(),
            software_id: self.software_id.clone(),
            software_version: self.software_version.clone(),
            default_max_age: self.default_max_age,
            resources: self.hilum_resources.clone(),
            is_dynamic: true,
            ..ClientMetadata::default()
        })
    }

    fn check_not_offered(&self) -> Result<(), RegistrationFault> {
        if self.software_statement.is_some() {
            return Err(RegistrationFault::Refused {
                code: "invalid_software_statement",
                path: "software_statement".into(),
                words: "software statements are not taken here".into(),
            });
        }
        if self.subject_type.as_deref().is_some_and(|kind| kind != "public") {
            return Err(RegistrationFault::metadata("subject_type", "must be public"));
        }
        for (path, asked) in [
            ("sector_identifier_uri", &self.sector_identifier_uri),
            ("id_token_encrypted_response_alg", &self.id_token_encrypted_response_alg),
            ("userinfo_signed_response_alg", &self.userinfo_signed_response_alg),
            ("userinfo_encrypted_response_alg", &self.userinfo_encrypted_response_alg),
        ] {
            if asked.is_some() {
                return Err(RegistrationFault::metadata(path, "is not offered here"));
            }
        }
        Ok(())
    }

    /// RFC 7591 §2.1: response and grant types fit each other.
    fn check_response_types(&self, grants: &[String]) -> Result<(), RegistrationFault> {
        let types = self.response_types.as_deref();
        if types.is_some_and(|types| types.iter().any(|response| response != "code")) {
            return Err(RegistrationFault::metadata("response_types", "must be code"));
        }
        let has_code = grants.iter().any(|grant| grant == GrantType::AuthorizationCode.as_str());
        match types {
            Some([_, ..]) if !has_code => Err(RegistrationFault::metadata(
                "grant_types",
                "must hold authorization_code for the response type code",
            )),
            Some([]) if has_code => Err(RegistrationFault::metadata(
                "response_types",
                "must hold code for the grant authorization_code",
            )),
            _ => Ok(()),
        }
    }

    /// OpenID Connect Registration §2, `application_type`; RFC 8252 §7 lets native applications have web addresses of their own.
    fn check_kind(&self) -> Result<(), RegistrationFault> {
        let is_of_web = |uri: &String| uri.starts_with("https://") || uri.starts_with("http://");
        match self.application_type.as_deref() {
            None | Some("native") => Ok(()),
            Some("web") if self.redirect_uris.iter().all(is_of_web) => Ok(()),
            Some("web") => {
                Err(RegistrationFault::redirect("of a web application must be addresses of the web"))
            }
            Some(_) => Err(RegistrationFault::metadata("application_type", "must be web or native")),
        }
    }

    /// Where the application is at home, as far as its first redirect URI tells.
    fn home(&self) -> Option<String> {
        let url = Url::parse(self.redirect_uris.first()?).ok()?;
        match url.origin() {
            url::Origin::Tuple(..) => Some(url.origin().ascii_serialization()),
            url::Origin::Opaque(_) => Some(format!("{}:/", url.scheme())),
        }
    }
}

impl RegistrationOut {
    pub(super) fn of(client: &Client, issuer: &str, registration_access_token: String) -> Self {
        let is_code = client.may_use(GrantType::AuthorizationCode);
        let is_native = client.redirect_uris.iter().any(RedirectUri::is_claimed_by_system);
        Self {
            client_id: client.client_id.as_str().to_owned(),
            client_id_issued_at: client.created_at.as_seconds(),
            client_secret: None,
            client_secret_expires_at: None,
            registration_access_token,
            registration_client_uri: format!("{issuer}/register/{}", client.client_id.as_str()),
            redirect_uris: client.redirect_uris.clone(),
            token_endpoint_auth_method: client.auth_method.as_str(),
            grant_types: client.grant_types.iter().map(|grant| grant.as_str()).collect(),
            response_types: if is_code { vec!["code"] } else { Vec::new() },
            application_type: if is_native { "native" } else { "web" },
            client_name: client.name.clone(),
            client_uri: client.uri.as_str().to_owned(),
            logo_uri: client.logo_uri.as_ref().map(ToString::to_string),
            scope: client.scopes.clone(),
            subject_type: "public",
            id_token_signed_response_alg: client.id_token_algorithm(),
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            hilum_profile: client.profile.as_str(),
            hilum_resources: client.metadata.resources.clone(),
            // Said above, or no member of the protocol.
            metadata: ClientMetadata {
                id_token_signed_response_alg: None,
                resources: Vec::new(),
                token_by_get: false,
                is_dynamic: false,
                ..client.metadata.clone()
            },
        }
    }
}

impl RegistrationOut {
    /// With a secret that was just drawn.
    pub(super) fn with_secret(self, secret: Option<&Secret<String>>) -> Self {
        Self {
            client_secret: secret.map(|secret| secret.expose().clone()),
            client_secret_expires_at: secret.map(|_| 0),
            ..self
        }
    }
}

fn algorithm(path: &'static str, text: Option<&str>) -> Result<Option<Algorithm>, RegistrationFault> {
    match text {
        None => Ok(None),
        Some(text) => match Algorithm::parse(text) {
            Some(algorithm) => Ok(Some(algorithm)),
            None => Err(RegistrationFault::metadata(path, "is not an algorithm that is offered here")),
        },
    }
}

/// The rules that fit what is asked for, where the client names none.
fn profile_by(scopes: &str, grants: &[String], method: &str) -> Profile {
    let is_smart =
        |scope: &str| scope == "launch" || scope.starts_with("launch/") || SmartScope::is_meant(scope);
    let any_smart = scopes.split(' ').any(is_smart);
    let is_backend =
        grants == [GrantType::ClientCredentials.as_str()] && method == AuthMethod::PrivateKeyJwt.as_str();
    let is_app = grants.iter().any(|grant| grant == GrantType::AuthorizationCode.as_str());
    match (any_smart, is_backend, is_app) {
        (true, true, _) => Profile::SmartBackend,
        (true, false, true) => Profile::SmartAppLaunch,
        _ => Profile::OAuth21,
    }
}

/// What a client that nobody vouches for may not have: anything on its own behalf.
pub(super) fn check_unvouched(registration: &Registration) -> Result<(), RegistrationFault> {
    let allowed =
        [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode].map(GrantType::as_str);
    if !registration.grant_types.iter().all(|grant| allowed.contains(&grant.as_str())) {
        return Err(RegistrationFault::metadata("grant_types", "need an initial access token"));
    }
    let vouched = [super::SCOPE, asker::SCOPE];
    let is_system = |scope: Scope| scope.as_str().starts_with("system/") || vouched.contains(&scope.as_str());
    if registration.scopes.split(' ').filter_map(|scope| scope.parse().ok()).any(is_system) {
        return Err(RegistrationFault::metadata("scope", "for systems needs an initial access token"));
    }
    if !registration.metadata.resources.is_empty() {
        return Err(RegistrationFault::metadata("hilum_resources", "needs an initial access token"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Registration, String> {
        let registration = RegistrationIn::read(body).and_then(|read| read.registration());
        registration.map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let least = read(json!({ "redirect_uris": ["https://app.example:8443/cb"], "unknown": {} })).unwrap();
        assert_eq!(
            (least.auth_method.as_str(), least.confidentiality.as_str()),
            ("client_secret_basic", "confidential")
        );
        assert_eq!(
            (least.grant_types, least.scopes.as_str()),
            (vec!["authorization_code".to_owned()], SCOPE_DEFAULT)
        );
        assert_eq!(
            (least.name.as_str(), least.uri.as_str()),
            ("https://app.example:8443", "https://app.example:8443")
        );
        assert_eq!(least.profile, "oauth21");
        let native = read(json!({ "redirect_uris": ["com.example.app:/cb"], "application_type": "native",
            "token_endpoint_auth_method": "none" }))
        .unwrap();
        assert_eq!((native.confidentiality.as_str(), native.uri.as_str()), ("public", "com.example.app:/"));
    }

    #[test]
    fn the_profile_follows_from_what_is_asked_for() {
        for (body, profile) in [
            (json!({ "scope": "openid email" }), "oauth21"),
            (json!({ "scope": "openid launch/patient patient/*.rs" }), "smart-app-launch-2.2"),
            (json!({ "scope": "openid launch" }), "smart-app-launch-2.2"),
            (
                json!({ "scope": "system/*.rs", "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "private_key_jwt" }),
                "smart-backend",
            ),
            (json!({ "scope": "system/*.rs", "grant_types": ["client_credentials"] }), "oauth21"),
            (json!({ "scope": "openid", "hilum_profile": "fapi2" }), "fapi2"),
        ] {
            assert_eq!(read(body.clone()).unwrap().profile, profile, "{body}");
        }
    }

    #[test]
    fn what_is_not_offered_is_refused_and_named() {
        for (body, words) in [
            (json!({ "subject_type": "pairwise" }), "invalid_client_metadata: subject_type"),
            (
                json!({ "sector_identifier_uri": "https://a.example/s" }),
                "invalid_client_metadata: sector_identifier_uri",
            ),
            (json!({ "software_statement": "e30.e30." }), "invalid_software_statement"),
            (json!({ "response_types": ["token"] }), "invalid_client_metadata: response_types"),
            (json!({ "response_types": [] }), "invalid_client_metadata: response_types"),
            (
                json!({ "response_types": ["code"], "grant_types": ["client_credentials"] }),
                "invalid_client_metadata: grant_types",
            ),
            (json!({ "application_type": "web", "redirect_uris": ["myapp://cb"] }), "invalid_redirect_uri"),
            (json!({ "application_type": "service" }), "invalid_client_metadata: application_type"),
            (
                json!({ "id_token_signed_response_alg": "none" }),
                "invalid_client_metadata: id_token_signed_response_alg",
            ),
            (
                json!({ "token_endpoint_auth_signing_alg": "HS512" }),
                "invalid_client_metadata: token_endpoint_auth_signing_alg",
            ),
            (
                json!({ "userinfo_signed_response_alg": "RS256" }),
                "invalid_client_metadata: userinfo_signed_response_alg",
            ),
            (json!({ "hilum_profile": "legacy" }), "invalid_client_metadata: hilum_profile"),
            (json!({ "redirect_uris": "https://a.example/" }), "invalid_client_metadata: body"),
            (json!({ "client_id_issued_at": 1 }), "invalid_client_metadata: client_id_issued_at"),
            (json!([]), "invalid_client_metadata: body"),
        ] {
            let refused = read(body.clone()).err().unwrap_or_default();
            assert!(refused.starts_with(words), "{body}: {refused}");
        }
    }

    #[test]
    fn whom_nobody_vouches_for_acts_for_people_only() {
        for (body, is_refused) in [
            (json!({ "scope": "openid patient/*.rs" }), false),
            (json!({ "scope": "openid", "grant_types": ["client_credentials"] }), true),
            (json!({ "scope": "openid", "grant_types": ["authorization_code", "client_credentials"] }), true),
            (json!({ "scope": "openid system/*.rs" }), true),
            (json!({ "scope": "openid client:register" }), true),
            (json!({ "scope": "openid token:introspect" }), true),
            (json!({ "scope": "openid", "hilum_resources": ["https://a.example/api"] }), true),
        ] {
            assert_eq!(check_unvouched(&read(body.clone()).unwrap()).is_err(), is_refused, "{body}");
        }
    }
}
