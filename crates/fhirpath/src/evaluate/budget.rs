//! What one run may cost.

use kernel::Timestamp;

use super::{EvaluationFault, context::NowDuring};

/// Limits of one run; each stands in `docs/limits.md`.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Operations, elements looked at, comparisons, and one for every 64 characters made.
    pub steps_max: u64,
    /// Items on the stack: what one collection may hold, and all that wait.
    pub items_max: usize,
    /// When the caller wants to hear that it takes too long, by [`Context::now_during`](super::Context::now_during).
    pub until: Option<Timestamp>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps_max: 10_000_000, items_max: 1_000_000, until: None }
    }
}

/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u64 = 4096;

#[derive(Debug)]
pub(super) struct Spent {
    steps: u64,
    next_look: u64,
    steps_max: u64,
    until: Option<Timestamp>,
}

impl Spent {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { steps: 0, next_look: STEPS_PER_LOOK, steps_max: budget.steps_max, until: budget.until }
    }

    pub(super) fn so_far(&self) -> u64 {
        self.steps
    }

    pub(super) fn steps(&mut self, count: u64, clock: Option<&NowDuring<'_>>) -> Result<(), EvaluationFault> {
        self.steps = self.steps.saturating_add(count);
        if self.steps > self.steps_max {
            return Err(EvaluationFault::TooManySteps { steps_max: self.steps_max });
        }
        if self.steps < self.next_look {
            return Ok(());
        }
        self.next_look = self.steps.saturating_add(STEPS_PER_LOOK);
        match (clock, self.until) {
            (Some(clock), Some(until)) if clock() > until => Err(EvaluationFault::TooLate),
            _ => Ok(()),
        }
    }
}
