//! Asking a token endpoint, in the provider's way.  RFC 6749 §4.1.3, §6; RFC 7523 §2.2

use std::time::Duration;

use crypto::jose::{Algorithm, SigningKey};
use http::{HeaderName, HeaderValue, header};
use kernel::{Secret, World};
use outbound::Call;
use serde::Serialize;
use url::{Url, form_urlencoded};

use crate::{
    integration::IntegrationFault,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crypto::jose::{Algorithm, Expect, Jwks, SigningKey, Typ};

    use super::*;
    use crate::provider::{Auth, Catalogue, ClientAuthKind};

    fn flow(kind: ClientAuthKind) -> (OAuth2Code, Settings) {
        let sandbox = Catalogue::built_in().unwrap().get("sandbox").unwrap().clone();
        let address = Secret::new("http://127.0.0.1:1".to_owned());
        let settings = sandbox.settings([("base_url".to_owned(), address)]).unwrap();
        let Auth::OAuth2Code(code) = &sandbox.auth else { panic!() };
        let mut code = OAuth2Code::clone(code);
        code.client_auth = vec![kind];
        code.jwt_algorithms = vec!["ES384".to_owned()];
        code.token_params = BTreeMap::from([("action".to_owned(), TextTemplate::literal("requesttoken"))]);
        (code, settings)
    }

    fn written(kind: ClientAuthKind, proof: &ClientProof) -> (Call, BTreeMap<String, String>) {
        let (code, settings) = flow(kind);
        let (world, token) = (world(), Secret::new("r+1".to_owned()));
        let authentication = Some(code.client_authentication());
        let grant = Grant::Refresh { token: &token };
        let request = TokenRequest { code: &code, settings: &settings, proof, authentication, grant };
        let call = request.write(&world, Url::parse("https://op.example/token").unwrap()).unwrap();
        let form = form_urlencoded::parse(&call.body).into_owned().collect();
        (call, form)
    }

    fn world() -> World {
        testkit::world().0
    }

    fn proof() -> ClientProof {
        let secret = Some(Secret::new("s:+ %".to_owned()));
        ClientProof { client_id: "us@home".to_owned(), secret, private_key: None }
    }

    #[test]
    fn each_way_to_prove_oneself_puts_the_secret_where_it_belongs() {
        let (basic, form) = written(ClientAuthKind::Basic, &proof());
        let expected = crypto::b64::encode_standard("us%40home:s%3A%2B+%25");
        assert_eq!(basic.headers["authorization"], format!("Basic {expected}"));
        assert!(basic.headers["authorization"].is_sensitive());
        assert!(!form.contains_key("client_id") && !form.contains_key("client_secret"));
        assert_eq!((form["grant_type"].as_str(), form["refresh_token"].as_str()), ("refresh_token", "r+1"));
        assert_eq!(form["action"], "requesttoken");

        let (body, form) = written(ClientAuthKind::Body, &proof());
        assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("us@home", "s:+ %"));
        assert!(!body.headers.contains_key("authorization") && body.url.query().is_none());

        let (query, form) = written(ClientAuthKind::Query, &proof());
        assert_eq!(query.url.query(), Some("client_id=us%40home&client_secret=s%3A%2B+%25"));
        assert!(!form.contains_key("client_secret"));

        let (none, form) = written(ClientAuthKind::None, &proof());
        assert_eq!(form["client_id"], "us@home");
        assert!(!form.contains_key("client_secret") && !none.headers.contains_key("authorization"));
    }

    #[test]
    fn an_assertion_is_signed_for_this_endpoint_and_ends_soon() {
        let key = SigningKey::generate(Algorithm::Es384).unwrap();
        let private_key = Some(key.to_pkcs8().unwrap());
        let proof = ClientProof { client_id: "us".to_owned(), secret: None, private_key };
        let (call, form) = written(ClientAuthKind::PrivateKeyJwt, &proof);
        assert!(!call.headers.contains_key("authorization"));
        assert_eq!(form["client_assertion_type"], ASSERTION_TYPE);
        let keys = Jwks::new([key.public_jwk().clone()]);
        let now = world().now();
        let expect = Expect {
            issuer: "us",
            audience: "https://op.example/token",
            typ: Typ::Exactly("JWT"),
            algs: &[Algorithm::Es384],
            now,
            leeway_s: 0,
        };
        let claims = crypto::jose::verify(&form["client_assertion"], &keys, &expect).unwrap();
        assert_eq!(claims.subject, "us");
        assert!(claims.token_id.unwrap().len() >= 20);
        assert!(claims.expires_at.since(now) <= Duration::from_secs(300));
    }

    #[test]
    fn a_missing_secret_is_told_before_anything_is_sent() {
        let proof = ClientProof { client_id: "us".to_owned(), secret: None, private_key: None };
        for kind in [
            ClientAuthKind::Basic,
            ClientAuthKind::Body,
            ClientAuthKind::Query,
            ClientAuthKind::PrivateKeyJwt,
        ] {
            let (code, settings) = flow(kind);
            let token = Secret::new(String::new());
            let authentication = Some(code.client_authentication());
            let grant = Grant::Refresh { token: &token };
            let request =
                TokenRequest { code: &code, settings: &settings, proof: &proof, authentication, grant };
            assert!(request.write(&world(), Url::parse("https://op.example/token").unwrap()).is_err());
        }
    }
}
