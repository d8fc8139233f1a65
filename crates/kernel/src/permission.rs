//! What can be done to an integration and to what belongs to it: which roles may, and which scope a client needs besides.  Contract 4
//!
//! Both are needed: the role says what somebody may do, the scope what the application at hand may do for them.

use crate::Role;

/// Something that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See an integration, the runs of its jobs, its numbers.
    Read,
    /// Set one up.
    Create,
    /// Change one, switch it on or off, give it credentials.
    Update,
    /// Archive one, and bring it back.
    Archive,
    /// Remove an archived one for good.
    Purge,
    /// Talk to the other side to see whether it answers.
    Test,
    /// Let data flow.
    Sync,
    /// Pause, cancel and retry jobs.
    JobControl,
    /// Read its log.
    Logs,
    /// Read what was done to it, by whom and why.
    Audit,
    /// Read records that were set aside, mend and replay them: health data.
    Records,
    /// See endpoints of webhooks, their deliveries, and the stream of events.
    WebhookRead,
    /// Set endpoints up, change and remove them, send again.
    WebhookManage,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Archive,
        Self::Purge,
        Self::Test,
        Self::Sync,
        Self::JobControl,
        Self::Logs,
        Self::Audit,
        Self::Records,
        Self::WebhookRead,
        Self::WebhookManage,
    ];

    /// Which roles have it: the one table.
    pub const fn is_of(self, role: Role) -> bool {
        use Role::{Analyst, Auditor, DataManager, OrgAdmin, StudyManager, SystemAdmin, Viewer};
        match self {
            Self::Read => matches!(
                role,
                SystemAdmin | OrgAdmin | StudyManager | DataManager | Analyst | Viewer | Auditor
            ),
            Self::Create | Self::Update | Self::Archive | Self::WebhookManage => {
                matches!(role, SystemAdmin | OrgAdmin | StudyManager)
            }
            Self::Purge => matches!(role, SystemAdmin | OrgAdmin),
            Self::Test | Self::Sync | Self::JobControl => {
                matches!(role, SystemAdmin | OrgAdmin | StudyManager | DataManager)
            }
            Self::Logs => {
                matches!(role, SystemAdmin | OrgAdmin | StudyManager | DataManager | Analyst | Auditor)
            }
            Self::Audit => matches!(role, SystemAdmin | OrgAdmin | StudyManager | Auditor),
            // Whoever runs the machines has no business with what flows through them.
            Self::Records => matches!(role, OrgAdmin | StudyManager | DataManager),
            Self::WebhookRead => {
                matches!(role, SystemAdmin | OrgAdmin | StudyManager | DataManager | Auditor)
            }
        }
    }

    /// Whether it only looks: then one of a thing's studies is enough. What changes a thing, or shows records that may be of any of its
    /// studies, needs all of them.
    pub const fn is_sight(self) -> bool {
        matches!(self, Self::Read | Self::Logs | Self::Audit | Self::WebhookRead)
    }

    /// The scope that the client needs.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Read | Self::Logs | Self::Audit => "integration:read",
            Self::Create | Self::Update | Self::Archive | Self::Purge => "integration:write",
            Self::Test | Self::Sync | Self::JobControl => "integration:sync",
            Self::Records => "integration:records",
            Self::WebhookRead => "webhook:read",
            Self::WebhookManage => "webhook:write",
        }
    }

    /// Each scope once.
    pub const SCOPES: [&'static str; 6] = [
        "integration:read",
        "integration:write",
        "integration:sync",
        "integration:records",
        "webhook:read",
        "webhook:write",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_a_known_scope_and_a_role_and_those_of_pages_have_none() {
        for permission in Permission::ALL {
            assert!(Permission::SCOPES.contains(&permission.scope()), "{permission:?}");
            assert!(permission.is_of(Role::OrgAdmin), "{permission:?}");
            assert!(!permission.is_of(Role::Developer) && !permission.is_of(Role::Person), "{permission:?}");
            assert!(!permission.is_of(Role::Viewer) || permission == Permission::Read, "{permission:?}");
        }
    }
}
