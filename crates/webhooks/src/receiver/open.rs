//! A link is opened: its token is exchanged for the session of a browser.

use audit::Subject;
use kernel::{Actor, Id, RequestId, Secret, Timestamp};
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
            let by = By {
                organisation: link.organisation,
                actor: Actor::Receiver(link.id),
                client: None,
                request: request.clone(),
            };
            let entry =
                by.did("receiver_link.opened", Subject::of(link.id), json!({"endpoint": link.endpoint}));
            audit::record(tx, &world, &entry).await?;
            Ok(Some((link.endpoint, until)))
        });
        Ok(opened.await?.map(|(endpoint, until)| Opened { endpoint, value, until }))
    }

    /// End the session of a browser.
    ///
    /// # Errors
    /// The database.
    pub async fn close_link(&self, value: &str) -> Result<(), WebhookFault> {
        let digest = self.session_digest(value);
        let ended = self.db.write(async move |tx: &mut Writer| -> Result<(), WebhookFault> {
            Ok(queries::end(tx, digest).await?)
        });
        ended.await
    }
}
