//! How a client keeps to the rules of its security profile: by its registration, and by what was seen of it. Each rule says where it
//! is written, why it matters and how to mend what breaks it.

mod rules;
mod seen;

use kernel::{Scopes, Timestamp};

use super::Client;
pub use rules::RULES;
pub use seen::seen_of;

/// What was seen of a client.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Its secrets that are good now.
    pub secrets: Vec<SeenSecret>,
    /// What its live grants hold; none where it has no grants.
    pub scopes_granted: Scopes,
    /// Reasons for which its requests were refused lately (`auth::trace`), and how often.
    pub refused: Vec<(String, usize)>,
}

/// A secret that is good now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenSecret {
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// How a client stands to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It breaks it.
    Broken,
    /// It may do so, and should not.
    Advice,
    /// It keeps it.
    Kept,
    /// The rule is not for it.
    NotForIt,
}

/// A rule.
pub struct Rule {
    /// Its name in reports.
    pub id: &'static str,
    /// What it asks for.
    pub asks: &'static str,
    /// Where that is written.
    pub spec: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend what breaks it.
    pub mend: &'static str,
    /// The judgement.
    pub judge: fn(&Client, &Seen, Timestamp) -> Verdict,
}

/// A rule, and how a client stands to it.
#[derive(Clone, Copy)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The judgement.
    pub verdict: Verdict,
}

/// Every rule that is for this client, what is broken first.
pub fn report(client: &Client, seen: &Seen, now: Timestamp) -> Vec<Finding> {
    let judged = RULES.iter().map(|rule| Finding { rule, verdict: (rule.judge)(client, seen, now) });
    let mut findings: Vec<Finding> = judged.filter(|found| found.verdict != Verdict::NotForIt).collect();
    findings.sort_by_key(|found| found.verdict);
    findings
}

#[cfg(test)]
mod tests;
