//! Which client calls, and is it proven?  RFC 6749 §2.3, RFC 9700 §2.5

use std::{collections::BTreeMap, time::Duration};

use axum::extract::{FromRequest, Request};
use crypto::b64;
use http::{HeaderMap, header};
use kernel::{Actor, ClientSecret, Id, RequestId, Secret, Timestamp};
use store::binds;
use url::form_urlencoded;
use web::{Form, Problem};

use super::{Client, ClientIdText, Confidentiality, queries, secret};
use crate::{Acting, Auth, OAuthFault, session::request_id};

/// How exactly the last use of a secret is known.
const TOUCH_EVERY: Duration = Duration::from_mins(5);

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
    pub client: Client,
    /// What it posted.
    pub form: Parameters,
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
        Ok(Self { client, form, request })
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

/// A client with the one of its secrets that was presented, if it is one of its secrets.
pub(super) struct Found {
    pub client: Client,
    pub secret: Option<FoundSecret>,
}

/// A secret that was found by its digest.
#[derive(Clone, Copy)]
pub(super) struct FoundSecret {
    pub id: Id<ClientSecret>,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub retired_at: Option<Timestamp>,
}

async fn prove(auth: &Auth, presented: &Presented, request: Option<RequestId>) -> Result<Client, OAuthFault> {
    let secret = presented.secret.as_ref().map_or("", |secret| secret.expose().as_str());
    let digest = auth.vault().digest(secret::PURPOSE, secret.as_bytes());
    let found = queries::with_secret(&mut auth.db().read().await?, &presented.client_id, &digest).await?;
    let now = auth.world().now();
    match judge(found.as_ref(), presented.secret.is_some(), now) {
        Ok(()) => {}
        Err(why) => {
            note_refusal(auth, found.as_ref(), why, request);
            return Err(OAuthFault::InvalidClient(why));
        }
    }
    let found = found.ok_or(OAuthFault::InvalidClient("unknown_client"))?;
    if let Some(secret) = found.secret
        && secret.last_used_at.is_none_or(|at| now.since(at) >= TOUCH_EVERY)
    {
        auth.db().write_lazy(queries::TOUCH_SECRET, binds![secret.id, now]);
    }
    Ok(found.client)
}

/// The secret was looked up by its keyed digest, so nothing about it is compared in time that depends on it.
fn judge(found: Option<&Found>, has_secret: bool, now: Timestamp) -> Result<(), &'static str> {
    let Some(Found { client, secret }) = found else { return Err("unknown_client") };
    if client.disabled_at.is_some() {
        return Err("client_disabled");
    }
    match (client.confidentiality, has_secret, secret) {
        (Confidentiality::Public, false, _) => Ok(()),
        (Confidentiality::Public, true, _) => Err("secret_of_public_client"),
        (Confidentiality::Confidential, false, _) => Err("no_secret"),
        (Confidentiality::Confidential, true, None) => Err("wrong_secret"),
        (Confidentiality::Confidential, true, Some(secret)) => {
            let is_live = secret.retired_at.is_none() && secret.expires_at.is_none_or(|end| now < end);
            if is_live { Ok(()) } else { Err("secret_over") }
        }
    }
}

fn note_refusal(auth: &Auth, found: Option<&Found>, why: &'static str, request: Option<RequestId>) {
    let entry = audit::Entry {
        organisation: found.map(|found| found.client.organisation),
        actor: Actor::Anonymous,
        act: "client.authenticated",
        subject: found
            .map_or_else(|| audit::Subject::unknown("client"), |found| audit::Subject::of(found.client.id)),
        outcome: audit::Outcome::Refused(why),
        request,
        details: serde_json::Value::Null,
    };
    audit::note(auth.db(), auth.world(), &entry);
}

#[cfg(test)]
mod tests {
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
        let live = FoundSecret {
            id: Id::from_bytes([1; 16]),
            expires_at: None,
            last_used_at: None,
            retired_at: None,
        };
        let ending = |at| FoundSecret { expires_at: Some(Timestamp::from_seconds(at)), ..live };
        let retired = FoundSecret { retired_at: Some(Timestamp::from_seconds(1)), ..live };
        for (kind, disabled_at, secret, has_secret, expected) in [
            ("confidential", None, Some(live), true, Ok(())),
            ("confidential", None, Some(ending(101)), true, Ok(())),
            ("confidential", None, Some(ending(100)), true, Err("secret_over")),
            ("confidential", None, Some(retired), true, Err("secret_over")),
            ("confidential", None, None, true, Err("wrong_secret")),
            ("confidential", None, None, false, Err("no_secret")),
            ("confidential", Some(now), Some(live), true, Err("client_disabled")),
            ("public", None, None, false, Ok(())),
            ("public", None, Some(live), true, Err("secret_of_public_client")),
            ("public", None, None, true, Err("secret_of_public_client")),
            ("public", Some(now), None, false, Err("client_disabled")),
        ] {
            let found = Found { client: client(kind, disabled_at), secret };
            assert_eq!(judge(Some(&found), has_secret, now), expected, "{kind} {has_secret}");
        }
        assert_eq!(judge(None, true, now), Err("unknown_client"));
    }
}
