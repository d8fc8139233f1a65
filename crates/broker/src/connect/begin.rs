//! Begin linking: sign in if need be, then on to the third party.  Contract 1, `GET /integrations/oauth2/{id}/connect`

use std::sync::Arc;

use axum::extract::State;
use crypto::pkce::Verifier;
use http::HeaderMap;
use kernel::{Kind, Secret};
use serde::Deserialize;
use store::Writer;
use url::{Url, form_urlencoded};
use web::{Answer, LocalPath, Path, Query, Redirect};

use super::{ConnectFault, ConnectSession, ErrorCode, JOURNEY_MAX, NoReturn, ReturnUri, queries};
use crate::{
    Broker, KnownClient, Visitor,
    credential::places,
    integration::{Integration, IntegrationFault},
    provider::{OAuth2Code, SettingFault},
};

/// The query of a `connectUri`.
#[derive(Deserialize)]
pub(crate) struct ConnectIn {
    client_id: Option<String>,
    #[serde(rename = "returnPath")]
    return_path: Option<String>,
    /// The seed of the contract spells it both ways.
    #[serde(rename = "ReturnPath")]
    return_path_capital: Option<String>,
}

impl ConnectIn {
    fn path(&self) -> Result<Option<&str>, ConnectFault> {
        match (&self.return_path, &self.return_path_capital) {
            (Some(_), Some(_)) => Err(ConnectFault::TwoPaths),
            (path, other) => Ok(path.as_deref().or(other.as_deref())),
        }
    }
}

pub(crate) async fn connect(
    State(broker): State<Broker>,
    headers: HeaderMap,
    Path(slug): Path<String>,
    Query(asked): Query<ConnectIn>,
) -> Answer<Redirect> {
    let integration = broker.linkable(&slug).await?;
    let (client, return_uri) = broker.way_back(&integration, &asked).await?;
    let visitor = match broker.people.visitor(&headers).await? {
        Some(visitor) if visitor.organisation == integration.organisation => visitor,
        Some(_) => return Err(ConnectFault::UnknownIntegration.into()),
        None => return Ok(Redirect::to(&broker.people.sign_in(&own_address(&slug, &asked)?))),
    };
    let away = match broker.code_flow(&integration).await {
        Ok(code) => broker.send_away(&integration, &code, visitor, client, &return_uri).await?,
        Err(fault) if kernel::Fault::kind(&fault) == Kind::Unavailable => {
            tracing::warn!(integration = integration.slug, %fault, "linking could not begin");
            return_uri.failure(ErrorCode::TemporarilyUnavailable)
        }
        Err(fault) => return Err(fault.into()),
    };
    Redirect::to_trusted(&away)
}

/// This journey's own address, for coming back to from the sign-in page.
fn own_address(slug: &str, asked: &ConnectIn) -> Result<LocalPath, ConnectFault> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(client_id) = &asked.client_id {
        query.append_pair("client_id", client_id);
    }
    if let Some(path) = asked.path()? {
        query.append_pair("returnPath", path);
    }
    let query = query.finish();
    let joint = if query.is_empty() { "" } else { "?" };
    let text = format!("/integrations/oauth2/{slug}/connect{joint}{query}");
    LocalPath::parse(&text).map_err(|_| NoReturn::Path.into())
}

