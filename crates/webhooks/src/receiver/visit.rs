//! Whoever comes with the cookie of an opened link.

use kernel::{Actor, Id, RequestId, Timestamp};

use super::{TEXT_BYTES_MAX, queries};
use crate::{By, WebhookFault, Webhooks, access::Access, desk::Desk, endpoint::Endpoint};

/// Whoever has opened a link, in this browser and at this endpoint.
pub struct Visit {
    /// What they see and do there.
    pub desk: Desk,
    /// Until when the browser may go on.
    pub until: Timestamp,
}

impl Webhooks {
    /// Whoever comes with this cookie to the page of this endpoint; none where the link is of another one, has ended or was revoked.
    ///
    /// # Errors
    /// The database.
    pub async fn visit(
        &self,
        value: &str,
        endpoint: Id<Endpoint>,
        request: Option<RequestId>,
    ) -> Result<Option<Visit>, WebhookFault> {
        if value.len() > TEXT_BYTES_MAX {
            return Ok(None);
        }
        let (digest, now) = (self.session_digest(value), self.world.now());
        let found = queries::visit(&mut self.db.read().await?, digest, (endpoint, now)).await?;
        Ok(found.map(|(link, organisation, until)| {
            let by = By { organisation, actor: Actor::Receiver(link), client: None, request };
            let desk = Desk { webhooks: self.clone(), access: Access::Receiver(endpoint), by, endpoint };
            Visit { desk, until }
        }))
    }
}
