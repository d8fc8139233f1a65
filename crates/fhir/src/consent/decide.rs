//! Whether what consents say of a record lets somebody do something to it.
//!
//! A denial stands unless it is lifted: by an exception that stands in it, or by a permission of a newer Consent of the same patient
//! that is narrowed by whatever the denial is narrowed by. A record of several patients needs the leave of each.

use kernel::Timestamp;

use super::{Action, Asking, Effect, Rule};
use crate::resource::{LogicalId, Rid};

/// A rule that is about a record.
#[derive(Debug, Clone)]
pub(crate) struct Bearing {
    pub patient: LogicalId,
    pub consent: Rid,
    /// When the Consent was given.
    pub at: i64,
    pub rule: Rule,
}

impl Bearing {
    fn speaks_of(&self, asking: &Asking, action: Action, now: Timestamp) -> bool {
        let now = now.as_micros();
        let is_said = |word: &String| word == action.word() || asking.words.contains(word);
        self.rule.from <= now
            && now < self.rule.until
            && self.rule.asks.iter().all(|words| words.iter().any(is_said))
    }

    fn lifts(&self, denial: &Self) -> bool {
        let is_within = self.consent == denial.consent
            && self.rule.number > denial.rule.number
            && self.rule.number <= denial.rule.last;
        let is_newer = self.consent != denial.consent
            && self.at > denial.at
            && self.rule.dims & denial.rule.dims == denial.rule.dims;
        self.patient == denial.patient && (is_within || is_newer)
    }
}

/// Whether these rules, which are about one record, let it be done.
pub(crate) fn permits(rules: &[Bearing], asking: &Asking, now: Timestamp) -> bool {
    asking.actions.iter().all(|action| {
        let speaking = |effect: Effect| {
            rules.iter().filter(move |one| one.rule.effect == effect && one.speaks_of(asking, *action, now))
        };
        speaking(Effect::Deny).all(|denial| {
            asking.own.contains(&denial.patient)
                || speaking(Effect::Permit).any(|permission| permission.lifts(denial))
        })
    })
}