impl Broker {
    pub(super) async fn linkable(&self, slug: &str) -> Result<Arc<Integration>, ConnectFault> {
        match self.enabled_integration(slug).await {
            Ok(integration) => Ok(integration),
            Err(IntegrationFault::Unknown) => Err(ConnectFault::UnknownIntegration),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Where the browser goes in the end. It is settled before the browser leaves, and nothing that comes back from
    /// the third party can change it.
    async fn way_back(
        &self,
        integration: &Integration,
        asked: &ConnectIn,
    ) -> Result<(Option<KnownClient>, ReturnUri), ConnectFault> {
        let path = asked.path()?;
        let Some(client_id) = &asked.client_id else {
            // Without a client there is nothing to append a path to; a malformed one is refused all the same.
            ReturnUri::build("https://path.invalid", path)?;
            return Ok((None, ReturnUri::summary(&self.public_url)));
        };
        let client = self.clients.by_client_id(client_id).await?.ok_or(ConnectFault::UnknownClient)?;
        let trust = self.trust(client.id, integration).await;
        let trust = trust.map_err(|fault| match fault {
            crate::trust::TrustFault::Db(fault) => ConnectFault::from(fault),
            _ => ConnectFault::UnknownClient,
        })?;
        // The registered `Uri` is read afresh, trust may be remembered: a changed `Uri` is not followed before it is verified again.
        if trust.is_none() || !client.is_verified {
            return Err(ConnectFault::UnknownClient);
        }
        let return_uri = ReturnUri::build(&client.uri, path)?;
        Ok((Some(client), return_uri))
    }

    /// Note the journey, and make the address at the third party.
    async fn send_away(
        &self,
        integration: &Integration,
        code: &OAuth2Code,
        visitor: Visitor,
        client: Option<KnownClient>,
        return_uri: &ReturnUri,
    ) -> Result<String, ConnectFault> {
        let vault = self.vault.tenant(integration.organisation).await?;
        let state = Secret::new(crypto::b64::encode(self.world.secret::<32>().expose()));
        let digest = self.state_digest(&state);
        let verifier = Verifier::generate(&self.world);
        let nonce = code.openid.then(|| crypto::b64::encode(self.world.random::<32>()));
        let away = Away {
            code,
            integration,
            redirect_uri: &self.callback_uri(&integration.slug),
            state: &state,
            challenge: code.pkce.is_sent().then(|| verifier.challenge()),
            nonce: nonce.as_deref(),
        };
        let away = away.address().map_err(IntegrationFault::from)?;
        let session = ConnectSession {
            state: digest,
            browser: visitor.session,
            person: visitor.person,
            integration: integration.id,
            verifier: vault.seal(places::verifier(&digest), verifier.expose().as_bytes()),
            nonce: nonce.map(|nonce| vault.seal(places::nonce(&digest), nonce.as_bytes())),
            scopes: integration.scopes.clone(),
            client: client.map(|client| client.id),
            return_uri: return_uri.clone(),
            expires_at: self.world.now() + JOURNEY_MAX,
        };
        self.db.write(async move |tx: &mut Writer| queries::insert(tx, &session).await).await?;
        Ok(away.into())
    }

    pub(super) fn state_digest(&self, state: &Secret<String>) -> kernel::Digest {
        self.vault.digest("broker.connect_state", state.expose().as_bytes())
    }

    /// The `redirect_uri` that is registered at the third party.
    pub fn callback_uri(&self, slug: &str) -> String {
        format!("{}/integrations/oauth2/{slug}/callback", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// An authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
struct Away<'a> {
    code: &'a OAuth2Code,
    integration: &'a Integration,
    redirect_uri: &'a str,
    state: &'a Secret<String>,
    challenge: Option<String>,
    nonce: Option<&'a str>,
}

impl Away<'_> {
    fn address(&self) -> Result<Url, SettingFault> {
        let settings = &self.integration.settings;
        let mut url = self.code.authorize_url.fill(settings)?;
        let scopes: Vec<&str> = self.integration.scopes.iter().map(kernel::Scope::as_str).collect();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.integration.client_id)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("state", self.state.expose());
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes.join(&self.code.scope_separator));
        }
        if let Some(challenge) = &self.challenge {
            query.append_pair("code_challenge", challenge).append_pair("code_challenge_method", "S256");
        }
        if let Some(nonce) = self.nonce {
            query.append_pair("nonce", nonce);
        }
        for (name, value) in &self.code.authorize_params {
            query.append_pair(name, value.fill(settings)?.expose());
        }
        drop(query);
        Ok(url)
    }
}
