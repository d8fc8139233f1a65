//! Tokens for a system, not for a person: `client_credentials` with a secret, or with an assertion as SMART Backend Services asks for it.
//! <https://hl7.org/fhir/smart-app-launch/backend-services.html>, RFC 6749 §4.4, RFC 7523 §2.2
//!
//! A token is kept in memory until it runs out, for all connectors of this process to the same source; one of them asks, the others wait for it.

use std::time::Duration;

use crypto::{
    b64,
    jose::{Algorithm, SigningKey},
};
use http::{HeaderValue, header};
use kernel::{Secret, Timestamp};
use outbound::Call;
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::{basic, sensitive};
use crate::connector::{KeptPlace, Paced, PullFault, way::unanswered};

/// A token is used no longer than this, whatever its issuer says.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);
/// A token whose issuer does not say how long it lives is used this long.
const TOKEN_LIFE: Duration = Duration::from_secs(300);
/// So long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);
/// The life of an assertion; SMART allows five minutes.
const ASSERTION_LIFE: Duration = Duration::from_secs(240);
/// The most bytes of an answer with a token, or with where tokens are.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// The endpoint knows us.
pub(in crate::connector) const NOT_FOR_SCOPES: PullFault = PullFault::last(
    "the source gives us no token for these scopes: look at config.scopes, and at what our client may have there",
);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What SMART servers take, in the order in which a key is tried.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es384, Algorithm::Rs384];

/// Where tokens are asked for.
#[derive(Clone)]
pub enum Endpoint {
    /// There.
    At(Url),
    /// Where the server of this base says, in `.well-known/smart-configuration`.
    Discovered(Url),
}

/// How this deployment proves itself at the token endpoint.
#[derive(Clone)]
pub enum Grant {
    /// By a secret, as HTTP Basic (RFC 6749 §2.3.1).
    SecretBasic(Secret<String>),
    /// By a secret in the form.
    SecretPost(Secret<String>),
    /// By an assertion that this key signs: PEM, ES384 or RS384.
    Assertion(Secret<String>),
}

/// The way to tokens of one source.
#[derive(Clone)]
pub struct Tokens {
    /// Where they are asked for.
    pub endpoint: Endpoint,
    /// How.
    pub grant: Grant,
    /// Who this deployment is there.
    pub client_id: String,
    /// What for; empty for whatever the source gives.
    pub scope: String,
    /// The way out: asking for one is a call like any other.
    pub paced: Paced,
    /// Where the token is kept.
    pub kept: KeptPlace<Token>,
}

/// A token that is good for a while.
pub struct Token {
    value: Secret<String>,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<f64>,
}

#[derive(Deserialize)]
struct Configuration {
    token_endpoint: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    jti: String,
}

