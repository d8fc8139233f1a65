//! Who we are, to a provider.  RFC 7523 §3, OpenID Connect Core §9

use crypto::{b64, jose::SigningKey};
use http::{HeaderMap, HeaderValue, header};
use kernel::Secret;
use serde::Serialize;
use url::form_urlencoded::byte_serialize;
use vault::TenantVault;

use super::{ClientAuth, Upstream, UpstreamFault, place};
use crate::{Auth, udap::identity_provider};

/// How long an assertion is good, in seconds.
const ASSERTION_LIFE_S: i64 = 60;

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

/// What goes along with the code: form parameters, and a header.
pub(super) struct Proof {
    pub form: Vec<(&'static str, Secret<String>)>,
    pub headers: HeaderMap,
}

/// The proof that this provider wants, for its token endpoint.
pub(super) fn proof(
    auth: &Auth,
    vault: &TenantVault,
    upstream: &Upstream,
    token_endpoint: &str,
) -> Result<Proof, UpstreamFault> {
    let settings = &upstream.settings;
    if let Some(community) = &upstream.community {
        let form = identity_provider::proof(auth, community, &settings.client_id, token_endpoint)?;
        return Ok(Proof { form, headers: HeaderMap::new() });
    }
    let sealed = upstream.secret.as_ref().ok_or(UpstreamFault::Unreadable("our secret there is missing"))?;
    let id = || ("client_id", Secret::new(settings.client_id.clone()));
    let mut headers = HeaderMap::new();
    let form = match settings.client_auth {
        ClientAuth::ClientSecretPost => {
            vec![id(), ("client_secret", vault.open_text(place(upstream.id), sealed)?)]
        }
        ClientAuth::ClientSecretBasic => {
            let secret = vault.open_text(place(upstream.id), sealed)?;
            headers.insert(header::AUTHORIZATION, basic(&settings.client_id, &secret)?);
            Vec::new()
        }
        ClientAuth::PrivateKeyJwt => {
            let der = vault.open(place(upstream.id), sealed)?;
            let assertion = sign(auth, upstream, &der, token_endpoint)?;
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
            vec![id(), ("client_assertion_type", Secret::new(kind)), ("client_assertion", assertion)]
        }
    };
    Ok(Proof { form, headers })
}

/// RFC 6749 §2.3.1: both parts are form-encoded first.
fn basic(client_id: &str, secret: &Secret<String>) -> Result<HeaderValue, UpstreamFault> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encoded(client_id), encoded(secret.expose())));
    let text = Secret::new(format!("Basic {}", b64::encode_standard(pair.expose())));
    let mut value =
        HeaderValue::from_str(text.expose()).map_err(|_| UpstreamFault::Unreadable("our secret there"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn sign(
    auth: &Auth,
    upstream: &Upstream,
    der: &Secret<Vec<u8>>,
    token_endpoint: &str,
) -> Result<Secret<String>, UpstreamFault> {
    let broken = UpstreamFault::Unreadable("our key there");
    let settings = &upstream.settings;
    let Some(algorithm) = settings.assertion_alg else { return Err(broken) };
    let Ok(key) = SigningKey::from_pkcs8(algorithm, der) else { return Err(broken) };
    let key = match &settings.key_id {
        Some(kid) => key.named(kid),
        None => key,
    };
    let iat = auth.world().now().as_seconds();
    let assertion = Assertion {
        iss: &settings.client_id,
        sub: &settings.client_id,
        aud: token_endpoint,
        jti: b64::encode(auth.world().random::<16>()),
        iat,
        exp: iat + ASSERTION_LIFE_S,
    };
    key.sign("JWT", &assertion).map(Secret::new).map_err(|_| broken)
}
