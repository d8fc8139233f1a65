//! People's linked accounts.

mod list;
pub(crate) mod queries;
mod read;
pub(crate) mod unlink;

pub use list::{ConnectionSummary, Counts, UsedBy};
pub use read::LinkedAccount;
pub(crate) use unlink::tokens_of;
pub use unlink::{REVOKE_SCOPE, UnlinkFault};

use kernel::{Connection, Id, Integration, Organisation, Person, Scopes, Timestamp};
use store::{FromValue, Mismatch, ToValue, Value, ValueRef};

/// The channel on which changes of connections are told; the message is `<person> <integration>`.
pub(crate) const CHANNEL: &str = "broker.connection";

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In use.
    Active,
    /// In use; the last refresh failed for a passing reason.
    Degraded,
    /// The person has to link again.
    NeedsReconnect(Reason),
    /// Ended here; being ended at the third party.
    Revoking,
    /// Ended.
    Revoked,
}

/// Why a person has to link again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The third party no longer honours the grant.
    InvalidGrant,
    /// What was granted is less than anything that is used here.
    ScopeMissing,
    /// The third party issued a new refresh token that never reached us.
    RotationLost,
    /// The third party has ended the service or our access to it.
    ProviderClosed,
    /// The consent's time was up, or it never allowed for renewal.
    ConsentEnded,
}

impl Status {
    /// Whether the contract calls it `connected`.
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Active | Self::Degraded)
    }

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Degraded => "degraded",
            Self::NeedsReconnect(_) => "needs_reconnect",
            Self::Revoking => "revoking",
            Self::Revoked => "revoked",
        }
    }

    /// Why the person has to link again, if so.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::NeedsReconnect(reason) => Some(reason),
            Self::Active | Self::Degraded | Self::Revoking | Self::Revoked => None,
        }
    }

    /// How a connection stands to which new tokens came. Fewer scopes than asked for is a connection; a third party
    /// that says it granted none at all has made none.
    pub(crate) fn with_tokens(asked: &Scopes, granted: Option<&Scopes>) -> Self {
        match granted {
            Some(granted) if granted.is_empty() && !asked.is_empty() => {
                Self::NeedsReconnect(Reason::ScopeMissing)
            }
            _ => Self::Active,
        }
    }

    /// How it stands, for the person.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Active => "Linked",
            Self::Degraded => "Linked; the service does not answer at the moment",
            Self::NeedsReconnect(reason) => reason.in_words(),
            Self::Revoking => "Unlinked; telling the service",
            Self::Revoked => "Not linked",
        }
    }

    /// Read the database's two columns.
    pub(crate) fn of_columns(status: &str, reason: Option<&str>) -> Option<Self> {
        match status {
            "active" => Some(Self::Active),
            "degraded" => Some(Self::Degraded),
            "needs_reconnect" => Reason::parse(reason?).map(Self::NeedsReconnect),
            "revoking" => Some(Self::Revoking),
            "revoked" => Some(Self::Revoked),
            _ => None,
        }
    }
}

impl Reason {
    const ALL: [Self; 5] = [
        Self::InvalidGrant,
        Self::ScopeMissing,
        Self::RotationLost,
        Self::ProviderClosed,
        Self::ConsentEnded,
    ];

    /// The word in the database, in events and in the audit trail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidGrant => "invalid_grant",
            Self::ScopeMissing => "scope_missing",
            Self::RotationLost => "rotation_lost",
            Self::ProviderClosed => "provider_closed",
            Self::ConsentEnded => "consent_ended",
        }
    }

    /// What to tell the person.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::InvalidGrant => "Link again: the service no longer accepts the earlier permission",
            Self::ScopeMissing => "Link again: more permission is needed",
            Self::RotationLost => "Link again: a renewal was interrupted and could not be completed",
            Self::ProviderClosed => "The service has ended this kind of access",
            Self::ConsentEnded => "Link again: the permission has run out",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl ToValue for Reason {
    fn to_value(&self) -> Value {
        self.as_str().to_value()
    }
}
impl FromValue for Reason {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        Self::parse(value.text()?).ok_or_else(|| value.is_not("a reason to link again"))
    }
}

/// A connection as the database has it, without its tokens.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionRow {
    pub id: Id<Connection>,
    pub person: Id<Person>,
    pub integration: Id<Integration>,
    pub organisation: Id<Organisation>,
    pub status: Status,
    pub scopes_asked: Scopes,
    pub scopes_granted: Scopes,
    pub linked_at: Timestamp,
    pub consent_expires_at: Option<Timestamp>,
    pub credential_version: i64,
    pub lease_until: Timestamp,
    pub fence: i64,
    pub failures: i64,
    pub retry_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_columns() {
        let reasons = Reason::ALL.map(Status::NeedsReconnect);
        for status in
            [Status::Active, Status::Degraded, Status::Revoking, Status::Revoked].into_iter().chain(reasons)
        {
            let reason = status.reason().map(Reason::as_str);
            assert_eq!(Status::of_columns(status.as_str(), reason), Some(status));
        }
        assert_eq!(Status::of_columns("needs_reconnect", None), None);
        assert_eq!(Status::of_columns("gone", None), None);
    }

    #[test]
    fn none_of_the_scopes_is_no_connection() {
        let (asked, some, none) = ("a b".parse().unwrap(), "b c".parse().unwrap(), Scopes::none());
        assert_eq!(Status::with_tokens(&asked, None), Status::Active);
        assert_eq!(Status::with_tokens(&asked, Some(&some)), Status::Active);
        assert_eq!(Status::with_tokens(&asked, Some(&none)), Status::NeedsReconnect(Reason::ScopeMissing));
        assert_eq!(Status::with_tokens(&none, Some(&none)), Status::Active);
    }

    #[test]
    fn a_connection_that_must_be_made_anew_is_not_connected() {
        assert!(Status::Active.is_connected() && Status::Degraded.is_connected());
        for status in [Status::NeedsReconnect(Reason::RotationLost), Status::Revoking, Status::Revoked] {
            assert!(!status.is_connected());
        }
    }
}
