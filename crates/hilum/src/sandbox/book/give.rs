//! Writing a new grant into the book.

use kernel::{Scopes, Timestamp};

use super::{Access, GRANTS_MAX, Grant, GrantNumber, Grants, Pair, Refresh, TOKENS_PER_GRANT_MAX};
use crate::sandbox::Person;

impl Grants {
    /// A person allows a client something; the first tokens are this pair.
    pub(in crate::sandbox) fn give(
        &mut self,
        person: Person,
        client_id: &str,
        scopes: Scopes,
        pair: Pair,
        now: Timestamp,
    ) -> GrantNumber {
        while self.grants.len() >= GRANTS_MAX {
            self.forget_oldest();
        }
        let number = self.grants.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
        let client_id = client_id.to_owned();
        let grant = Grant {
            person,
            client_id,
            scopes,
            begun_at: now,
            ended_at: None,
            refresh: Vec::new(),
            access: Vec::new(),
        };
        self.grants.insert(number, grant);
        self.add(number, pair, now);
        number
    }

    /// Give a grant a new pair of tokens and forget those that are of no use any more.
    pub(super) fn add(&mut self, number: GrantNumber, pair: Pair, now: Timestamp) {
        let Some(grant) = self.grants.get_mut(&number) else { return };
        self.access.insert(pair.access.clone(), number);
        self.refresh.insert(pair.refresh.clone(), number);
        grant.access.push(Access { hash: pair.access, expires_at: pair.access_expires_at });
        grant.refresh.push(Refresh { hash: pair.refresh, used_at: None });
        let too_many = grant.access.len().saturating_sub(TOKENS_PER_GRANT_MAX);
        let mut nth = 0;
        grant.access.retain(|token| {
            nth += 1;
            let keep = nth > too_many && token.expires_at > now;
            if !keep {
                self.access.remove(&token.hash);
            }
            keep
        });
        let too_many = grant.refresh.len().saturating_sub(TOKENS_PER_GRANT_MAX);
        for token in grant.refresh.drain(..too_many) {
            self.refresh.remove(&token.hash);
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, grant)) = self.grants.pop_first() else { return };
        for token in grant.access {
            self.access.remove(&token.hash);
        }
        for token in grant.refresh {
            self.refresh.remove(&token.hash);
        }
    }
}
