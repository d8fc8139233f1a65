//! What a registration says besides name, addresses, grants and scopes.  RFC 7591 §2, OpenID Connect Registration §2, RFC 8705 §2.1.2,
//! OpenID Connect Back-Channel Logout §2.2

use crypto::jose::{Algorithm, Jwks};
use kernel::Issue;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{AuthMethod, URI_BYTES_MAX};
use crate::keys;

/// The longest text of a member that people read, in bytes.
const TEXT_BYTES_MAX: usize = 500;

/// How many contacts, resources and audiences a client may name, each.
pub const LIST_MAX: usize = 20;

/// The members that a client may leave out; each is checked by [`ClientMetadata::issues`] before it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// Its public keys, as a JWK set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where its public keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The one algorithm that its assertions are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<Algorithm>,
    /// The subject of its TLS certificate, in the form of RFC 4514.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// A DNS name in its TLS certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// A URI in its TLS certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// Whether its tokens are always bound to a DPoP key.
    #[serde(skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens: bool,
    /// Whether its tokens are always bound to its TLS certificate.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Whether its authorization requests are always pushed.
    #[serde(skip_serializing_if = "is_false")]
    pub require_pushed_authorization_requests: bool,
    /// What its ID tokens are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Where it hears that a session has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it needs the session's id there.
    #[serde(skip_serializing_if = "is_false")]
    pub backchannel_logout_session_required: bool,
    /// Where a launch from a clinical system begins (SMART App Launch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Whom to ask about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// How it handles data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Which software it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Which version of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// The age of a sign-in that it takes where its request says nothing, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u64>,
    /// The APIs that it serves: tokens can be made for them, and it may ask about these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Whether it may ask for tokens by `GET` with a form in the body (contract 2, rulings); of `legacy` clients only.
    #[serde(skip_serializing_if = "is_false")]
    pub token_by_get: bool,
    /// Whether it registered itself.
    #[serde(skip_serializing_if = "is_false")]
    pub is_dynamic: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl ClientMetadata {
    /// Every member at fault.
    pub fn issues(&self, method: AuthMethod) -> Vec<Issue> {
        let mut issues = Vec::new();
        self.check_keys(method, &mut issues);
        for (field, uri) in [
            ("jwks_uri", &self.jwks_uri),
            ("backchannel_logout_uri", &self.backchannel_logout_uri),
            ("initiate_login_uri", &self.initiate_login_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
        ] {
            if uri.as_deref().is_some_and(|uri| !is_web_address(uri)) {
                issues.push(Issue::at(
                    field,
                    "must be an https address without a fragment (http on loopback only)",
                ));
            }
        }
        for (field, text) in [
            ("software_id", &self.software_id),
            ("software_version", &self.software_version),
            ("tls_client_auth_subject_dn", &self.tls_client_auth_subject_dn),
            ("tls_client_auth_san_dns", &self.tls_client_auth_san_dns),
            ("tls_client_auth_san_uri", &self.tls_client_auth_san_uri),
        ] {
            if text.as_deref().is_some_and(|text| !is_short_text(text)) {
                issues.push(Issue::at(field, "must be 1 to 500 bytes of text"));
            }
        }
        if self.contacts.len() > LIST_MAX || !self.contacts.iter().all(|text| is_short_text(text)) {
            issues.push(Issue::at("contacts", "must be at most 20 short texts"));
        }
        if self.resources.len() > LIST_MAX || !self.resources.iter().all(|uri| is_resource(uri)) {
            issues.push(Issue::at("resources", "must be at most 20 absolute addresses without a fragment"));
        }
        if self.id_token_signed_response_alg.is_some_and(|alg| !keys::OFFERED.contains(&alg)) {
            issues
                .push(Issue::at("id_token_signed_response_alg", "is none with which tokens are signed here"));
        }
        issues
    }

    fn check_keys(&self, method: AuthMethod, issues: &mut Vec<Issue>) {
        let set = self.jwks.as_ref().map(|set| Jwks::from_json(set.to_string().as_bytes()));
        match (&set, &self.jwks_uri) {
            (Some(_), Some(_)) => issues.push(Issue::at("jwks", "goes with no jwks_uri")),
            (Some(Err(_)), None) => issues.push(Issue::at("jwks", "is not a JWK set")),
            (Some(Ok(set)), None) if set.is_empty() => {
                issues.push(Issue::at("jwks", "holds no public key for signatures that is taken here"));
            }
            (None, None) if method.has_keys() => {
                issues.push(Issue::at("jwks", "is needed by this way to authenticate, or jwks_uri"));
            }
            _ => {}
        }
        let named =
            [&self.tls_client_auth_subject_dn, &self.tls_client_auth_san_dns, &self.tls_client_auth_san_uri];
        let named = named.into_iter().flatten().count();
        if method == AuthMethod::TlsClientAuth && named != 1 {
            issues.push(Issue::at("tls_client_auth_subject_dn", "or one name in the certificate, is needed"));
        }
    }
}

/// `https`, or `http` on loopback where a developer tries something; no fragment, no user.
fn is_web_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    text.len() <= URI_BYTES_MAX
        && (url.scheme() == "https" || url.scheme() == "http" && is_loopback)
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// RFC 8707 §2: absolute, no fragment.
pub(crate) fn is_resource(text: &str) -> bool {
    text.len() <= URI_BYTES_MAX
        && Url::parse(text).is_ok_and(|url| url.fragment().is_none() && url.has_host())
}

fn is_short_text(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(metadata: &ClientMetadata, method: AuthMethod) -> Vec<String> {
        metadata.issues(method).into_iter().map(|issue| issue.path.into_owned()).collect()
    }

    #[test]
    fn every_member_at_fault_is_named() {
        let basic = AuthMethod::ClientSecretBasic;
        let none = ClientMetadata::default;
        assert_eq!(fields(&none(), basic), Vec::<String>::new());
        assert_eq!(serde_json::to_string(&none()).unwrap(), "{}");
        let text = |text: &str| Some(text.to_owned());
        let empty_set = Some(serde_json::json!({ "keys": [] }));
        for (metadata, method, field) in [
            (none(), AuthMethod::PrivateKeyJwt, "jwks"),
            (none(), AuthMethod::TlsClientAuth, "tls_client_auth_subject_dn"),
            (ClientMetadata { jwks: empty_set.clone(), ..none() }, AuthMethod::PrivateKeyJwt, "jwks"),
            (ClientMetadata { jwks: Some("x".into()), ..none() }, basic, "jwks"),
            (
                ClientMetadata { jwks: empty_set, jwks_uri: text("https://a.example/"), ..none() },
                basic,
                "jwks",
            ),
            (ClientMetadata { jwks_uri: text("http://a.example/"), ..none() }, basic, "jwks_uri"),
            (ClientMetadata { tos_uri: text("javascript:x"), ..none() }, basic, "tos_uri"),
            (ClientMetadata { policy_uri: text("https://a:b@c.example/"), ..none() }, basic, "policy_uri"),
            (ClientMetadata { software_id: text(""), ..none() }, basic, "software_id"),
            (ClientMetadata { contacts: vec!["a\nb".into()], ..none() }, basic, "contacts"),
            (ClientMetadata { resources: vec!["/relative".into()], ..none() }, basic, "resources"),
            (
                ClientMetadata { id_token_signed_response_alg: Some(Algorithm::Ps512), ..none() },
                basic,
                "id_token_signed_response_alg",
            ),
        ] {
            assert_eq!(fields(&metadata, method), [field], "{metadata:?}");
        }
    }
}
