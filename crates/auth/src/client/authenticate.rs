//! Which client calls, and is it proven?  RFC 6749 §2.3, RFC 8705 §2, RFC 9700 §2.5

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, Method, request::Parts};
use kernel::{Actor, ClientConnection, Id, RequestId, Secret};
use tokio::time::{Instant, sleep_until};
use web::{ClientAddr, ClientCertificate, Problem};

use super::{
    AuthMethod, Client, ClientIdText, assertion, certificate,
    directory::Entry,
    presented::{self, Credential, Presented},
    secret,
};
use crate::{
    Acting, Auth, OAuthFault, client_connection,
    proof::{
        self,
        dpop::{self, ProofFault},
    },
    session::request_id,
    token::Confirmation,
    trace,
};

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

    /// The form that was posted. What stands in the address ends up in logs, so there it is refused.
    pub(crate) async fn posted(parts: &Parts, body: Body) -> Result<Self, Problem> {
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(OAuthFault::InvalidRequest("parameters belong in the body, never in the URL").into());
        }
        web::parameters(parts, body).await.map(Self)
    }

    /// All that have a value, as a query, but for these.
    pub(crate) fn encoded_without(&self, names: &[&str]) -> Secret<String> {
        let pairs = self.0.iter().map(|(name, value)| (name.as_str(), value.expose().as_str()));
        let others = pairs.filter(|(name, value)| !value.is_empty() && !names.contains(name));
        Secret::new(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish())
    }

    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())));
        Self(pairs.collect())
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
    /// Through which connection, where the secret is a connection's (contract 5).
    pub(crate) connection: Option<Id<ClientConnection>>,
}

/// A call within the code flow, which a client makes itself or a consumer of its through their connection. Everything that the
/// client does on its own behalf asks for [`ClientCall`], which is no connection's to make.
pub struct FlowCall(pub ClientCall);

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
        let FlowCall(call) = FlowCall::from_request(request, auth).await?;
        if call.connection.is_some() {
            return Err(OAuthFault::InvalidClient("secret_of_connection").into());
        }
        Ok(call)
    }
}

impl FromRequest<Auth> for FlowCall {
    type Rejection = Problem;
    async fn from_request(request: Request, auth: &Auth) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let form = Parameters::posted(&parts, body).await?;
        let asked = Asked::of(auth, &parts);
        let presented = presented::read(asked.headers, &form)?;
        let (client, connection) = prove(auth, &presented, &asked).await?;
        let sender = sender(auth, &client, &asked)?;
        Ok(Self(ClientCall { client, form, sender, request: asked.request, connection }))
    }
}

/// The request around the form.
struct Asked<'a> {
    headers: &'a HeaderMap,
    method: &'a Method,
    /// Where the deployment is, and below it what was asked for.
    base: &'a str,
    path: &'a str,
    certificate: Option<&'a ClientCertificate>,
    source: IpAddr,
    request: Option<RequestId>,
}

impl<'a> Asked<'a> {
    fn of(auth: &'a Auth, parts: &'a Parts) -> Self {
        let source = parts.extensions.get::<ClientAddr>();
        Self {
            headers: &parts.headers,
            method: &parts.method,
            base: auth.config().base(),
            path: parts.uri.path(),
            certificate: parts.extensions.get::<ClientCertificate>(),
            source: source.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |source| source.0),
            request: request_id(parts),
        }
    }

    /// Its public address.
    fn url(&self) -> String {
        format!("{}{}", self.base, self.path)
    }
}

/// How long it takes at the least to refuse a secret: longer than to find out that there is no such client, or another secret, so
/// that the time of the answer does not tell which.
const REFUSED_AFTER: Duration = Duration::from_millis(5);

/// A client, and the connection that it came through, where the secret was a connection's.
type Proven = (Arc<Client>, Option<Id<ClientConnection>>);

/// The client, once it is proven.
async fn prove(auth: &Auth, presented: &Presented, asked: &Asked<'_>) -> Result<Proven, OAuthFault> {
    let began = Instant::now();
    let proven = try_to_prove(auth, presented, asked).await;
    if matches!((&proven, &presented.credential), (Err(OAuthFault::InvalidClient(_)), Credential::Secret(_)))
    {
        sleep_until(began + REFUSED_AFTER).await;
    }
    proven
}

