//! One endpoint, and somebody who sees to it: staff with a role, or whoever has opened a link to it.

use kernel::{Caller, EventRow, Id, Permission, RequestId};
use web::{Bearer, Problem};

use crate::{
    By, WebhookFault, Webhooks,
    access::Access,
    delivery::{
        health::HealthOut,
        list::{DeliveriesIn, DeliveriesOut},
        replay::{ReplayIn, ReplayOut},
        view::DetailOut,
    },
    endpoint::{Endpoint, State, rotate::OVERLAP, update::may_enable, view::EndpointOut},
};

/// One endpoint, and somebody who sees to it. What they do is on record under their name: a link has its id.
pub struct Desk {
    pub(crate) webhooks: Webhooks,
    pub(crate) access: Access,
    pub(crate) by: By,
    pub(crate) endpoint: Id<Endpoint>,
}

impl Webhooks {
    /// The desk of staff who may do this: with the same roles as in the API.
    ///
    /// # Errors
    /// 403 where no role allows it.
    pub fn desk(
        &self,
        caller: &Caller,
        permission: Permission,
        (endpoint, request): (Id<Endpoint>, Option<RequestId>),
    ) -> Result<Desk, Problem> {
        let access = Access::of(&Bearer(caller.clone()), permission)?;
        let by = By {
            organisation: caller.organisation,
            actor: caller.actor(),
            client: Some(caller.client),
            request,
        };
        Ok(Desk { webhooks: self.clone(), access, by, endpoint })
    }
}

impl Desk {
    /// The endpoint.
    ///
    /// # Errors
    /// [`WebhookFault`]: it is there no more, or the database.
    pub async fn endpoint(&self) -> Result<EndpointOut, WebhookFault> {
        self.webhooks.endpoint(&self.access, (self.by.organisation, self.endpoint)).await
    }

    /// How it does.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    pub async fn health(&self) -> Result<HealthOut, WebhookFault> {
        self.webhooks.health(&self.access, (self.by.organisation, self.endpoint)).await
    }

    /// What it was told.
    ///
    /// # Errors
    /// As [`Self::endpoint`]; a page that is none.
    pub async fn deliveries(&self, asked: &DeliveriesIn) -> Result<DeliveriesOut, WebhookFault> {
        self.webhooks.deliveries(&self.access, (self.by.organisation, self.endpoint), asked).await
    }

    /// One delivery with the log of its calls.
    ///
    /// # Errors
    /// As [`Self::endpoint`]; [`WebhookFault::NoDelivery`].
    pub async fn delivery(&self, event: Id<EventRow>) -> Result<DetailOut, WebhookFault> {
        self.webhooks.delivery(&self.access, (self.by.organisation, self.endpoint), event).await
    }

    /// Make one delivery again.
    ///
    /// # Errors
    /// As [`Self::delivery`].
    pub async fn replay_one(&self, event: Id<EventRow>) -> Result<(), WebhookFault> {
        self.webhooks.replay_one((&self.access, &self.by), self.endpoint, event).await
    }

    /// Make deliveries again.
    ///
    /// # Errors
    /// As [`Self::endpoint`]; a time that is none.
    pub async fn replay(&self, asked: ReplayIn) -> Result<ReplayOut, WebhookFault> {
        self.webhooks.replay((&self.access, &self.by), self.endpoint, asked).await
    }

    /// Tell it an event that is only a test.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    pub async fn test(&self) -> Result<Id<EventRow>, WebhookFault> {
        self.webhooks.test((&self.access, &self.by), self.endpoint).await
    }

    /// Whether whoever sits here may have it told again: a receiver not where staff have paused it.
    pub const fn may_enable(&self, endpoint: &EndpointOut) -> bool {
        may_enable(self.access.side(), (endpoint.state, endpoint.paused_by))
    }

    /// Let events wait, or tell it again.
    ///
    /// # Errors
    /// As [`Self::endpoint`]; [`WebhookFault::Held`]; its address may not be called any more.
    pub async fn stand(&self, state: State) -> Result<EndpointOut, WebhookFault> {
        self.webhooks.stand((&self.access, &self.by), self.endpoint, state).await
    }

    /// Draw new keys; those of before sign beside them for a day. The secret is shown in this answer alone.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    pub async fn rotate(&self) -> Result<EndpointOut, WebhookFault> {
        self.webhooks.rotate((&self.access, &self.by), self.endpoint, OVERLAP).await
    }
}
