//! Is this access token good? The one place where that is decided, for every endpoint.  RFC 9068 §4
//!
//! A token that was seen before costs a hash and three look-ups; a new one costs a signature besides. Neither asks the
//! database, unless this node has not heard of revocations for longer than [`STALE_AFTER`].

use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use crypto::{
    b64,
    jose::{Expect, TOKEN_BYTES_MAX, Typ, verify},
    sha256,
};
use kernel::{Caller, Client, Id, Timestamp};
use quick_cache::sync::Cache;
use store::{Db, DbError};
use web::AuthFault;

use super::{
    ACCESS_TOKEN_TYP, AccessClaims, Origin, Verified, queries,
    revocation::{Revocations, Revoked},
};
use crate::{Auth, keys};

/// How many verified tokens are remembered.
const VERIFIED_MAX: usize = 10_000;

/// How many questions about tokens are remembered, and for how long one goes on record once.
const ASKED_MAX: usize = 10_000;
const ASKED_EVERY: Duration = Duration::from_mins(5);

/// After how long without word from the database a node asks it before it lets a token pass.
const STALE_AFTER: Duration = Duration::from_secs(30);

/// How far back a refresh looks: longer than clocks differ and a commit takes.
const OVERLAP: Duration = Duration::from_secs(120);

/// What a node knows of tokens.
pub(crate) struct Checker {
    issuer: String,
    verified: Cache<[u8; 32], Arc<Verified>>,
    asked: Cache<Question, Timestamp>,
    revoked: RwLock<Known>,
}

/// Who asked about which token, and whether it was active.
type Question = (Id<Client>, [u8; 32], bool);

#[derive(Default)]
struct Known {
    revocations: Revocations,
    refreshed_at: Option<Timestamp>,
}

impl Checker {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            verified: Cache::new(VERIFIED_MAX),
            asked: Cache::new(ASKED_MAX),
            revoked: RwLock::default(),
        }
    }

    /// Read what was revoked since the last time; at first, everything that can still matter.
    pub(crate) async fn refresh(&self, db: &Db, now: Timestamp) -> Result<(), DbError> {
        let last = self.revoked.read().unwrap_or_else(PoisonError::into_inner).refreshed_at;
        let since = last.map_or(Timestamp::from_micros(0), |last| last - OVERLAP);
        let revoked = queries::revoked_since(db, since, now).await?;
        let mut known = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.iter().for_each(|revoked| known.revocations.add(revoked));
        known.revocations.forget_expired(now);
        known.refreshed_at = known.refreshed_at.max(Some(now));
        Ok(())
    }

    pub(crate) fn heed(&self, revoked: &Revoked) {
        self.revoked.write().unwrap_or_else(PoisonError::into_inner).revocations.add(revoked);
    }

    /// Whether this answer is to go on record: the same to the same client is, once in [`ASKED_EVERY`].
    pub(crate) fn is_new_question(
        &self,
        asker: Id<Client>,
        token: &str,
        is_active: bool,
        now: Timestamp,
    ) -> bool {
        let question = (asker, sha256(token.as_bytes()), is_active);
        if self.asked.get(&question).is_some_and(|at| now.since(at) < ASKED_EVERY) {
            return false;
        }
        self.asked.insert(question, now);
        true
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        let refreshed_at = self.revoked.read().unwrap_or_else(PoisonError::into_inner).refreshed_at;
        refreshed_at.is_none_or(|at| now.since(at) > STALE_AFTER)
    }

    fn is_dead(&self, token: &Verified, now: Timestamp) -> bool {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        now >= Timestamp::from_seconds(token.expires_at_s) || revoked.revocations.cover(&token.origin())
    }
}

impl Auth {
    /// The caller that an access token proves, and what the token says besides.
    ///
    /// # Errors
    /// [`AuthFault::Invalid`] for anything that is not a good token for this deployment; [`AuthFault::Unavailable`] when
    /// this node cannot know what is revoked.
    pub async fn check(&self, token: &str) -> Result<Arc<Verified>, AuthFault> {
        let verified = self.check_for_any(token).await?;
        if self.config().is_own_resource(&verified.audience) { Ok(verified) } else { Err(AuthFault::Invalid) }
    }

