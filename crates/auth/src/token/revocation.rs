//! What is dead before its time, as a row and in memory.

use std::{collections::HashMap, time::Duration};

use kernel::{ApiKey, Client, Id, Person, Timestamp, Token, World};
use store::{DbError, Writer};

use super::{Origin, queries};
use crate::{client::TOKEN_LIFETIME_S_MAX, grant::Grant, row::text_column, status::mark::MarkStatus};

/// The channel on which nodes hear that something was revoked.
pub(crate) const CHANNEL: &str = "token_revocation";

/// What a revocation is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// One token.
    Token,
    /// All that a client held.
    Client,
    /// All that were issued for a person.
    Person,
    /// All that came of a grant.
    Grant,
    /// All that came of an API key.
    Key,
}

impl Of {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Client => "client",
            Self::Person => "person",
            Self::Grant => "grant",
            Self::Key => "key",
        }
    }
}
text_column!(Of, "what a revocation is of", |text| {
    [Self::Token, Self::Client, Self::Person, Self::Grant, Self::Key]
        .into_iter()
        .find(|of| of.as_str() == text)
});

/// A revocation: every token of the subject that was issued at `not_after` or before is dead. The row is kept until
/// the last of them has expired.
#[derive(Debug, Clone)]
pub(crate) struct Revoked {
    pub of: Of,
    pub subject: [u8; 16],
    pub not_after: Timestamp,
    pub recorded_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Revoked {
    pub(crate) fn token(token: Id<Token>, expires_at: Timestamp, now: Timestamp) -> Self {
        Self { of: Of::Token, subject: *token.as_bytes(), not_after: now, recorded_at: now, expires_at }
    }

    pub(crate) fn client(client: Id<Client>, now: Timestamp) -> Self {
        Self::all_of(Of::Client, *client.as_bytes(), now)
    }

    pub(crate) fn person(person: Id<Person>, now: Timestamp) -> Self {
        Self::all_of(Of::Person, *person.as_bytes(), now)
    }

    pub(crate) fn grant(grant: Id<Grant>, now: Timestamp) -> Self {
        Self::all_of(Of::Grant, *grant.as_bytes(), now)
    }

    #[cfg_attr(not(test), expect(dead_code, reason = "what deleting an API key brings about"))]
    pub(crate) fn key(key: Id<ApiKey>, now: Timestamp) -> Self {
        Self::all_of(Of::Key, *key.as_bytes(), now)
    }

    fn all_of(of: Of, subject: [u8; 16], now: Timestamp) -> Self {
        let expires_at = now + Duration::from_secs(u64::from(TOKEN_LIFETIME_S_MAX));
        Self { of, subject, not_after: now, recorded_at: now, expires_at }
    }
}

/// Write a revocation in the transaction of what brings it about; every node hears of it at commit.
pub(crate) async fn record(tx: &mut Writer, world: &World, revoked: &Revoked) -> Result<(), DbError> {
    queries::revoke(tx, revoked).await?;
    if let Some(job) = MarkStatus::of(revoked.of, revoked.subject) {
        jobs::enqueue(tx, world, &job, revoked.recorded_at, None).await?;
    }
    tx.publish(CHANNEL, revoked.of.as_str()).await
}

/// The revocations that can still matter.
#[derive(Default)]
pub(crate) struct Revocations(HashMap<(Of, [u8; 16]), Until>);

#[derive(Clone, Copy)]
struct Until {
    not_after_s: i64,
    expires_at: Timestamp,
}

impl Revocations {
    pub(crate) fn add(&mut self, revoked: &Revoked) {
        let new = Until { not_after_s: revoked.not_after.as_seconds(), expires_at: revoked.expires_at };
        let kept = self.0.entry((revoked.of, revoked.subject)).or_insert(new);
        kept.not_after_s = kept.not_after_s.max(new.not_after_s);
        kept.expires_at = kept.expires_at.max(new.expires_at);
    }

    /// Forget what has no token left that it could be about.
    pub(crate) fn forget_expired(&mut self, now: Timestamp) {
        self.0.retain(|_, until| until.expires_at > now);
    }

