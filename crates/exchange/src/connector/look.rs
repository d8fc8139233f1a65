//! What tests of all connectors begin with, and how they say what they see. All words are ours.

use std::time::Duration;

use kernel::{Timestamp, World};
use url::Url;

use super::{Findings, Outcome, PullFault, StepName, Way, reach::reach, sign_in::NOT_FOR_SCOPES};

/// After so long a test begins no further call.
pub const CHECK_TIME_MAX: Duration = Duration::from_secs(60);
/// The longest that one call of a test of a FHIR server may take: some make what they say of themselves when they are first asked.
pub const CHECK_CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of one answer that a test reads.
pub const CHECK_BYTES_MAX: usize = 8 << 20;

pub(super) const UNKNOWN: &str = "the server does not know our credential";
pub(super) const TOO_SLOW: PullFault =
    PullFault::last("the server is too slow for the test to come to its end");

pub(super) type Said = (Outcome, &'static str);

pub(super) const fn passed(message: &'static str) -> Said {
    (Outcome::Passed, message)
}
pub(super) const fn warning(message: &'static str) -> Said {
    (Outcome::Warning, message)
}
pub(super) const fn failed(message: &'static str) -> Said {
    (Outcome::Failed, message)
}

/// A fault in words of ours.
pub(super) const fn words(fault: &PullFault) -> &'static str {
    match fault {
        PullFault::Again { why, .. } | PullFault::Final { why } => why,
        PullFault::Later { .. } => {
            "the integration's budget of calls is used up for now: test it again later"
        }
    }
}

/// A test under way.
pub(super) struct Look<'a> {
    pub way: &'a Way,
    pub world: &'a World,
    pub began: Timestamp,
    pub found: Findings,
}

impl<'a> Look<'a> {
    pub fn begin(way: &'a Way, world: &'a World) -> Self {
        Self { way, world, began: world.now(), found: Findings::default() }
    }

    /// None where it ends there.
    pub fn tell(&mut self, name: StepName, began: Timestamp, said: Said) -> Option<()> {
        self.found.tell(name, (self.world, began), said);
        (said.0 != Outcome::Failed).then_some(())
    }

    pub fn is_late(&self) -> bool {
        self.world.now().since(self.began) > CHECK_TIME_MAX
    }

    /// Whether anybody is there.
    pub async fn reach(&mut self, url: &Url) -> Option<()> {
        reach(self.way.outbound(), url, (self.world, &mut self.found)).await
    }

    /// Whether there is anything to prove ourselves with: a token may have to be asked for first.
    pub async fn prove(&mut self) -> Option<()> {
        let began = self.world.now();
        match self.way.sign_in().prove().await {
            Ok(()) => Some(()),
            Err(NOT_FOR_SCOPES) => {
                self.tell(StepName::SignIn, began, passed("the token endpoint knows us"))?;
                self.tell(StepName::Permission, began, failed(words(&NOT_FOR_SCOPES)))
            }
            Err(fault) => self.tell(StepName::SignIn, began, failed(words(&fault))),
        }
    }
}
