//! The state that every handler closes over, and who acts.

use std::sync::Arc;

use crypto::passkey::RelyingParty;
use futures_util::future::BoxFuture;
use kernel::{Actor, Caller, Id, IdKind, Organisation, RequestId, Scopes, World};
use outbound::Outbound;
use store::Db;
use vault::Vault;
use web::{AuthFault, Authenticate, Presented, PresentedKey};

use crate::{
    Config, OpenFault,
    client::directory::Directory,
    keys::{self, KeyRing, Ring},
    proof::{self, Proving},
    status::Lists,
    token::{check::Checker, revocation::Revoked},
    trace,
    udap::identity_provider::Known,
    upstream::Discoveries,
};

/// The authorization server. A clone is a handle to the same.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    db: Db,
    vault: Vault,
    world: World,
    outbound: Outbound,
    config: Config,
    issuer: String,
    scopes_known: Scopes,
    keys: KeyRing,
    checker: Checker,
    directory: Directory,
    proving: Proving,
    relying_party: Option<RelyingParty>,
    failures: trace::Budget,
    lists: Lists,
    discoveries: Discoveries,
    identity_providers: Known,
}

/// What the authorization server is made of.
pub struct Parts {
    /// The migrated database.
    pub db: Db,
    /// What seals and digests.
    pub vault: Vault,
    /// Time and chance.
    pub world: World,
    /// The one way out: clients' keys, other identity providers.
    pub outbound: Outbound,
    /// The settings.
    pub config: Config,
}

impl Auth {
    /// Open the authorization server on a migrated database: reads the signing keys, making the first, and what is revoked.
    ///
    /// # Errors
    /// The database, the vault, or a signing key that is not one.
    pub async fn open(parts: Parts) -> Result<Self, OpenFault> {
        let Parts { db, vault, world, outbound, config } = parts;
        let keys = keys::load_or_create(&db, &vault, &world).await?;
        let issuer = config.issuer();
        let checker = Checker::new(&issuer);
        checker.refresh(&db, world.now()).await?;
        let scopes_known = config.scopes_known();
        let lists = Lists::begin(&db, &world).await?;
        let directory = Directory::new();
        directory.look(&db, world.now()).await?;
        let proving = Proving::new(&config, world.now())?;
        let relying_party = RelyingParty::at(&config.public_url, "Hilum");
        let inner = Inner {
            db,
            vault,
            world,
            outbound,
            config,
            issuer,
            scopes_known,
            keys,
            checker,
            directory,
            failures: trace::Budget::default(),
            proving,
            relying_party,
            discoveries: Discoveries::new(),
            identity_providers: Known::new(),
            lists,
        };
        Ok(Self(Arc::new(inner)))
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    /// How much is written about clients that fail.
    pub(crate) fn failures(&self) -> &trace::Budget {
        &self.0.failures
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn world(&self) -> &World {
        &self.0.world
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Who issues tokens.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Every scope that is known here.
    pub fn scopes_known(&self) -> &Scopes {
        &self.0.scopes_known
    }

    /// The keys that sign and verify at this moment.
    pub(crate) fn keys(&self) -> Arc<Ring> {
        self.0.keys.now()
    }

    pub(crate) fn key_ring(&self) -> &KeyRing {
        &self.0.keys
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// What this node remembers of proofs and of who failed to prove something.
    pub(crate) fn proving(&self) -> &Proving {
        &self.0.proving
    }

    /// Where this process writes down which of its tokens are good.
    pub(crate) fn lists(&self) -> &Lists {
        &self.0.lists
    }

    pub(crate) fn checker(&self) -> &Checker {
        &self.0.checker
    }

    pub(crate) fn discoveries(&self) -> &Discoveries {
        &self.0.discoveries
    }

    pub(crate) fn identity_providers(&self) -> &Known {
        &self.0.identity_providers
    }

    pub(crate) fn relying_party(&self) -> Option<&RelyingParty> {
        self.0.relying_party.as_ref()
    }

    /// Know at once what this node has just written; the others hear of it.
    pub(crate) fn heed(&self, revoked: &Revoked) {
        self.0.checker.heed(revoked);
    }
}

impl Authenticate for Auth {
    fn authenticate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        Box::pin(async move {
            let verified = self.check(presented.token).await?;
            proof::bound::check(self, &verified, presented)?;
            Ok(verified.caller.clone())
        })
    }

    fn authenticate_key<'a>(
        &'a self,
        presented: PresentedKey<'a>,
    ) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        Box::pin(self.check_key(presented))
    }

    fn proof_algorithms(&self) -> &str {
        proof::dpop::ALGORITHMS_TEXT
    }
}

/// Who does something, for which organisation, in which request: the first argument of everything that is on record.
#[derive(Debug, Clone)]
pub struct Acting {
    /// Who.
    pub actor: Actor,
    /// Whose things are acted on.
    pub organisation: Id<Organisation>,
    /// In which request.
    pub request: Option<RequestId>,
}

impl Acting {
    /// Hilum itself: a command of the operator, a data set.
    pub fn system(organisation: Id<Organisation>) -> Self {
        Self { actor: Actor::System, organisation, request: None }
    }

    /// The entry of the audit trail that says: this was done.
    pub(crate) fn entry<K: IdKind>(
        &self,
        act: &'static str,
        subject: Id<K>,
        details: serde_json::Value,
    ) -> audit::Entry {
        audit::Entry {
            organisation: Some(self.organisation),
            actor: self.actor,
            act,
            subject: audit::Subject::of(subject),
            outcome: audit::Outcome::Done,
            request: self.request.clone(),
            details,
        }
    }
}
