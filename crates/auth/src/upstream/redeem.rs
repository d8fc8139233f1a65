//! A code becomes what the provider says of the person.  OpenID Connect Core §3.1.3, §5.3

use http::{HeaderValue, header};
use kernel::Secret;
use outbound::Call;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use super::{
    Upstream, UpstreamFault,
    assert::{self, Proof},
    claims::{self, Asserted},
    discover::DOCUMENT_BYTES_MAX,
    registered,
};
use crate::Auth;

/// The longest answer of a token endpoint that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

#[derive(Deserialize)]
struct Tokens {
    id_token: Secret<String>,
    access_token: Option<Secret<String>>,
}

/// Redeem the code, check the ID token, and read what is kept.
pub(super) async fn redeem(
    auth: &Auth,
    upstream: &Upstream,
    code: &Secret<String>,
    verifier: &Secret<String>,
    nonce: &kernel::Digest,
) -> Result<Asserted, UpstreamFault> {
    let now = auth.world().now();
    let found = auth.discoveries().of(auth, upstream).await?;
    let vault = auth.vault().tenant(upstream.organisation).await?;
    let endpoint = found.token_endpoint.clone();
    let proof = assert::proof(auth, &vault, upstream, &endpoint.text)?;
    let form = written(code, &upstream.callback(auth), verifier, &proof);
    let mut call = Call::form(endpoint.url, form.expose());
    call.headers.extend(proof.headers);
    call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let answer = auth.outbound().read(call, ANSWER_BYTES_MAX).await?;
    if answer.status.is_server_error() {
        return Err(UpstreamFault::Unreadable("its token endpoint"));
    }
    if !answer.status.is_success() {
        if upstream.community.is_some() && is_unknown_client(&answer.body) {
            registered::mark_lost(auth, upstream).await?;
        }
        return Err(UpstreamFault::Untrusted(format!(
            "its token endpoint answered {}",
            answer.status.as_u16()
        )));
    }
    let tokens: Tokens =
        serde_json::from_slice(&answer.body).map_err(|_| UpstreamFault::Unreadable("its token answer"))?;
    let token = tokens.id_token.expose();
    let asserted = match claims::check(auth, upstream, &found.keys, token, nonce, now) {
        Err(claims::Refused::UnknownKey) => {
            let found = auth.discoveries().again(auth.outbound(), upstream, found.clone(), now).await?;
            claims::check(auth, upstream, &found.keys, token, nonce, now)
        }
        other => other,
    };
    let mut asserted = asserted.map_err(UpstreamFault::from)?;
    let wants_more = upstream.settings.claims.iter().any(|name| !asserted.all.contains_key(name))
        || !asserted.all.contains_key("email");
    if let (Some(endpoint), Some(access), true) = (&found.userinfo_endpoint, &tokens.access_token, wants_more)
    {
        let more = userinfo(auth, endpoint.clone(), access).await?;
        claims::add(&mut asserted, more)?;
    }
    Ok(asserted)
}

/// Whether it is us whom the provider does not know.  RFC 6749 §5.2
fn is_unknown_client(answer: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    serde_json::from_slice(answer).is_ok_and(|refused: Refused| refused.error == "invalid_client")
}

/// The form of RFC 6749 §4.1.3.
fn written(
    code: &Secret<String>,
    callback: &str,
    verifier: &Secret<String>,
    proof: &Proof,
) -> Secret<String> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code.expose())
        .append_pair("redirect_uri", callback)
        .append_pair("code_verifier", verifier.expose());
    for (name, value) in &proof.form {
        form.append_pair(name, value.expose());
    }
    Secret::new(form.finish())
}

async fn userinfo(
    auth: &Auth,
    endpoint: url::Url,
    access: &Secret<String>,
) -> Result<Map<String, Value>, UpstreamFault> {
    let unreadable = || UpstreamFault::Unreadable("its userinfo");
    let mut call = Call::get(endpoint);
    let bearer = Secret::new(format!("Bearer {}", access.expose()));
    let mut bearer = HeaderValue::from_str(bearer.expose()).map_err(|_| unreadable())?;
    bearer.set_sensitive(true);
    call.headers.insert(header::AUTHORIZATION, bearer);
    call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let answer = auth.outbound().read(call, DOCUMENT_BYTES_MAX).await?;
    if !answer.status.is_success() {
        return Err(unreadable());
    }
    serde_json::from_slice(&answer.body).map_err(|_| unreadable())
}
