//! Counting calls, so that a test can say "exactly one".

use std::collections::BTreeMap;

use serde::Serialize;

use super::fault::Endpoint;

/// Calls since the start.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Counts {
    /// Calls that arrived, faults included.
    calls: BTreeMap<Endpoint, u64>,
    /// Token calls that were carried out, by grant type.
    token_by_grant: BTreeMap<&'static str, u64>,
    /// Token calls that were refused, by error code.
    token_refused: BTreeMap<&'static str, u64>,
    /// Used refresh tokens that came again, each of which ended its grant.
    refresh_reused: u64,
    /// Revocations that ended a grant.
    grants_revoked: u64,
}

impl Counts {
    pub(super) fn arrived(&mut self, endpoint: Endpoint) {
        bump(&mut self.calls, endpoint);
    }

    pub(super) fn token(&mut self, grant_type: &'static str) {
        bump(&mut self.token_by_grant, grant_type);
    }

    pub(super) fn token_refused(&mut self, code: &'static str) {
        bump(&mut self.token_refused, code);
    }

    pub(super) fn refresh_reused(&mut self) {
        self.refresh_reused = self.refresh_reused.saturating_add(1);
    }

    pub(super) fn grant_revoked(&mut self) {
        self.grants_revoked = self.grants_revoked.saturating_add(1);
    }

    /// The calls as lines for a page.
    pub(super) fn lines(&self) -> Vec<(&'static str, u64)> {
        Endpoint::ALL.into_iter().map(|at| (at.as_str(), self.calls.get(&at).copied().unwrap_or(0))).collect()
    }
}

fn bump<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}
