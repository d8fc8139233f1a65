//! The way to a source: calls that are signed, within the integration's budget, and told apart when they bring nothing.

use std::sync::Arc;

use http::{HeaderMap, header};
use outbound::{Answer, Call, Outbound, OutboundFault, WholeAnswer};

use super::{
    PullFault,
    budget::{Budget, unbounded},
    sign_in::SignIn,
};

/// Where a source asks all to wait and does not say how long: seconds.
const PAUSE_S: u64 = 5;

/// The way to one source. Every call of a connector goes this way.
#[derive(Clone)]
pub struct Way {
    outbound: Outbound,
    sign_in: SignIn,
    budget: Arc<dyn Budget>,
}

impl Way {
    /// With this proof, and no budget.
    pub fn new(outbound: Outbound, sign_in: SignIn) -> Self {
        Self { outbound, sign_in, budget: unbounded() }
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

    /// How calls are signed.
    pub const fn sign_in(&self) -> &SignIn {
        &self.sign_in
    }

    /// A call that does not say who asks.
    ///
    /// # Errors
    /// The budget's, or why there is no answer.
    pub async fn plain(&self, call: Call) -> Result<Result<Answer, OutboundFault>, PullFault> {
        let turn = self.budget.enter().await?;
        let answer = self.outbound.send(call).await;
        if let Ok(answer) = &answer {
            self.heed(answer.status.as_u16(), &answer.headers).await;
        }
        self.budget.leave(turn).await;
        Ok(answer)
    }

    /// A signed call whose answer is read to its end. If the source does not take a token, another one is asked for, once.
    ///
    /// # Errors
    /// [`PullFault`]: there is no answer. What its status says is for the caller.
    pub async fn read(&self, call: &Call, bytes_max: usize) -> Result<WholeAnswer, PullFault> {
        let mut is_again = false;
        loop {
            let mut signed_call = copy(call);
            let signed = self.sign_in.sign(&mut signed_call.headers).await?;
            let turn = self.budget.enter().await?;
            let answer = self.outbound.read(signed_call, bytes_max).await;
            if let Ok(answer) = &answer {
                self.heed(answer.status.as_u16(), &answer.headers).await;
            }
            self.budget.leave(turn).await;
            let answer = answer.map_err(|fault| unanswered(&fault))?;
            if answer.status.as_u16() != 401 || is_again || !self.sign_in.is_refused(&signed).await {
                return Ok(answer);
            }
            is_again = true;
        }
    }

    /// A signed call whose answer is read as it comes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn open(&self, call: &Call) -> Result<Answer, PullFault> {
        let mut is_again = false;
        loop {
            let mut signed_call = copy(call);
            let signed = self.sign_in.sign(&mut signed_call.headers).await?;
            let turn = self.budget.enter().await?;
            let answer = self.outbound.send(signed_call).await;
            if let Ok(answer) = &answer {
                self.heed(answer.status.as_u16(), &answer.headers).await;
            }
            self.budget.leave(turn).await;
            let answer = answer.map_err(|fault| unanswered(&fault))?;
            if answer.status.as_u16() != 401 || is_again || !self.sign_in.is_refused(&signed).await {
                return Ok(answer);
            }
            is_again = true;
        }
    }

    /// Who asks for a pause gets it from every node.
    async fn heed(&self, status: u16, headers: &HeaderMap) {
        match (status, retry_after(headers)) {
            (429, wait) => self.budget.pause(wait.unwrap_or(PAUSE_S)).await,
            (503, Some(wait)) => self.budget.pause(wait).await,
            _ => {}
        }
    }
}

fn copy(call: &Call) -> Call {
    Call {
        method: call.method.clone(),
        url: call.url.clone(),
        headers: call.headers.clone(),
        body: call.body.clone(),
        timeout: call.timeout,
    }
}

/// Nobody took a connection, or no encrypted one came about.
pub(super) const NO_CONNECTION: &str = "no connection to the source";

/// Why there is no answer, in words for the operator.
pub(super) fn unanswered(fault: &OutboundFault) -> PullFault {
    match fault {
        OutboundFault::Refused(_) => PullFault::last("the source's address is not allowed here"),
        OutboundFault::Setup(_) => PullFault::last("the source cannot be called"),
        OutboundFault::TooLarge { .. } => {
            PullFault::last("the source's answer is too large: ask for smaller pages")
        }
        OutboundFault::NotSent(_) => PullFault::again(NO_CONNECTION),
        OutboundFault::TimedOut => PullFault::again("the source does not answer in time"),
        OutboundFault::Broken(_) => PullFault::again("the connection to the source broke off"),
    }
}

/// An answer that brings something; every other status is a fault.
pub(super) fn answered(answer: WholeAnswer) -> Result<WholeAnswer, PullFault> {
    told(answer.status.as_u16(), &answer.headers).map(|()| answer)
}

/// What a status says.
pub(super) fn told(status: u16, headers: &HeaderMap) -> Result<(), PullFault> {
    let after_s = retry_after(headers);
    match status {
        200 => Ok(()),
        401 => Err(PullFault::last("the source does not know our credential")),
        403 => Err(PullFault::last("the source does not let us read this")),
        429 => Err(PullFault::Again { why: "the source asks for fewer calls", after_s }),
        408 | 425 | 500..=599 => Err(PullFault::Again { why: "the source has trouble", after_s }),
        300..=399 => Err(PullFault::last("the source sends us elsewhere")),
        _ => Err(PullFault::last("the source refuses the search")),
    }
}

/// `Retry-After` in seconds; a date is left to our own pauses.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}
