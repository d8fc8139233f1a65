//! The way out to a source at the pace of its integration's budget: every call takes a turn, those for tokens too.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use kernel::World;
use outbound::{Answer, Call, Outbound, OutboundFault, WholeAnswer};

use super::{
    PullFault,
    budget::{Budget, Turn, unbounded},
};

/// Where a source asks all to wait and does not say how long: seconds.
const PAUSE_S: u64 = 5;

/// The way out to one source.
#[derive(Clone)]
pub struct Paced {
    outbound: Outbound,
    world: World,
    budget: Arc<dyn Budget>,
}

impl Paced {
    /// With no budget.
    pub fn new(outbound: Outbound, world: World) -> Self {
        Self { outbound, world, budget: unbounded() }
    }

    /// Within this budget.
    #[must_use]
    pub fn within(self, budget: Arc<dyn Budget>) -> Self {
        Self { budget, ..self }
    }

    /// The way out, for what is no call.
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Time and chance.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// A turn, for what is not called by HTTP. It has to be given back.
    pub(super) async fn enter(&self) -> Result<Turn, PullFault> {
        self.budget.enter().await
    }

    /// It is over.
    pub(super) async fn leave(&self, turn: Turn) {
        self.budget.leave(turn).await;
    }

    /// A call whose answer is read as it comes.
    ///
    /// # Errors
    /// The budget's, or why there is no answer.
    pub async fn send(&self, call: Call) -> Result<Result<Answer, OutboundFault>, PullFault> {
        let turn = self.budget.enter().await?;
        let answer = self.outbound.send(call).await;
        if let Ok(answer) = &answer {
            self.heed(answer.status, &answer.headers).await;
        }
        self.budget.leave(turn).await;
        Ok(answer)
    }

    /// A call whose answer is read to its end.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn read(
        &self,
        call: Call,
        bytes_max: usize,
    ) -> Result<Result<WholeAnswer, OutboundFault>, PullFault> {
        let turn = self.budget.enter().await?;
        let answer = self.outbound.read(call, bytes_max).await;
        if let Ok(answer) = &answer {
            self.heed(answer.status, &answer.headers).await;
        }
        self.budget.leave(turn).await;
        Ok(answer)
    }

    /// How long an answer asks us to wait, in seconds.
    pub(super) fn retry_after_s(&self, headers: &HeaderMap) -> Option<u64> {
        outbound::retry_after(headers, self.world.now()).map(|wait| wait.as_secs())
    }

    /// Who asks for a pause gets it from every node.
    async fn heed(&self, status: StatusCode, headers: &HeaderMap) {
        match (status, self.retry_after_s(headers)) {
            (StatusCode::TOO_MANY_REQUESTS, wait) => self.budget.pause(wait.unwrap_or(PAUSE_S)).await,
            (StatusCode::SERVICE_UNAVAILABLE, Some(wait)) => self.budget.pause(wait).await,
            _ => {}
        }
    }
}