    /// The same for a token that may be meant for another API than this deployment's: for whoever asks about it.
    pub(crate) async fn check_for_any(&self, token: &str) -> Result<Arc<Verified>, AuthFault> {
        let now = self.world().now();
        self.refreshed(now).await?;
        let digest = sha256(token.as_bytes());
        let verified = match self.checker().verified.get(&digest) {
            Some(known) => known,
            None => {
                let verified = Arc::new(self.read(token, now).ok_or(AuthFault::Invalid)?);
                self.checker().verified.insert(digest, Arc::clone(&verified));
                verified
            }
        };
        if self.checker().is_dead(&verified, now) { Err(AuthFault::Invalid) } else { Ok(verified) }
    }

    /// Whether anything that a token came of was revoked.
    pub(super) async fn is_revoked(&self, origin: &Origin) -> Result<bool, AuthFault> {
        self.refreshed(self.world().now()).await?;
        let revoked = self.checker().revoked.read().unwrap_or_else(PoisonError::into_inner);
        Ok(revoked.revocations.cover(origin))
    }

    async fn refreshed(&self, now: Timestamp) -> Result<(), AuthFault> {
        if self.checker().is_stale(now) {
            let refreshed = Box::pin(self.checker().refresh(self.db(), now)).await;
            refreshed.map_err(|fault| AuthFault::Unavailable(Box::new(fault)))?;
        }
        Ok(())
    }

    fn read(&self, token: &str, now: Timestamp) -> Option<Verified> {
        // The audience is read first and looked at with the rest: which one is right depends on who asks.
        let audience = unproven_audience(token)?;
        let expect = Expect {
            issuer: &self.checker().issuer,
            audience: &audience,
            typ: Typ::Exactly(ACCESS_TOKEN_TYP),
            algs: &[keys::ALGORITHM],
            now,
            leeway_s: crypto::jose::LEEWAY_S,
        };
        let claims = verify(token, self.keys().public(), &expect).ok()?;
        let claims = claims.read::<AccessClaims>().ok()?;
        let status = claims.status.as_ref().and_then(|status| status.place(&self.checker().issuer));
        Some(Verified { status, ..claims.into_verified()? })
    }
}

fn unproven_audience(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Audience {
        aud: String,
    }
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let claims = b64::decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Audience>(&claims).ok().map(|claims| claims.aud)
}

impl AccessClaims {
    /// A subject is a person's id or the client's own: the dot in a client id keeps the two apart.
    fn into_verified(self) -> Option<Verified> {
        let person = if self.sub == self.client_id.as_str() { None } else { Some(self.sub.parse().ok()?) };
        let caller = Caller {
            organisation: self.org,
            client: self.cid,
            person,
            scopes: self.scope,
            grants: self.roles,
            token: self.jti,
        };
        Some(Verified {
            caller,
            client_id: self.client_id,
            subject: self.sub,
            audience: self.aud,
            issued_at_s: self.iat,
            expires_at_s: self.exp,
            grant: self.gid,
            key: self.kid,
            confirmation: self.cnf,
            authenticated_at_s: self.auth_time,
            acr: self.acr,
            actor: self.act,
            context: self.ctx,
            status: None,
            told: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_person_or_the_client_and_nothing_else() {
        let person = "0190b6e0-0000-7000-8000-000000000000";
        for (sub, read) in
            [(person, Some(true)), ("opaque.diary", Some(false)), ("other.diary", None), ("", None)]
        {
            let claims = AccessClaims {
                iss: "i".into(),
                sub: sub.into(),
                aud: "a".into(),
                client_id: "opaque.diary".parse().unwrap(),
                scope: kernel::Scopes::none(),
                jti: kernel::Id::from_bytes([1; 16]),
                iat: 0,
                exp: 1,
                org: kernel::Id::from_bytes([2; 16]),
                cid: kernel::Id::from_bytes([3; 16]),
                gid: None,
                kid: None,
                cnf: None,
                auth_time: None,
                acr: None,
                act: None,
                status: None,
                roles: kernel::Grants::none(),
                ctx: serde_json::Map::new(),
            };
            assert_eq!(
                claims.into_verified().map(|verified| verified.caller.person.is_some()),
                read,
                "{sub}"
            );
        }
    }
}
