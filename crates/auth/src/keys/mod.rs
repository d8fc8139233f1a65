//! Keys that sign tokens: sealed in the database, parsed once, held in memory and replaced by themselves.
//!
//! A key is first `next`: published, so that everybody has it before it is needed. Then it is `active` and signs;
//! then `retiring`: it signs nothing more and stays published until the last token that it signed is over. At the end it is
//! `retired` and its private half is gone. At any time one key of an algorithm is active.

pub(crate) mod jwks;
mod list;
mod queries;
mod ring;
mod rotate;

use crypto::jose::{Algorithm, SigningKey};
use kernel::{Id, Key, Timestamp, World};
use store::Db;
use vault::{Place, Sealed, Vault};

use crate::{OpenFault, row::text_column};

pub use list::{KeyStanding, list};
pub(crate) use ring::{KeyRing, Ring};
pub use rotate::{PUBLISHED_BEFORE, rotate};
pub(crate) use rotate::{ROTATION_LOOKED_AT, RotateKeys};

/// What access tokens are signed with.
pub(crate) const ALGORITHM: Algorithm = Algorithm::Es256;

/// Those of which there is always a key: access tokens; ID tokens where SMART App Launch or the client wants RS256.
pub const ALWAYS: [Algorithm; 2] = [ALGORITHM, Algorithm::Rs256];

/// All with which this server can sign. Beyond [`ALWAYS`], a key is made when the settings name the algorithm or a client
/// needs it.
pub const OFFERED: [Algorithm; 6] =
    [ALGORITHM, Algorithm::Rs256, Algorithm::Rs384, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Ps256];

/// Told to every node when a key was made or changed its state.
const CHANGED: &str = "auth.keys";

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is published and will sign.
    Next,
    /// It signs and verifies.
    Active,
    /// It verifies what it signed before, until the last such token is over.
    Retiring,
    /// It does nothing, and its private half is gone.
    Retired,
}

impl State {
    const ALL: [Self; 4] = [Self::Next, Self::Active, Self::Retiring, Self::Retired];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}
text_column!(State, "next, active, retiring or retired", |text| State::ALL
    .into_iter()
    .find(|state| state.as_str() == text));

/// An algorithm as its column holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named(Algorithm);

impl Named {
    const fn as_str(&self) -> &'static str {
        self.0.as_str()
    }
}
text_column!(Named, "an algorithm", |text| Algorithm::parse(text).map(Named));

/// A key as its row holds it.
#[derive(Clone)]
struct KeyRow {
    id: Id<Key>,
    kid: Option<String>,
    algorithm: Named,
    state: State,
    since: Timestamp,
    private_key: Sealed,
}

fn place(key: Id<Key>) -> Place {
    Place { table: "signing_key", row: *key.as_bytes(), column: "private_key", purpose: "sign" }
}

/// The keys that are there; the first start makes one for access tokens. The others make themselves ([`RotateKeys`]).
pub(crate) async fn load_or_create(db: &Db, vault: &Vault, world: &World) -> Result<KeyRing, OpenFault> {
    let rows = queries::living(&mut db.read().await?).await?;
    if rows.iter().any(|row| row.algorithm.0 == ALGORITHM && row.state == State::Active) {
        return KeyRing::new(vault, &rows);
    }
    make(db, vault, world, ALGORITHM, State::Active).await?;
    KeyRing::new(vault, &queries::living(&mut db.read().await?).await?)
}

/// Make a key. Of several nodes that do so at once, one key remains.
async fn make(
    db: &Db,
    vault: &Vault,
    world: &World,
    algorithm: Algorithm,
    state: State,
) -> Result<(), OpenFault> {
    // RSA takes about a second of computing.
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm)).await;
    let key = made.map_err(|_| crypto::jose::JoseError::Key("it cannot be generated"))??;
    let (id, now) = (world.new_id(), world.now());
    let row = KeyRow {
        id,
        kid: Some(key.kid().to_owned()),
        algorithm: Named(algorithm),
        state,
        since: now,
        private_key: vault.seal_system(place(id), key.to_pkcs8()?.expose()),
    };
    let details = serde_json::json!({ "algorithm": algorithm, "kid": key.kid(), "state": state.as_str() });
    let entry = entry("signing_key.created", id, details);
    let world = world.clone();
    db.write(async move |tx| -> Result<(), OpenFault> {
        if queries::insert_unless_there(tx, &row).await? > 0 {
            audit::record(tx, &world, &entry).await?;
            tx.publish(CHANGED, "").await?;
        }
        Ok(())
    })
    .await
}

fn entry(act: &'static str, key: Id<Key>, details: serde_json::Value) -> audit::Entry {
    audit::Entry {
        organisation: None,
        actor: kernel::Actor::System,
        act,
        subject: audit::Subject::of(key),
        outcome: audit::Outcome::Done,
        request: None,
        details,
    }
}
