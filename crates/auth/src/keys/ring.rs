//! The keys in memory, replaced as a whole when something changed.

use std::sync::{Arc, PoisonError, RwLock};

use crypto::jose::{Algorithm, JoseError, Jwks, SigningKey};
use kernel::{Id, Key};
use serde::Serialize;
use store::Signal;
use vault::Vault;

use super::{ALGORITHM, CHANGED, KeyRow, State, make, place, queries};
use crate::{Auth, OAuthFault, OpenFault};

/// The keys of this deployment at one moment.
pub(crate) struct Ring {
    signing: Vec<SigningKey>,
    public: Jwks,
    made_of: Vec<(Id<Key>, State)>,
}

impl Ring {
    fn new(vault: &Vault, rows: &[KeyRow]) -> Result<Self, OpenFault> {
        let (mut signing, mut public) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let der = vault.open_system(place(row.id), &row.private_key)?;
            let key = SigningKey::from_pkcs8(row.algorithm.0, &der)?;
            public.push(key.public_jwk().clone());
            if row.state == State::Active {
                signing.push(key);
            }
        }
        if !signing.iter().any(|key| key.algorithm() == ALGORITHM) {
            return Err(OpenFault::NoActiveKey);
        }
        Ok(Self { signing, public: Jwks::new(public), made_of: made_of(rows) })
    }

    /// A signed access token of this type with these claims.
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        self.sign_as(ALGORITHM, typ, claims)
    }

    /// The same with another algorithm. There may be no key for it yet: [`Auth::sign_as`] makes one.
    fn sign_as(&self, algorithm: Algorithm, typ: &str, claims: &impl Serialize) -> Result<String, JoseError> {
        let key = self.signing.iter().find(|key| key.algorithm() == algorithm);
        key.ok_or(JoseError::Key("none of this algorithm is active"))?.sign(typ, claims)
    }

    /// The public halves.
    pub(crate) fn public(&self) -> &Jwks {
        &self.public
    }

    /// With what can be signed at once.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.signing.iter().map(SigningKey::algorithm)
    }

    fn signs_with(&self, algorithm: Algorithm) -> bool {
        self.algorithms().any(|one| one == algorithm)
    }
}

fn made_of(rows: &[KeyRow]) -> Vec<(Id<Key>, State)> {
    rows.iter().map(|row| (row.id, row.state)).collect()
}

/// The keys now.
pub(crate) struct KeyRing(RwLock<Arc<Ring>>);

impl KeyRing {
    pub(super) fn new(vault: &Vault, rows: &[KeyRow]) -> Result<Self, OpenFault> {
        Ok(Self(RwLock::new(Arc::new(Ring::new(vault, rows)?))))
    }

    /// The keys of this moment. Whoever holds them does not see a change, which hurts nobody: what signed yesterday verifies
    /// today.
    pub(crate) fn now(&self) -> Arc<Ring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Auth {
    /// A signed token, by a key of this algorithm. The first use of an algorithm makes its key.
    pub(crate) async fn sign_as(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, OAuthFault> {
        if !super::OFFERED.contains(&algorithm) {
            return Err(JoseError::Key("tokens are not signed with this algorithm here").into());
        }
        if !self.keys().signs_with(algorithm) {
            self.make_key(algorithm).await?;
        }
        Ok(self.keys().sign_as(algorithm, typ, claims)?)
    }

    /// With what tokens are signed here, by name: what the settings say, and what clients have needed besides.
    pub(crate) fn signing_algorithms(&self) -> Vec<&'static str> {
        let ring = self.keys();
        let mut all: Vec<_> = self.config().signing_algorithms().map(Algorithm::as_str).collect();
        for algorithm in ring.algorithms().map(Algorithm::as_str) {
            if !all.contains(&algorithm) {
                all.push(algorithm);
            }
        }
        all
    }

    async fn make_key(&self, algorithm: Algorithm) -> Result<(), OAuthFault> {
        let made = match make(self.db(), self.vault(), self.world(), algorithm, State::Active).await {
            Ok(()) => self.reload_keys().await,
            fault => fault,
        };
        made.map_err(|fault| match fault {
            OpenFault::Store(fault) => fault.into(),
            OpenFault::Key(fault) => fault.into(),
            OpenFault::Vault(_) | OpenFault::Authority(_) | OpenFault::NoActiveKey => {
                JoseError::Key("it cannot be opened").into()
            }
        })
    }

    /// Take up what changed in the database. What did not change is not opened again.
    pub(crate) async fn reload_keys(&self) -> Result<(), OpenFault> {
        let rows = queries::living(&mut self.db().read().await?).await?;
        if self.keys().made_of == made_of(&rows) {
            return Ok(());
        }
        let ring = Arc::new(Ring::new(self.vault(), &rows)?);
        *self.key_ring().0.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// Runs until the database is closed: takes up new keys at once when told, and every few seconds in any case.
    pub(crate) async fn keep_keys(&self) {
        let mut heard = self.db().notify().subscribe(CHANGED);
        loop {
            tokio::select! {
                signal = heard.next() => match signal {
                    Some(Signal::Message(_) | Signal::Resync) => {}
                    None => return,
                },
                () = tokio::time::sleep(crate::token::POLL) => {}
            }
            if let Err(why) = self.reload_keys().await {
                tracing::warn!(%why, "signing keys cannot be read; those that were read go on");
            }
        }
    }
}
