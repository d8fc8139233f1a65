//! Which client calls, and is it proven?  RFC 6749 §2.3, RFC 9700 §2.5

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::{FromRequest, Request};
use crypto::b64;
use http::{HeaderMap, header};
use kernel::{Actor, RequestId, Secret};
use url::form_urlencoded;
use web::{Form, Problem};

use super::{
    AuthMethod, Client, ClientIdText,
    secret::{self, SecretRow},
};
use crate::{Acting, Auth, OAuthFault, session::request_id, token::Confirmation};

/// The parameters of a form, each there once; one without a value counts as left out (RFC 6749 §3.2).
pub struct Parameters(BTreeMap<String, Secret<String>>);

impl Parameters {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose().as_str()).filter(|value| !value.is_empty())
    }

    /// The value of a parameter that must be there.
    pub fn require(&self, name: &str, missing: &'static str) -> Result<&str, OAuthFault> {
        self.get(name).ok_or(OAuthFault::InvalidRequest(missing))
    }
}

/// A form that a client posted, with the client that it is proven to come from.
pub struct ClientCall {
    /// The client; a public one is only named, not proven.
    pub client: Arc<Client>,
    /// What it posted.
    pub form: Parameters,
    /// The key that it has proven to hold in this request: what its tokens are bound to.
    pub sender: Option<Confirmation>,
    /// In which request.
    pub request: Option<RequestId>,
}

impl ClientCall {
    /// Who acts.
    pub(crate) fn acting(&self) -> Acting {
        let actor = Actor::Client(self.client.id);
        Acting { actor, organisation: self.client.organisation, request: self.request.clone() }
    }
}

impl FromRequest<Auth> for ClientCall {
    type Rejection = Problem;
    async fn from_request(request: Request, auth: &Auth) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(OAuthFault::InvalidRequest("parameters belong in the body, never in the URL").into());
        }
        let (headers, request) = (parts.headers.clone(), request_id(&parts));
        let Form(form) = Form::from_request(Request::from_parts(parts, body), auth).await?;
        let form = Parameters(form);
        let presented = presented(&headers, &form)?;
        let client = prove(auth, &presented, request.clone()).await?;
        Ok(Self { client, form, sender: None, request })
    }
}

/// What the request says about which client it comes from.
struct Presented {
    client_id: ClientIdText,
    secret: Option<Secret<String>>,
}

/// Exactly one way to authenticate, else it is not clear which of two clients is meant.
fn presented(headers: &HeaderMap, form: &Parameters) -> Result<Presented, OAuthFault> {
    if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
        return Err(OAuthFault::InvalidClient("an assertion, which is not offered"));
    }
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match (authorizations.next(), authorizations.next()) {
        (None, _) => None,
        (Some(value), None) => Some(basic(value.to_str().unwrap_or_default())?),
        (Some(_), Some(_)) => {
            return Err(OAuthFault::InvalidRequest("there is more than one Authorization header"));
        }
    };
    match (in_header, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => {
            Err(OAuthFault::InvalidRequest("the client authenticates in two ways at once"))
        }
        (Some((id, secret)), named, None) if named.is_none_or(|named| named == id) => of(&id, Some(secret)),
        (Some(_), _, None) => {
            Err(OAuthFault::InvalidRequest("client_id and the Authorization header name two clients"))
        }
        (None, Some(id), secret) => of(id, secret.map(|secret| Secret::new(secret.to_owned()))),
        (None, None, _) => Err(OAuthFault::InvalidClient("no client is named")),
    }
}

fn of(client_id: &str, secret: Option<Secret<String>>) -> Result<Presented, OAuthFault> {
    let client_id = client_id.parse().map_err(|_| OAuthFault::InvalidClient("the client id is malformed"))?;
    Ok(Presented { client_id, secret })
}

