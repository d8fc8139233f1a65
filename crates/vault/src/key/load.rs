//! A key's versions out of the database; the first one made where there is none.

use kernel::{Id, Key, Organisation, Secret, World};
use store::{Db, DbError};

use super::{KeyRing, Version, queries, queries::KeyRow};
use crate::{VaultError, place::Owner, root::RootKey};

const FIRST_VERSION: u32 = 1;
const SENTINEL_LABEL: &str = "hilum-vault-sentinel-v1";
const SENTINEL: &[u8] = b"what was unwrapped is the key";

/// All versions of the deployment's key (no tenant), or of a tenant's, unwrapped and proven by their sentinels.
///
/// Of several nodes that find no key at once, each makes one, one insert wins, and all of them use that one.
pub(crate) async fn load_or_create(
    db: &Db,
    world: &World,
    root: &RootKey,
    tenant: Option<Id<Organisation>>,
) -> Result<Vec<Version>, VaultError> {
    let mut rows = queries::versions_of(&mut db.read().await?, tenant).await?;
    if rows.is_empty() {
        if tenant.is_none() && queries::some_tenant_has_a_key(&mut db.read().await?).await? {
            return Err(VaultError::DeploymentKeyGone);
        }
        // Wrapping may mean a network call, so it comes before the transaction.
        let row = make(world, root, tenant).await?;
        db.write(async move |tx| -> Result<(), DbError> { queries::insert_unless_there(tx, &row).await })
            .await?;
        rows = queries::versions_of(&mut db.read().await?, tenant).await?;
    }
    let mut versions = Vec::with_capacity(rows.len());
    for row in &rows {
        let key = open(root, row).await?.ok_or(match tenant {
            Some(_) => VaultError::TenantKeyDamaged,
            None => VaultError::WrongRootKey,
        })?;
        versions.push(Version { number: row.version, is_retired: row.retired_at.is_some(), key });
    }
    Ok(versions)
}

async fn make(world: &World, root: &RootKey, tenant: Option<Id<Organisation>>) -> Result<KeyRow, VaultError> {
    let id = world.new_id::<Key>();
    let key = world.secret::<32>();
    let wrapped = root.wrap(world, &wrap_context(id, tenant, FIRST_VERSION), &key).await?;
    let ring = KeyRing::derive(&[Version { number: FIRST_VERSION, is_retired: false, key }], SENTINEL_LABEL);
    let ring = ring.ok_or(VaultError::NoLiveKey)?;
    let sentinel = ring.seal(world, &[id.as_bytes()], SENTINEL);
    Ok(KeyRow {
        id,
        tenant,
        version: FIRST_VERSION,
        wrapped,
        sentinel,
        made_at: world.now(),
        retired_at: None,
    })
}

/// The key; none if the root key does not unwrap it, or its sentinel says that it is another one.
async fn open(root: &RootKey, row: &KeyRow) -> Result<Option<Secret<[u8; 32]>>, VaultError> {
    let context = wrap_context(row.id, row.tenant, row.version);
    let Some(key) = root.unwrap(&context, &row.wrapped).await? else { return Ok(None) };
    let version = Version { number: row.version, is_retired: false, key: key.clone() };
    let ring = KeyRing::derive(&[version], SENTINEL_LABEL).ok_or(VaultError::NoLiveKey)?;
    let proven = ring.open(&[row.id.as_bytes()], &row.sentinel).is_ok_and(|text| text.expose() == SENTINEL);
    Ok(proven.then_some(key))
}

/// What a wrapped key is bound to: whose it is, its row and its version.
fn wrap_context(id: Id<Key>, tenant: Option<Id<Organisation>>, version: u32) -> Vec<u8> {
    let tenant = tenant.map(|tenant| *tenant.as_bytes());
    let owner = tenant.as_ref().map_or(Owner::Deployment, Owner::Tenant);
    let [kind, owner_id] = owner.parts();
    // Of known lengths each but the last but one, which is empty or sixteen bytes as `kind` says.
    [b"hilum-vault-key-v1/", kind, b"/", owner_id, id.as_bytes(), &version.to_be_bytes()].concat()
}
