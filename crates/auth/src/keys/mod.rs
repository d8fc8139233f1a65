//! Keys that sign tokens: sealed in the database, parsed once and held in memory.

pub(crate) mod jwks;
mod queries;

use crypto::jose::{Algorithm, JoseError, Jwks, SigningKey};
use kernel::{Id, Key, World};
use store::Db;
use vault::{Place, Sealed, Vault};

use crate::{OpenFault, row::text_column};

/// What tokens are signed with.
pub(crate) const ALGORITHM: Algorithm = Algorithm::Es256;

/// Whether a key signs or only verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It signs and verifies.
    Active,
    /// It verifies what it signed before, until the last such token is over.
    Retiring,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }
}
text_column!(State, "active or retiring", |text| [Self::Active, Self::Retiring]
    .into_iter()
    .find(|state| state.as_str() == text));

/// A key as its row holds it.
#[derive(Clone)]
struct KeyRow {
    id: Id<Key>,
    state: State,
    private_key: Sealed,
}

/// The keys of this deployment.
pub(crate) struct KeyRing {
    active: SigningKey,
    public: Jwks,
}

impl KeyRing {
    /// A signed token of this type with these claims.
    pub(crate) fn sign(&self, typ: &str, claims: &impl serde::Serialize) -> Result<String, JoseError> {
        self.active.sign(typ, claims)
    }

    /// The public halves.
    pub(crate) fn public(&self) -> &Jwks {
        &self.public
    }
}

fn place(key: Id<Key>) -> Place {
    Place { table: "signing_key", row: *key.as_bytes(), column: "private_key", purpose: "sign" }
}

/// The keys that are there; the first start makes one. Of several nodes that do so at once, one key remains.
pub(crate) async fn load_or_create(db: &Db, vault: &Vault, world: &World) -> Result<KeyRing, OpenFault> {
    let rows = queries::all(&mut db.read().await?, ALGORITHM).await?;
    if rows.iter().any(|row| row.state == State::Active) {
        return ring(vault, &rows);
    }
    create(db, vault, world).await?;
    ring(vault, &queries::all(&mut db.read().await?, ALGORITHM).await?)
}

async fn create(db: &Db, vault: &Vault, world: &World) -> Result<(), OpenFault> {
    let key = SigningKey::generate(ALGORITHM)?;
    let id = world.new_id();
    let row = KeyRow {
        id,
        state: State::Active,
        private_key: vault.seal_system(place(id), key.to_pkcs8()?.expose()),
    };
    let entry = audit::Entry {
        organisation: None,
        actor: kernel::Actor::System,
        act: "signing_key.created",
        subject: audit::Subject::of(id),
        outcome: audit::Outcome::Done,
        request: None,
        details: serde_json::json!({ "algorithm": ALGORITHM.as_str(), "kid": key.kid() }),
    };
    let (world, now) = (world.clone(), world.now());
    db.write(async move |tx| -> Result<(), OpenFault> {
        if queries::insert_unless_active(tx, &row, ALGORITHM, now).await? > 0 {
            audit::record(tx, &world, &entry).await?;
        }
        Ok(())
    })
    .await
}

fn ring(vault: &Vault, rows: &[KeyRow]) -> Result<KeyRing, OpenFault> {
    let mut active = None;
    let mut public = Vec::with_capacity(rows.len());
    for row in rows {
        let key = SigningKey::from_pkcs8(ALGORITHM, &vault.open_system(place(row.id), &row.private_key)?)?;
        public.push(key.public_jwk().clone());
        if row.state == State::Active {
            active = Some(key);
        }
    }
    Ok(KeyRing { active: active.ok_or(OpenFault::NoActiveKey)?, public: Jwks::new(public) })
}
