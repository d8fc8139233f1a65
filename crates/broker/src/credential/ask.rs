//! Asking a token endpoint, in the provider's way.  RFC 6749 §4.1.3, §6; RFC 7523 §2.2

use std::time::Duration;

use crypto::jose::{Algorithm, SigningKey};
use http::{HeaderName, HeaderValue, header};
use kernel::{Secret, World};
use serde::Serialize;
use url::{Url, form_urlencoded};

use crate::{
    integration::IntegrationFault,
    outbound::Call,
    provider::{ClientAuthentication, OAuth2Code, Settings, TextTemplate},
};

/// The life of a client assertion: SMART allows five minutes, and a call takes seconds.
const ASSERTION_TTL: Duration = Duration::from_secs(240);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What proves this deployment at the third party.
pub(crate) struct ClientProof {
    pub client_id: String,
    pub secret: Option<Secret<String>>,
    /// PKCS#8, DER.
    pub private_key: Option<Secret<Vec<u8>>>,
}

/// What is asked for.
pub(crate) enum Grant<'a> {
    /// Tokens for a code.
    Code { code: &'a Secret<String>, redirect_uri: &'a str, verifier: Option<&'a str> },
    /// New tokens for a refresh token.
    Refresh { token: &'a Secret<String> },
    /// The end of a token (RFC 7009 §2.1).
    Revoke { token: &'a Secret<String>, hint: &'static str },
}

/// A request to the token endpoint, or to the revocation endpoint, before it is written down.
pub(crate) struct TokenRequest<'a> {
    pub code: &'a OAuth2Code,
    pub settings: &'a Settings,
    pub proof: &'a ClientProof,
    pub authentication: Option<ClientAuthentication>,
    pub grant: Grant<'a>,
}

impl TokenRequest<'_> {
    /// The call to `url`.
    pub fn write(&self, world: &World, url: Url) -> Result<Call, IntegrationFault> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.write_grant(&mut form);
        let (mut url, mut headers) = (url, http::HeaderMap::new());
        match &self.authentication {
            None => {}
            Some(ClientAuthentication::Basic) => {
                headers.insert(header::AUTHORIZATION, self.basic()?);
            }
            Some(ClientAuthentication::Body) => {
                form.append_pair("client_id", &self.proof.client_id);
                form.append_pair("client_secret", self.secret()?.expose());
            }
            Some(ClientAuthentication::Query) => {
                let secret = self.secret()?;
                url.query_pairs_mut()
                    .append_pair("client_id", &self.proof.client_id)
                    .append_pair("client_secret", secret.expose());
            }
            Some(ClientAuthentication::PrivateKeyJwt { algorithm }) => {
                form.append_pair("client_id", &self.proof.client_id);
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &self.assertion(world, algorithm, &url)?);
            }
            Some(ClientAuthentication::None) => {
                form.append_pair("client_id", &self.proof.client_id);
            }
        }
        for (name, value) in self.parameters() {
            form.append_pair(name, value.fill(self.settings)?.expose());
        }
        let mut call = Call::form(url, &form.finish());
        call.headers.extend(headers);
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &self.code.extra_headers {
            let name =
                HeaderName::try_from(name).map_err(|_| IntegrationFault::Catalogue("extra_headers"))?;
            call.headers.insert(name, sensitive(value.fill(self.settings)?.expose())?);
        }
        Ok(call)
    }

    fn write_grant(&self, form: &mut form_urlencoded::Serializer<'_, String>) {
        match &self.grant {
            Grant::Code { code, redirect_uri, verifier } => {
                form.append_pair("grant_type", "authorization_code");
                form.append_pair("code", code.expose());
                form.append_pair("redirect_uri", redirect_uri);
                if let Some(verifier) = verifier {
                    form.append_pair("code_verifier", verifier);
                }
            }
            Grant::Refresh { token } => {
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", token.expose());
            }
            Grant::Revoke { token, hint } => {
                form.append_pair("token", token.expose());
                form.append_pair("token_type_hint", hint);
            }
        }
    }

    fn parameters(&self) -> Vec<(&String, &TextTemplate)> {
        match self.grant {
            Grant::Code { .. } => self.code.token_params.iter().collect(),
            Grant::Refresh { .. } => self.code.token_params.iter().chain(&self.code.refresh_params).collect(),
            Grant::Revoke { .. } => Vec::new(),
        }
    }

    fn secret(&self) -> Result<&Secret<String>, IntegrationFault> {
        self.proof.secret.as_ref().ok_or(IntegrationFault::NoSecret)
    }

    /// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
    fn basic(&self) -> Result<HeaderValue, IntegrationFault> {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(&self.proof.client_id), encode(self.secret()?.expose()));
        sensitive(&format!("Basic {}", crypto::b64::encode_standard(pair)))
    }

    fn assertion(&self, world: &World, algorithm: &str, audience: &Url) -> Result<String, IntegrationFault> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            sub: &'a str,
            aud: &'a str,
            exp: i64,
            iat: i64,
            jti: String,
        }
        let algorithm = Algorithm::parse(algorithm).ok_or(IntegrationFault::Catalogue("jwt_algorithms"))?;
        let der = self.proof.private_key.as_ref().ok_or(IntegrationFault::NoPrivateKey)?;
        let key = SigningKey::from_pkcs8(algorithm, der)?;
        let now = world.now();
        let claims = Claims {
            iss: &self.proof.client_id,
            sub: &self.proof.client_id,
            aud: audience.as_str(),
            exp: (now + ASSERTION_TTL).as_seconds(),
            iat: now.as_seconds(),
            jti: crypto::b64::encode(world.random::<16>()),
        };
        Ok(key.sign("JWT", &claims)?)
    }
}

/// A header value that no log shows.
pub(crate) fn sensitive(text: &str) -> Result<HeaderValue, IntegrationFault> {
    let mut value = HeaderValue::from_str(text).map_err(|_| IntegrationFault::Catalogue("header"))?;
    value.set_sensitive(true);
    Ok(value)
}
