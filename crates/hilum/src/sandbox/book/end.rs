//! Ending grants.

use kernel::Timestamp;

use super::{GrantNumber, Grants, TokenHash};
use crate::sandbox::Person;

impl Grants {
    /// End one grant; whether it was in force.
    pub(in crate::sandbox) fn end(&mut self, number: GrantNumber, now: Timestamp) -> bool {
        match self.grants.get_mut(&number) {
            Some(grant) if grant.ended_at.is_none() => {
                grant.ended_at = Some(now);
                true
            }
            Some(_) | None => false,
        }
    }

    /// End the grant of an access or refresh token that was issued to this client; whether it was in force.
    pub(in crate::sandbox) fn revoke(&mut self, hash: &TokenHash, client_id: &str, now: Timestamp) -> bool {
        let Some(number) = self.access.get(hash).or_else(|| self.refresh.get(hash)).copied() else {
            return false;
        };
        let own = self.grants.get(&number).is_some_and(|grant| grant.client_id == client_id);
        own && self.end(number, now)
    }

    /// The person takes back everything; how many grants ended.
    pub(in crate::sandbox) fn withdraw(&mut self, person: Person, now: Timestamp) -> usize {
        let theirs =
            self.grants.values_mut().filter(|grant| grant.person == person && grant.ended_at.is_none());
        theirs.map(|grant| grant.ended_at = Some(now)).count()
    }
}
