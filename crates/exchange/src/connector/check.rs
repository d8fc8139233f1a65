//! What a test of a connection found.  Contract 4, `POST /{id}/test`

use kernel::{Timestamp, World};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a step looks at, in the order in which one needs the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationTestStepName)]
pub enum StepName {
    /// Whether what is configured is enough to begin.
    Configuration,
    /// Whether the site has records, here.
    Site,
    /// The host's name.
    Name,
    /// A connection.
    Connection,
    /// Its encryption; the time goes up to the first byte of an answer.
    Tls,
    /// The key by which an SSH server is known.
    HostKey,
    /// What the other side says of itself.
    Api,
    /// Who we are.
    SignIn,
    /// What we may.
    Permission,
    /// Where its files lie.
    Directory,
    /// A record of each sort.
    SampleRead,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationTestStepOutcome)]
pub enum Outcome {
    /// As it should.
    Passed,
    /// It will do, and somebody should look at it.
    Warning,
    /// It does not work.
    Failed,
    /// It was not come to.
    Skipped,
}

/// One step. Its words are ours: nothing that the other side says is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What it looked at.
    pub name: StepName,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub duration_ms: u64,
    /// The same in words.
    pub message: &'static str,
}

/// What a test found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The version that the other side speaks.
    pub api_version: Option<String>,
    /// The fingerprint of the key that an SSH server has shown.
    pub host_key: Option<String>,
    /// What we may do there.
    pub permissions: Vec<String>,
    /// Each step.
    pub steps: Vec<Step>,
}

impl Findings {
    /// Add a step that began then and has ended now.
    pub fn tell(
        &mut self,
        name: StepName,
        (world, began): (&World, Timestamp),
        (outcome, message): (Outcome, &'static str),
    ) {
        let took = world.now().since(began).as_millis();
        let duration_ms = u64::try_from(took).unwrap_or(u64::MAX);
        self.steps.push(Step { name, outcome, duration_ms, message });
    }

    /// Those of these steps that were not come to.
    pub fn skip_rest(&mut self, all: &[StepName]) {
        for name in all {
            if !self.steps.iter().any(|step| step.name == *name) {
                let message = "not come to";
                self.steps.push(Step { name: *name, outcome: Outcome::Skipped, duration_ms: 0, message });
            }
        }
    }

    /// The step that says how it went as a whole: the first that failed, or else the first to look at; none where all is well.
    pub fn worst(&self) -> Option<&Step> {
        let first = |outcome| self.steps.iter().find(|step| step.outcome == outcome);
        first(Outcome::Failed).or_else(|| first(Outcome::Warning))
    }
}
