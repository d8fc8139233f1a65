//! Back from the third party.  RFC 6749 §4.1.2, RFC 9207; contract 1, `GET /integrations/oauth2/{id}/callback`

use axum::extract::State;
use http::HeaderMap;
use kernel::{Actor, RequestId, Secret};
use serde::Deserialize;
use store::Writer;
use web::{Answer, Path, Query, Redirect};

use super::{ConnectFault, ConnectSession, ErrorCode, issuer, queries, redeem};
use crate::{Broker, By, integration::Integration};

/// What the third party sends along with the browser.
#[derive(Deserialize)]
pub(crate) struct CallbackIn {
    state: Option<Secret<String>>,
    code: Option<Secret<String>>,
    error: Option<String>,
    iss: Option<String>,
}

pub(crate) async fn callback(
    State(broker): State<Broker>,
    headers: HeaderMap,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(slug): Path<String>,
    Query(back): Query<CallbackIn>,
) -> Answer<Redirect> {
    let integration = broker.linkable(&slug).await?;
    let session = broker.journey(&headers, &integration, &back).await?;
    let actor = Actor::Person { person: session.person, through: session.client };
    let by = By::new(actor, Some(request));
    let to = match broker.finish(&integration, &session, &back, &by).await {
        Ok(()) => session.return_uri.success().to_owned(),
        Err(code) => {
            broker.note_failed_link(&integration, &session, code, &by);
            session.return_uri.failure(code)
        }
    };
    Redirect::to_trusted(&to)
}

impl Broker {
    /// The journey that this answer ends: of this browser, not used before, and of this very integration.
    async fn journey(
        &self,
        headers: &HeaderMap,
        integration: &Integration,
        back: &CallbackIn,
    ) -> Result<ConnectSession, ConnectFault> {
        let state = back.state.as_ref().ok_or(ConnectFault::UnknownJourney)?;
        let visitor = self.people.visitor(headers).await?.ok_or(ConnectFault::UnknownJourney)?;
        if visitor.organisation != integration.organisation {
            return Err(ConnectFault::UnknownIntegration);
        }
        let (digest, browser, now) = (self.state_digest(state), visitor.session, self.world.now());
        let unit = async move |tx: &mut Writer| queries::consume(tx, digest, browser, now).await;
        let session = self.db.write(unit).await?.ok_or(ConnectFault::UnknownJourney)?;
        let is_this = session.integration == integration.id && session.person == visitor.person;
        if is_this { Ok(session) } else { Err(ConnectFault::UnknownJourney) }
    }

    async fn finish(
        &self,
        integration: &Integration,
        session: &ConnectSession,
        back: &CallbackIn,
        by: &By,
    ) -> Result<(), ErrorCode> {
        let code_flow = self.code_flow(integration).await.map_err(|fault| {
            tracing::warn!(integration = integration.slug, %fault, "linking could not be finished");
            ErrorCode::TemporarilyUnavailable
        })?;
        issuer::check_issuer(&code_flow, &integration.settings, back.iss.as_deref()).map_err(|fault| {
            tracing::warn!(integration = integration.slug, %fault, "a callback was refused");
            ErrorCode::ServerError
        })?;
        if let Some(error) = &back.error {
            return Err(ErrorCode::of_third_party(error));
        }
        let code = back.code.as_ref().ok_or(ErrorCode::ServerError)?;
        redeem::redeem(self, integration, &code_flow, session, code, by).await
    }
}
