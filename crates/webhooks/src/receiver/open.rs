//! A link is opened, its token exchanged for the session of a browser; and the session is left.

use audit::{Entry, Subject};
use kernel::{Actor, Id, Organisation, ReceiverLink, RequestId, Secret, Timestamp};
use serde_json::json;
use store::Writer;

use super::{RECEIVER_SESSION, TEXT_BYTES_MAX, queries};
use crate::{By, WebhookFault, Webhooks, endpoint::Endpoint};

/// A link that has just been opened.
pub struct Opened {
    /// The endpoint that it is of.
    pub endpoint: Id<Endpoint>,
    /// What the browser's cookie holds.
    pub value: Secret<String>,
    /// Until when.
    pub until: Timestamp,
}

impl Webhooks {
    /// Exchange what a link holds for the session of a browser; none where it opens nothing: unknown, expired, revoked.
    ///
    /// # Errors
    /// The database.
    pub async fn open_link(
        &self,
        token: &str,
        request: Option<RequestId>,
    ) -> Result<Option<Opened>, WebhookFault> {
        if token.len() > TEXT_BYTES_MAX {
            return Ok(None);
        }
        let value = crypto::token::generate(&self.world, "hlm_rs_");
        let (token, digest) = (self.token_digest(token), self.session_digest(value.expose()));
        let (world, now) = (self.world.clone(), self.world.now());
        let opened = self.db.write(async move |tx: &mut Writer| -> Result<_, WebhookFault> {
            let Some(link) = queries::by_token(tx, token, now).await? else { return Ok(None) };
            let until = link.expires_at.min(now + RECEIVER_SESSION);
            queries::begin(tx, link.id, digest, (now, until)).await?;
            let of = (link.id, link.organisation, link.endpoint);
            audit::record(tx, &world, &did("receiver_link.opened", of, request.clone())).await?;
            Ok(Some((link.endpoint, until)))
        });
        Ok(opened.await?.map(|(endpoint, until)| Opened { endpoint, value, until }))
    }

    /// End the session of a browser. Where there is none, nothing changes, and there is nothing to put on record.
    ///
    /// # Errors
    /// The database.
    pub async fn close_link(&self, value: &str, request: Option<RequestId>) -> Result<(), WebhookFault> {
        if value.len() > TEXT_BYTES_MAX {
            return Ok(());
        }
        let (digest, world) = (self.session_digest(value), self.world.clone());
        let ended = self.db.write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            if let Some(of) = queries::end(tx, digest).await? {
                audit::record(tx, &world, &did("receiver_link.closed", of, request.clone())).await?;
            }
            Ok(())
        });
        ended.await
    }
}

/// What whoever has a link did with it.
fn did(
    act: &'static str,
    (link, organisation, endpoint): (Id<ReceiverLink>, Id<Organisation>, Id<Endpoint>),
    request: Option<RequestId>,
) -> Entry {
    let by = By { organisation, actor: Actor::Receiver(link), client: None, request };
    by.did(act, Subject::of(link), json!({ "endpoint": endpoint }))
}
