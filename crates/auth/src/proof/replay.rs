//! What is good once, and was seen: the ids of client assertions and of DPoP proofs.  RFC 7523 §3, RFC 9449 §11.1
//!
//! Every id is remembered in memory until whatever carried it is over. Ids of assertions are rows besides, so that no
//! other node takes the same one, and none does after a restart. Ids of proofs are not: a proof comes with every
//! request, lives a minute, and one from before this process began is not taken.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crypto::sha256;
use kernel::{Digest, Timestamp};
use store::{Db, DbError, binds};

/// How many ids of one issuer are remembered at a time; beyond, this issuer is refused and nobody else.
pub(crate) const IDS_PER_ISSUER_MAX: usize = 100_000;

/// How often ids that are over are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(30);

const SHARDS: usize = 16;

/// Who made the thing that carries an id: a client, or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Issuer([u8; 32]);

impl Issuer {
    /// A client, by its id.
    pub(crate) fn client(client_id: &str) -> Self {
        Self(sha256(format!("client {client_id}").as_bytes()))
    }

    /// A key, by its thumbprint.
    pub(crate) fn key(thumbprint: &str) -> Self {
        Self(sha256(format!("key {thumbprint}").as_bytes()))
    }

    /// Its id of this text.
    pub(crate) fn id(&self, text: &str) -> Digest {
        Digest::from_bytes(sha256(&[&self.0, text.as_bytes()].concat()))
    }
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It was never seen, and is remembered now.
    First,
    /// It was seen before.
    Again,
    /// Its issuer has too many at once.
    TooMany,
}

/// The ids that this node has seen.
pub(crate) struct Replay {
    shards: [Mutex<Shard>; SHARDS],
    began_at: Timestamp,
}

#[derive(Default)]
struct Shard {
    issuers: HashMap<Issuer, HashMap<Digest, Timestamp>>,
    tidied_at: Option<Timestamp>,
}

impl Replay {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { shards: Default::default(), began_at: now }
    }

    /// Whether something that was made then may have been seen by an earlier process here. Clocks of clients count
    /// whole seconds.
    pub(crate) fn is_from_before(&self, made_at: Timestamp) -> bool {
        made_at.as_seconds() < self.began_at.as_seconds()
    }

    /// Remember an id until then.
    pub(crate) fn note(&self, issuer: Issuer, id: Digest, until: Timestamp, now: Timestamp) -> Seen {
        let Some(shard) = self.shards.get(usize::from(issuer.0[0]) % SHARDS) else { return Seen::TooMany };
        shard.lock().unwrap_or_else(PoisonError::into_inner).note(issuer, id, until, now)
    }
}

impl Shard {
    fn note(&mut self, issuer: Issuer, id: Digest, until: Timestamp, now: Timestamp) -> Seen {
        if self.tidied_at.is_none_or(|at| now.since(at) >= TIDY_EVERY) {
            self.issuers.retain(|_, ids| {
                ids.retain(|_, until| *until > now);
                !ids.is_empty()
            });
            self.tidied_at = Some(now);
        }
        let ids = self.issuers.entry(issuer).or_default();
        if ids.contains_key(&id) {
            return Seen::Again;
        }
        if ids.len() >= IDS_PER_ISSUER_MAX {
            return Seen::TooMany;
        }
        ids.insert(id, until);
        Seen::First
    }
}

/// Write an id down for all nodes and all times to come: `Again` if it is there.
pub(crate) async fn record(db: &Db, id: Digest, until: Timestamp) -> Result<Seen, DbError> {
    let sql = "INSERT INTO replay (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    let rows = db.execute(sql, binds![id, until]).await?;
    Ok(if rows == 0 { Seen::Again } else { Seen::First })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_seconds(s)
    }

    #[test]
    fn an_id_is_good_once_for_each_issuer_and_forgotten_when_it_is_over() {
        let replay = Replay::new(at(0));
        let (a, b) = (Issuer::client("opaque.a"), Issuer::client("opaque.b"));
        assert_ne!(a.id("1"), b.id("1"));
        assert_ne!(Issuer::client("x"), Issuer::key("x"), "a client cannot be named like a key");
        for (issuer, id, now, seen) in [
            (a, "1", 0, Seen::First),
            (a, "1", 0, Seen::Again),
            (a, "2", 0, Seen::First),
            (b, "1", 0, Seen::First),
            (a, "1", 59, Seen::Again),
            (a, "1", 100, Seen::First),
        ] {
            assert_eq!(replay.note(issuer, issuer.id(id), at(now + 60), at(now)), seen, "{id} {now}");
        }
    }

    #[test]
    fn an_issuer_at_its_cap_is_refused_and_nobody_else() {
        let replay = Replay::new(at(0));
        let (greedy, honest) = (Issuer::client("opaque.greedy"), Issuer::client("opaque.honest"));
        for n in 0..IDS_PER_ISSUER_MAX {
            assert_eq!(replay.note(greedy, greedy.id(&n.to_string()), at(60), at(0)), Seen::First);
        }
        assert_eq!(replay.note(greedy, greedy.id("more"), at(60), at(0)), Seen::TooMany);
        assert_eq!(replay.note(greedy, greedy.id("0"), at(60), at(0)), Seen::Again);
        assert_eq!(replay.note(honest, honest.id("0"), at(60), at(0)), Seen::First);
        assert_eq!(
            replay.note(greedy, greedy.id("more"), at(200), at(100)),
            Seen::First,
            "once they are over"
        );
    }

    #[test]
    fn nothing_from_before_the_start_is_taken() {
        let replay = Replay::new(Timestamp::from_micros(100_700_000));
        assert!(replay.is_from_before(at(99)));
        assert!(!replay.is_from_before(at(100)));
    }
}