/// The client that a secret proves by itself, outside the token endpoint.
pub(crate) async fn by_secret(
    auth: &Auth,
    client_id: ClientIdText,
    text: Secret<String>,
    source: IpAddr,
) -> Result<Arc<Client>, OAuthFault> {
    let presented = Presented { client_id, credential: Credential::Secret(text) };
    let headers = HeaderMap::new();
    let asked = Asked {
        headers: &headers,
        method: &Method::POST,
        base: auth.config().base(),
        path: "",
        certificate: None,
        source,
        request: None,
    };
    match prove(auth, &presented, &asked).await? {
        (client, None) => Ok(client),
        (_, Some(_)) => Err(OAuthFault::InvalidClient("secret_of_connection")),
    }
}

/// A client that is not there takes the same way as one with another secret: both are looked up in the database once before they
/// are refused, where also a secret is found that this node has not heard of yet.
async fn try_to_prove(auth: &Auth, presented: &Presented, asked: &Asked<'_>) -> Result<Proven, OAuthFault> {
    let (now, name) = (auth.world().now(), presented.client_id.as_str());
    let tries = &auth.proving().tries;
    if let Some(wait_s) = tries.wait_s(name, asked.source, now) {
        return Err(OAuthFault::Throttled(wait_s));
    }
    let remembered = auth.directory().remembered(&presented.client_id, now);
    let is_remembered = remembered.is_some();
    let mut entry = match remembered {
        Some(entry) => Some(entry),
        None => Box::pin(auth.directory().find_anew(auth.db(), &presented.client_id, now)).await?,
    };
    entry.iter().for_each(|entry| trace::of_client(entry.client.id));
    let mut judged = judge(auth, entry.as_deref(), presented, asked).await?;
    let mut connection = None;
    if let (Err(WRONG_SECRET), Some(entry), Credential::Secret(text)) =
        (judged, &entry, &presented.credential)
    {
        connection = client_connection::prove::by_secret(auth, &entry.client, text.expose()).await?;
        judged = connection.map(|_| ()).ok_or(WRONG_SECRET);
    }
    if judged == Err(WRONG_SECRET) && is_remembered {
        entry = Box::pin(auth.directory().find_anew(auth.db(), &presented.client_id, now)).await?;
        judged = judge(auth, entry.as_deref(), presented, asked).await?;
    }
    let is_guess = matches!(presented.credential, Credential::Secret(_));
    match (judged, entry) {
        (Ok(()), Some(entry)) => {
            if is_guess {
                tries.succeeded(name, asked.source);
            }
            Ok((Arc::clone(&entry.client), connection))
        }
        (judged, entry) => {
            if is_guess {
                tries.failed(name, asked.source, now);
            }
            let why = judged.err().unwrap_or(UNKNOWN);
            note_refusal(auth, entry.as_ref().map(|entry| &*entry.client), why, asked.request.clone());
            Err(OAuthFault::InvalidClient(why))
        }
    }
}

const UNKNOWN: &str = "unknown_client";
const WRONG_SECRET: &str = "wrong_secret";

/// Whether what is presented proves the client in the way that it registered; if not, why. Secrets are looked up by their
/// keyed digest, so nothing about them is compared in time that depends on them.
async fn judge(
    auth: &Auth,
    entry: Option<&Entry>,
    presented: &Presented,
    asked: &Asked<'_>,
) -> Result<Result<(), &'static str>, OAuthFault> {
    let text = match &presented.credential {
        Credential::Secret(text) => text.expose().as_str(),
        Credential::None | Credential::Assertion(_) => "",
    };
    let digest = auth.vault().digest(secret::PURPOSE, text.as_bytes());
    let Some(entry) = entry else { return Ok(Err(UNKNOWN)) };
    if entry.client.disabled_at.is_some() {
        return Ok(Err("client_disabled"));
    }
    let now = auth.world().now();
    Ok(match way(entry.client.auth_method, &presented.credential) {
        Err(why) => Err(why),
        Ok(Way::Named) => Ok(()),
        Ok(Way::Secret) => match entry.live_secret(&digest, now) {
            Some(secret) => {
                entry.touch(auth.db(), secret, now);
                Ok(())
            }
            None => Err(WRONG_SECRET),
        },
        Ok(Way::Assertion(text)) => Box::pin(assertion::judge(auth, entry, text, &asked.url())).await?,
        Ok(Way::Certificate) => match asked.certificate {
            Some(shown) => Box::pin(certificate::judge(auth, &entry.client, shown)).await,
            None => Err("no_certificate"),
        },
    })
}