/// `Basic`, whose halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(value: &str) -> Result<(String, Secret<String>), OAuthFault> {
    const MALFORMED: OAuthFault = OAuthFault::InvalidClient("the Authorization header is malformed");
    let (scheme, encoded) = value.split_once(' ').ok_or(MALFORMED)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(OAuthFault::InvalidClient("an authentication scheme that is not offered"));
    }
    let bytes = Secret::new(b64::decode_standard(encoded.trim()).map_err(|_| MALFORMED)?);
    let text = std::str::from_utf8(bytes.expose()).map_err(|_| MALFORMED)?;
    let (id, secret) = text.split_once(':').ok_or(MALFORMED)?;
    Ok((form_decoded(id), Secret::new(form_decoded(secret))))
}

fn form_decoded(text: &str) -> String {
    // A pair without `=` and `&` in it is one name.
    let plain = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(plain.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

async fn prove(
    auth: &Auth,
    presented: &Presented,
    request: Option<RequestId>,
) -> Result<Arc<Client>, OAuthFault> {
    let now = auth.world().now();
    let secret = presented.secret.as_ref().map_or("", |secret| secret.expose().as_str());
    let digest = auth.vault().digest(secret::PURPOSE, secret.as_bytes());
    let entry = auth.directory().find(auth.db(), &presented.client_id, now).await?;
    let found = entry.as_ref().and_then(|entry| entry.live_secret(&digest, now));
    let client = entry.as_ref().map(|entry| &*entry.client);
    match judge(client, presented.secret.is_some(), found) {
        Ok(()) => {}
        Err(why) => {
            note_refusal(auth, client, why, request);
            return Err(OAuthFault::InvalidClient(why));
        }
    }
    let entry = entry.as_ref().ok_or(OAuthFault::InvalidClient("unknown_client"))?;
    if let Some(secret) = found {
        entry.touch(auth.db(), secret, now);
    }
    Ok(Arc::clone(&entry.client))
}

/// The secret was looked up by its keyed digest, so nothing about it is compared in time that depends on it.
fn judge(client: Option<&Client>, has_secret: bool, secret: Option<&SecretRow>) -> Result<(), &'static str> {
    let Some(client) = client else { return Err("unknown_client") };
    if client.disabled_at.is_some() {
        return Err("client_disabled");
    }
    match (client.auth_method, has_secret, secret) {
        (AuthMethod::None, false, _) => Ok(()),
        (AuthMethod::None, true, _) => Err("secret_of_public_client"),
        (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, true, Some(_)) => Ok(()),
        (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, true, None) => Err("wrong_secret"),
        (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, false, _) => Err("no_secret"),
        (_, _, _) => Err("another_method_is_registered"),
    }
}

fn note_refusal(auth: &Auth, client: Option<&Client>, why: &'static str, request: Option<RequestId>) {
    let entry = audit::Entry {
        organisation: client.map(|client| client.organisation),
        actor: Actor::Anonymous,
        act: "client.authenticated",
        subject: client
            .map_or_else(|| audit::Subject::unknown("client"), |client| audit::Subject::of(client.id)),
        outcome: audit::Outcome::Refused(why),
        request,
        details: serde_json::Value::Null,
    };
    audit::note(auth.db(), auth.world(), &entry);
}

#[cfg(test)]
mod tests {
    use kernel::{Id, Timestamp};

    use super::*;
    use crate::{client, scope};

    fn form(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())))
                .collect(),
        )
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect()
    }

    fn outcome(
        authorizations: &[&str],
        pairs: &[(&str, &str)],
    ) -> Result<(String, Option<String>), &'static str> {
        match presented(&headers(authorizations), &form(pairs)) {
            Ok(presented) => {
                Ok((presented.client_id.to_string(), presented.secret.map(|secret| secret.expose().clone())))
            }
            Err(OAuthFault::InvalidRequest(_)) => Err("invalid_request"),
            Err(OAuthFault::InvalidClient(_)) => Err("invalid_client"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn one_way_to_authenticate_and_no_more() {
        let basic = format!("Basic {}", b64::encode_standard("a.b:s+e%2Bc%3A%26%3D:x&y=z"));
        let read = |secret: Option<&str>| Ok(("a.b".to_owned(), secret.map(str::to_owned)));
        for (authorizations, pairs, expected) in [
            (vec![basic.as_str()], vec![], read(Some("s e+c:&=:x&y=z"))),
            (vec![basic.as_str()], vec![("client_id", "a.b")], read(Some("s e+c:&=:x&y=z"))),
            (vec![], vec![("client_id", "a.b"), ("client_secret", "s")], read(Some("s"))),
            (vec![], vec![("client_id", "a.b")], read(None)),
            (vec![], vec![("client_id", "a.b"), ("client_secret", "")], read(None)),
            (vec![basic.as_str()], vec![("client_secret", "s")], Err("invalid_request")),
            (vec![basic.as_str()], vec![("client_id", "a.c")], Err("invalid_request")),
            (vec![basic.as_str(), basic.as_str()], vec![], Err("invalid_request")),
            (vec![], vec![], Err("invalid_client")),
            (vec![], vec![("client_secret", "s")], Err("invalid_client")),
            (vec![], vec![("client_id", "a")], Err("invalid_client")),
            (vec!["Bearer x"], vec![("client_id", "a.b")], Err("invalid_client")),
            (vec!["Basic"], vec![], Err("invalid_client")),
            (vec!["Basic !"], vec![], Err("invalid_client")),
            (vec!["Basic YS5i"], vec![], Err("invalid_client")),
            (vec![], vec![("client_id", "a.b"), ("client_assertion", "x")], Err("invalid_client")),
            (vec![basic.as_str()], vec![("client_assertion_type", "x")], Err("invalid_client")),
        ] {
            assert_eq!(outcome(&authorizations, &pairs), expected, "{authorizations:?} {pairs:?}");
        }
    }

    #[test]
    fn what_proves_a_client() {
        let now = Timestamp::from_seconds(100);
        let client = |kind: &str, disabled_at| {
            let registration = client::register::Registration {
                name: "Sleep diary".into(),
                uri: "https://app.example".into(),
                confidentiality: kind.into(),
                redirect_uris: vec!["https://app.example/cb".into()],
                grant_types: vec!["authorization_code".into()],
                ..client::register::Registration::default()
            };
            Client { disabled_at, ..client::tests::client(&registration, &scope::built_in()) }
        };
        let live = SecretRow {
            id: Id::from_bytes([1; 16]),
            client: Id::from_bytes([1; 16]),
            digest: kernel::Digest::from_bytes([0; 32]),
            sealed: None,
            created_at: now,
            expires_at: None,
            last_used_at: None,
            retired_at: None,
        };
        for (expires_at, retired_at, is_live) in
            [(None, None, true), (Some(101), None, true), (Some(100), None, false), (None, Some(1), false)]
        {
            let at = |s: Option<i64>| s.map(Timestamp::from_seconds);
            let secret = SecretRow { expires_at: at(expires_at), retired_at: at(retired_at), ..live.clone() };
            assert_eq!(secret.is_live(now), is_live);
        }
        for (kind, disabled_at, has_secret, secret, expected) in [
            ("confidential", None, true, Some(&live), Ok(())),
            ("confidential", None, true, None, Err("wrong_secret")),
            ("confidential", None, false, None, Err("no_secret")),
            ("confidential", Some(now), true, Some(&live), Err("client_disabled")),
            ("public", None, false, None, Ok(())),
            ("public", None, true, Some(&live), Err("secret_of_public_client")),
            ("public", None, true, None, Err("secret_of_public_client")),
            ("public", Some(now), false, None, Err("client_disabled")),
        ] {
            assert_eq!(judge(Some(&client(kind, disabled_at)), has_secret, secret), expected, "{kind}");
        }
        let keyed = Client { auth_method: AuthMethod::PrivateKeyJwt, ..client("confidential", None) };
        assert_eq!(judge(Some(&keyed), true, Some(&live)), Err("another_method_is_registered"));
        assert_eq!(judge(None, true, Some(&live)), Err("unknown_client"));
    }
}
