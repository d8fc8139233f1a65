//! `[people]`

use serde::Deserialize;

use super::{ConfigError, within};

/// Accounts and sessions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleConfig {
    /// Who may make an account.
    pub self_registration: SelfRegistration,
    /// Seconds without use after which a browser is signed out.
    pub session_idle_s: u64,
    /// Seconds after which it is signed out in any case.
    pub session_absolute_s: u64,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelfRegistration {
    /// Anybody.
    Open,
    /// Administrators.
    Closed,
}

impl SelfRegistration {
    /// Whether anybody may.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }
}

impl PeopleConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("people.session_idle_s", self.session_idle_s, 60, 86_400)?;
        within("people.session_absolute_s", self.session_absolute_s, self.session_idle_s, 30 * 86_400)
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let open = self.self_registration.is_open();
        open.then(|| {
            "people.self_registration is open: anybody who reaches the pages can make an account".to_owned()
        })
        .into_iter()
        .collect()
    }
}