/// How a client that registered this method is to be judged by this credential.
enum Way<'a> {
    Named,
    Secret,
    Assertion(&'a Secret<String>),
    Certificate,
}

/// A client may use no method but its own; a weaker one that works too would be the one that is attacked.
fn way(method: AuthMethod, credential: &Credential) -> Result<Way<'_>, &'static str> {
    use AuthMethod::{
        ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None, PrivateKeyJwt, SelfSignedTlsClientAuth,
        TlsClientAuth,
    };
    match (method, credential) {
        (None, Credential::None) => Ok(Way::Named),
        (None, Credential::Secret(_)) => Err("secret_of_public_client"),
        (ClientSecretBasic | ClientSecretPost, Credential::Secret(_)) => Ok(Way::Secret),
        (ClientSecretBasic | ClientSecretPost, Credential::None) => Err("no_secret"),
        (ClientSecretJwt | PrivateKeyJwt, Credential::Assertion(text)) => Ok(Way::Assertion(text)),
        (ClientSecretJwt | PrivateKeyJwt, Credential::None) => Err("no_assertion"),
        (TlsClientAuth | SelfSignedTlsClientAuth, Credential::None) => Ok(Way::Certificate),
        (_, Credential::Secret(_) | Credential::Assertion(_)) => Err("another_method_is_registered"),
    }
}

/// The key that the call proves besides: that of a DPoP proof, and that of the certificate where the client's tokens are to be
/// bound to it.  RFC 9449 §5, RFC 8705 §3
fn sender(auth: &Auth, client: &Client, asked: &Asked<'_>) -> Result<Option<Confirmation>, OAuthFault> {
    let mut proofs = asked.headers.get_all("dpop").iter();
    let jkt = match (proofs.next(), proofs.next()) {
        (None, _) => None,
        (Some(proof), None) => {
            let url = asked.url();
            let target = dpop::Asked { method: asked.method, url: &url, token: None };
            let text = proof.to_str().map_err(|_| OAuthFault::InvalidDpopProof("it is not ASCII"))?;
            Some(dpop::check(auth, text, target)?)
        }
        (Some(_), Some(_)) => {
            return Err(OAuthFault::InvalidDpopProof("there is more than one DPoP header"));
        }
    };
    let is_bound = client.metadata.tls_client_certificate_bound_access_tokens
        || client.profile.requires_sender_constraint() && jkt.is_none();
    let shown = asked.certificate.filter(|_| is_bound);
    let x5t_s256 = shown.map(proof::bound::thumbprint);
    let is_any = jkt.is_some() || x5t_s256.is_some();
    Ok(is_any.then_some(Confirmation { jkt, x5t_s256 }))
}

impl From<ProofFault> for OAuthFault {
    fn from(fault: ProofFault) -> Self {
        match fault {
            ProofFault::Bad(why) => Self::InvalidDpopProof(why),
            ProofFault::Nonce(nonce) => Self::UseDpopNonce(nonce),
            ProofFault::TooMany => Self::Throttled(dpop::PROOF_LIFE.as_secs()),
        }
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
    use super::*;

    #[test]
    fn a_client_may_use_no_method_but_its_own() {
        let text = || Secret::new("x".to_owned());
        for method in AuthMethod::ALL {
            let by = |credential: Credential| match way(method, &credential) {
                Ok(Way::Named) => "named",
                Ok(Way::Secret) => "secret",
                Ok(Way::Assertion(_)) => "assertion",
                Ok(Way::Certificate) => "certificate",
                Err(_) => "no",
            };
            let found = [Credential::None, Credential::Secret(text()), Credential::Assertion(text())].map(by);
            let expected = match method {
                AuthMethod::None => ["named", "no", "no"],
                AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => ["no", "secret", "no"],
                AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt => ["no", "no", "assertion"],
                AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth => {
                    ["certificate", "no", "no"]
                }
            };
            assert_eq!(found, expected, "{method:?}");
        }
    }
}
