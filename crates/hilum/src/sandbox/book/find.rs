//! What a token is good for.

use kernel::Timestamp;

use super::{Grant, Grants, TokenHash};

/// How it stands with an access token.
#[derive(Debug)]
pub(in crate::sandbox) enum Standing<'a> {
    Good {
        grant: &'a Grant,
        expires_at: Timestamp,
    },
    Expired,
    /// Never issued, revoked, or forgotten.
    Unknown,
}

impl Grants {
    /// How it stands with an access token.
    pub(in crate::sandbox) fn access(&self, hash: &TokenHash, now: Timestamp) -> Standing<'_> {
        let found = self.access.get(hash).and_then(|number| self.grants.get(number));
        let Some(grant) = found.filter(|grant| grant.ended_at.is_none()) else { return Standing::Unknown };
        match grant.access.iter().find(|token| token.hash == *hash) {
            Some(token) if token.expires_at > now => Standing::Good { grant, expires_at: token.expires_at },
            Some(_) => Standing::Expired,
            None => Standing::Unknown,
        }
    }

    /// The grant that a refresh token would renew.
    pub(in crate::sandbox) fn refreshable(&self, hash: &TokenHash) -> Option<&Grant> {
        let grant = self.grants.get(self.refresh.get(hash)?).filter(|grant| grant.ended_at.is_none())?;
        let unused = |token: &&super::Refresh| token.hash == *hash && token.used_at.is_none();
        grant.refresh.iter().find(unused).map(|_| grant)
    }

    /// Grants that are in force.
    pub(in crate::sandbox) fn in_force(&self) -> impl Iterator<Item = &Grant> {
        self.grants.values().filter(|grant| grant.ended_at.is_none())
    }
}