    /// Whether a token is dead. `iat` counts whole seconds, so what was issued in the second of a revocation is dead too; a grant
    /// and an API key end once and for all.
    pub(crate) fn cover(&self, token: &Origin) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let is_ended = |of, subject| {
            self.0.get(&(of, subject)).is_some_and(|until| token.issued_at_s <= until.not_after_s)
        };
        let is_gone = |of, subject: Option<[u8; 16]>| {
            subject.is_some_and(|subject| self.0.contains_key(&(of, subject)))
        };
        is_gone(Of::Token, Some(*token.token.as_bytes()))
            || is_gone(Of::Grant, token.grant.map(|grant| *grant.as_bytes()))
            || is_gone(Of::Key, token.key.map(|key| *key.as_bytes()))
            || is_ended(Of::Client, *token.client.as_bytes())
            || token.person.is_some_and(|person| is_ended(Of::Person, *person.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Verified;

    fn verified(client: Id<Client>, issued_at_s: i64) -> Verified {
        Verified {
            caller: kernel::Caller {
                organisation: Id::from_bytes([8; 16]),
                client,
                person: None,
                scopes: kernel::Scopes::none(),
                grants: kernel::Grants::none(),
                token: Id::from_bytes([1; 16]),
            },
            client_id: "opaque.diary".parse().unwrap(),
            subject: "opaque.diary".into(),
            audience: "https://hilum.example".into(),
            issued_at_s,
            expires_at_s: issued_at_s + 3600,
            grant: None,
            key: None,
            confirmation: None,
            authenticated_at_s: None,
            acr: None,
            actor: None,
            context: serde_json::Map::new(),
            status: None,
            told: std::sync::OnceLock::new(),
        }
    }

    #[test]
    fn a_revocation_covers_what_was_issued_before_it() {
        let (token, client, person): (_, Id<Client>, Id<Person>) =
            (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]), Id::from_bytes([3; 16]));
        let (grant, key) = (Id::from_bytes([4; 16]), Id::from_bytes([6; 16]));
        let (other, at) = (Id::from_bytes([9; 16]), Timestamp::from_micros(100_700_000));
        for (revoked, issued_at_s, is_dead) in [
            (Revoked::token(token, at, at), 100, true),
            (Revoked::token(token, at, at), 200, true),
            (Revoked::token(other, at, at), 100, false),
            (Revoked::client(client, at), 99, true),
            (Revoked::client(client, at), 100, true),
            (Revoked::client(client, at), 101, false),
            (Revoked::client(other.cast(), at), 99, false),
            (Revoked::client(person.cast(), at), 99, false),
            (Revoked::person(person, at), 100, true),
            (Revoked::person(person, at), 101, false),
            (Revoked::grant(grant, at), 99, true),
            (Revoked::grant(other.cast(), at), 99, false),
            (Revoked::key(key, at), 101, true),
            (Revoked::key(other.cast(), at), 99, false),
        ] {
            let mut revocations = Revocations::default();
            revocations.add(&revoked);
            let mut seen = verified(client, issued_at_s);
            seen.caller.token = token;
            seen.caller.person = Some(person);
            (seen.grant, seen.key) = (Some(grant), Some(key));
            assert_eq!(revocations.cover(&seen.origin()), is_dead, "{revoked:?} {issued_at_s}");
        }
    }

    #[test]
    fn an_older_revocation_does_not_undo_a_newer_and_an_expired_one_is_forgotten() {
        let client = Id::from_bytes([2; 16]);
        let mut revocations = Revocations::default();
        revocations.add(&Revoked::client(client, Timestamp::from_seconds(200)));
        revocations.add(&Revoked::client(client, Timestamp::from_seconds(100)));
        let covers = |revocations: &Revocations| revocations.cover(&verified(client, 150).origin());
        assert!(covers(&revocations));
        revocations.forget_expired(Timestamp::from_seconds(200 + i64::from(TOKEN_LIFETIME_S_MAX) - 1));
        assert!(covers(&revocations));
        revocations.forget_expired(Timestamp::from_seconds(200 + i64::from(TOKEN_LIFETIME_S_MAX)));
        assert!(!covers(&revocations));
    }
}
