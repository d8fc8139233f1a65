//! Changing a refresh token for the next one.  RFC 9700 §4.14.2

use std::time::Duration;

use kernel::{Scopes, Timestamp};

use super::{Grant, GrantNumber, Grants, Pair, TokenHash};
use crate::sandbox::Person;

/// Why there is no next token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Refusal {
    /// Never issued, issued to another client, or its grant has ended.
    Unknown,
    /// It has been used before: somebody has a copy, so the whole grant is ended.
    Reused,
}

enum Use {
    First,
    Again,
}

impl Grants {
    /// Take a refresh token and give the next pair; whose it is and what it is good for.
    ///
    /// Within `grace` of its first use a token may come again, for clients that lost the answer.
    pub(in crate::sandbox) fn rotate(
        &mut self,
        hash: &TokenHash,
        client_id: &str,
        pair: Pair,
        now: Timestamp,
        grace: Duration,
    ) -> Result<(Person, Scopes), Refusal> {
        let number = *self.refresh.get(hash).ok_or(Refusal::Unknown)?;
        let grant =
            self.grants.get_mut(&number).filter(|grant| good(grant, client_id)).ok_or(Refusal::Unknown)?;
        let owner = (grant.person, grant.scopes.clone());
        match mark(grant, hash, now, grace) {
            Use::First => {
                self.add(number, pair, now);
                Ok(owner)
            }
            Use::Again => self.refuse(number, now),
        }
    }

    fn refuse<T>(&mut self, number: GrantNumber, now: Timestamp) -> Result<T, Refusal> {
        self.end(number, now);
        Err(Refusal::Reused)
    }
}

fn good(grant: &Grant, client_id: &str) -> bool {
    grant.client_id == client_id && grant.ended_at.is_none()
}

fn mark(grant: &mut Grant, hash: &TokenHash, now: Timestamp, grace: Duration) -> Use {
    match grant.refresh.iter_mut().find(|token| token.hash == *hash) {
        Some(token) => match token.used_at {
            None => {
                token.used_at = Some(now);
                Use::First
            }
            Some(used_at) if now < used_at + grace => Use::First,
            Some(_) => Use::Again,
        },
        None => Use::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::book::Standing;

    const STRICT: Duration = Duration::ZERO;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn hash(token: &str) -> TokenHash {
        TokenHash::of(token)
    }

    fn pair(nth: u32, expires: i64) -> Pair {
        let (access, refresh) = (hash(&format!("a{nth}")), hash(&format!("r{nth}")));
        Pair { access, access_expires_at: at(expires), refresh }
    }

    fn given() -> Grants {
        let mut grants = Grants::default();
        grants.give(Person::River, "app", "sleep".parse().unwrap(), pair(1, 100), at(0));
        grants
    }

    #[test]
    fn each_refresh_token_works_once() {
        let mut grants = given();
        assert!(grants.rotate(&hash("r1"), "app", pair(2, 200), at(10), STRICT).is_ok());
        assert!(grants.rotate(&hash("r2"), "app", pair(3, 300), at(20), STRICT).is_ok());
        assert!(matches!(grants.access(&hash("a3"), at(20)), Standing::Good { .. }));
    }

    #[test]
    fn a_used_refresh_token_ends_the_whole_grant() {
        let mut grants = given();
        grants.rotate(&hash("r1"), "app", pair(2, 200), at(10), STRICT).unwrap();
        assert_eq!(grants.rotate(&hash("r1"), "app", pair(3, 300), at(11), STRICT), Err(Refusal::Reused));
        assert_eq!(grants.rotate(&hash("r2"), "app", pair(4, 300), at(12), STRICT), Err(Refusal::Unknown));
        assert!(matches!(grants.access(&hash("a2"), at(12)), Standing::Unknown));
        assert_eq!(grants.in_force().count(), 0);
    }

    #[test]
    fn within_the_grace_a_used_token_works_again() {
        let mut grants = given();
        let grace = Duration::from_secs(30);
        grants.rotate(&hash("r1"), "app", pair(2, 200), at(10), grace).unwrap();
        assert!(grants.rotate(&hash("r1"), "app", pair(3, 200), at(39), grace).is_ok());
        assert_eq!(grants.rotate(&hash("r1"), "app", pair(4, 200), at(40), grace), Err(Refusal::Reused));
    }

    #[test]
    fn another_client_can_neither_use_nor_end_it() {
        let mut grants = given();
        assert_eq!(grants.rotate(&hash("r1"), "other", pair(2, 200), at(10), STRICT), Err(Refusal::Unknown));
        assert!(!grants.revoke(&hash("r1"), "other", at(10)));
        assert!(grants.refreshable(&hash("r1")).is_some());
        assert!(grants.revoke(&hash("a1"), "app", at(10)));
        assert!(grants.refreshable(&hash("r1")).is_none());
    }

    #[test]
    fn an_access_token_ends_with_its_time_or_its_grant() {
        let mut grants = given();
        assert!(matches!(grants.access(&hash("a1"), at(99)), Standing::Good { .. }));
        assert!(matches!(grants.access(&hash("a1"), at(100)), Standing::Expired));
        assert_eq!((grants.withdraw(Person::Sky, at(1)), grants.withdraw(Person::River, at(1))), (0, 1));
        assert!(matches!(grants.access(&hash("a1"), at(2)), Standing::Unknown));
    }

    #[test]
    fn the_book_is_found_again_after_a_restart() {
        let mut grants = given();
        grants.rotate(&hash("r1"), "app", pair(2, 200), at(10), STRICT).unwrap();
        let mut again: Grants = serde_json::from_slice(&serde_json::to_vec(&grants).unwrap()).unwrap();
        again.index();
        assert_eq!(again.grants, grants.grants);
        assert!(again.rotate(&hash("r2"), "app", pair(3, 300), at(20), STRICT).is_ok());
        assert_eq!(again.rotate(&hash("r1"), "app", pair(4, 300), at(21), STRICT), Err(Refusal::Reused));
    }

    #[test]
    fn tokens_of_one_grant_are_limited() {
        let mut grants = given();
        for nth in 1..200 {
            let token = hash(&format!("r{nth}"));
            grants.rotate(&token, "app", pair(nth + 1, 1_000), at(10), STRICT).unwrap();
        }
        assert!(grants.refresh.len() <= super::super::TOKENS_PER_GRANT_MAX);
        assert!(grants.access.len() <= super::super::TOKENS_PER_GRANT_MAX);
    }
}
