//! The way to a source: calls that are signed, within the integration's budget, and told apart when they bring nothing.

use http::{HeaderMap, StatusCode};
use outbound::{Answer, Call, Outbound, OutboundFault, WholeAnswer};

use super::{PullFault, paced::Paced, sign_in::SignIn};

/// The way to one source. Every call of a connector goes this way.
#[derive(Clone)]
pub struct Way {
    paced: Paced,
    sign_in: SignIn,
}

impl Way {
    /// With this proof.
    pub const fn new(paced: Paced, sign_in: SignIn) -> Self {
        Self { paced, sign_in }
    }

    /// The way out, for what is no call.
    pub const fn outbound(&self) -> &Outbound {
        self.paced.outbound()
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
        self.paced.send(call).await
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
            let answer = self.paced.read(signed_call, bytes_max).await?;
            let answer = answer.map_err(|fault| unanswered(&fault))?;
            if answer.status != StatusCode::UNAUTHORIZED
                || is_again
                || !self.sign_in.is_refused(&signed).await
            {
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
            let answer = self.paced.send(signed_call).await?;
            let answer = answer.map_err(|fault| unanswered(&fault))?;
            if answer.status != StatusCode::UNAUTHORIZED
                || is_again
                || !self.sign_in.is_refused(&signed).await
            {
                return Ok(answer);
            }
            is_again = true;
        }
    }

    /// How long an answer asks us to wait, in seconds.
    pub(super) fn retry_after_s(&self, headers: &HeaderMap) -> Option<u64> {
        self.paced.retry_after_s(headers)
    }

    /// What a status says; every other than 200 is a fault.
    pub(super) fn told(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), PullFault> {
        refusal(status.as_u16(), self.retry_after_s(headers)).map_or(Ok(()), Err)
    }

    /// An answer that brings something.
    pub(super) fn answered(&self, answer: WholeAnswer) -> Result<WholeAnswer, PullFault> {
        self.told(answer.status, &answer.headers).map(|()| answer)
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

/// Why an answer with this status is none that can be used; none where it can.
const fn refusal(status: u16, after_s: Option<u64>) -> Option<PullFault> {
    Some(match status {
        200 => return None,
        401 => PullFault::last("the source does not know our credential"),
        403 => PullFault::last("the source does not let us read this"),
        404 => PullFault::last("the source has no such thing: look at the address and what it is called"),
        429 => PullFault::Again { why: "the source asks for fewer calls", after_s },
        408 | 425 | 500..=599 => PullFault::Again { why: "the source has trouble", after_s },
        300..=399 => PullFault::last("the source sends us elsewhere"),
        _ => PullFault::last("the source refuses the call"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_says_whether_another_try_may_help() {
        assert_eq!(refusal(200, None), None);
        for status in [206, 302, 400, 401, 403, 404, 410, 422] {
            assert!(matches!(refusal(status, Some(7)), Some(PullFault::Final { .. })), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(
                matches!(refusal(status, Some(7)), Some(PullFault::Again { after_s: Some(7), .. })),
                "{status}"
            );
        }
    }
}