impl Tokens {
    /// One that is good for a while. Whoever comes meanwhile waits for the same.
    pub(super) async fn get(&self) -> Result<Secret<String>, PullFault> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| self.paced.world().now() < token.until) {
            return Ok(token.value.clone());
        }
        *kept = None;
        let token = self.ask().await?;
        let value = token.value.clone();
        *kept = Some(token);
        Ok(value)
    }

    /// The source does not take it: unless another one is there already, the next call asks for one.
    pub(super) async fn forget(&self, used: &Secret<String>) {
        let mut kept = self.kept.lock().await;
        if kept.as_ref().is_some_and(|token| token.value.expose() == used.expose()) {
            *kept = None;
        }
    }

    async fn ask(&self) -> Result<Token, PullFault> {
        let endpoint = self.endpoint().await?;
        let call = self.request(&endpoint)?;
        let asked_at = self.paced.world().now();
        let answer = self.paced.read(call, ANSWER_BYTES_MAX).await?.map_err(|fault| unanswered(&fault))?;
        let after_s = self.paced.retry_after_s(&answer.headers);
        match answer.status.as_u16() {
            200 => {}
            429 => return Err(PullFault::Again { why: "the token endpoint asks for fewer calls", after_s }),
            408 | 500..=599 => {
                return Err(PullFault::Again { why: "the token endpoint has trouble", after_s });
            }
            300..=399 => return Err(PullFault::last("the token endpoint sends us elsewhere")),
            _ => return Err(refusal(&answer.body)),
        }
        let unreadable = PullFault::last("the token endpoint answers without a token");
        let read: Answer = serde_json::from_slice(&answer.body).map_err(|_| unreadable.clone())?;
        let is_bearer = read.token_type.as_deref().is_none_or(|of| of.eq_ignore_ascii_case("bearer"));
        let value = read.access_token.filter(|token| is_bearer && !token.is_empty()).ok_or(unreadable)?;
        let life = read.expires_in.filter(|life| life.is_finite() && *life >= 0.0);
        let life = life.map_or(TOKEN_LIFE, |life| Duration::from_secs(life as u64)).min(TOKEN_LIFE_MAX);
        // One that lives shorter than the margin is good for this call at least.
        let until = asked_at + life.saturating_sub(MARGIN).max(Duration::from_secs(1));
        Ok(Token { value: Secret::new(value), until })
    }

    async fn endpoint(&self) -> Result<Url, PullFault> {
        let base = match &self.endpoint {
            Endpoint::At(url) => return Ok(url.clone()),
            Endpoint::Discovered(base) => base,
        };
        let url = base.join(".well-known/smart-configuration");
        let mut call = Call::get(url.map_err(|_| PullFault::last("the source's address leads nowhere"))?);
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.paced.read(call, ANSWER_BYTES_MAX).await?.map_err(|fault| unanswered(&fault))?;
        match answer.status.as_u16() {
            200 => {}
            408 | 429 | 500..=599 => {
                return Err(PullFault::again("the source does not say where its tokens are"));
            }
            _ => return Err(PullFault::last("the source does not say where its tokens are")),
        }
        let read: Option<Configuration> = serde_json::from_slice(&answer.body).ok();
        let endpoint = read.and_then(|read| read.token_endpoint).and_then(|text| text.parse::<Url>().ok());
        let endpoint = endpoint.ok_or(PullFault::last("the source does not say where its tokens are"))?;
        // What is asked encrypted is not answered with a place that is not.
        match base.scheme() == "https" && endpoint.scheme() != "https" {
            true => Err(PullFault::last("the source's token endpoint is not encrypted")),
            false => Ok(endpoint),
        }
    }

    fn request(&self, endpoint: &Url) -> Result<Call, PullFault> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scope.is_empty() {
            form.append_pair("scope", &self.scope);
        }
        let mut proof = None;
        match &self.grant {
            Grant::SecretBasic(secret) => {
                let encode =
                    |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                proof = Some(basic(&format!("{}:{}", encode(&self.client_id), encode(secret.expose()))));
            }
            Grant::SecretPost(secret) => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret.expose());
            }
            Grant::Assertion(pem) => {
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &self.assertion(pem, endpoint)?);
            }
        }
        let mut call = Call::form(endpoint.clone(), &form.finish());
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(proof) = proof {
            call.headers.insert(header::AUTHORIZATION, sensitive(&proof)?);
        }
        Ok(call)
    }

    fn assertion(&self, pem: &Secret<String>, endpoint: &Url) -> Result<String, PullFault> {
        let key =
            key(pem).ok_or(PullFault::last("credentials.private_key is no key for ES384 or RS384 in PEM"))?;
        let now = self.paced.world().now();
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: endpoint.as_str(),
            exp: (now + ASSERTION_LIFE).as_seconds(),
            iat: now.as_seconds(),
            jti: b64::encode(self.paced.world().random::<16>()),
        };
        key.sign("JWT", &claims).map_err(|_| PullFault::last("the assertion cannot be signed"))
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
}

/// Why there is no token: of what the endpoint says only the code is looked at.  RFC 6749 §5.2
fn refusal(body: &[u8]) -> PullFault {
    let read: Option<Refusal> = serde_json::from_slice(body).ok();
    match read.and_then(|read| read.error).as_deref() {
        Some("invalid_scope") => NOT_FOR_SCOPES,
        Some("invalid_client" | "unauthorized_client") => PullFault::last(
            "the token endpoint does not know us: is our client registered there, with our key or secret?",
        ),
        _ => PullFault::last("the token endpoint does not know us, or not for these scopes"),
    }
}

fn key(pem: &Secret<String>) -> Option<SigningKey> {
    let pem = Secret::new(pem.expose().as_bytes().to_vec());
    ALGORITHMS.into_iter().find_map(|algorithm| SigningKey::from_pem(algorithm, &pem).ok())
}
