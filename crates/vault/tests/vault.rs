//! The vault on both engines: made once, opened by its own root key only, and nothing opens in another place.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here has failed"
)]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use kernel::{Fault as _, Id, Kind, Organisation, Secret, World};
use store::{Db, DbError, FromValue, ToValue as _, Value, binds};
use testkit::on_each_engine;
use vault::{Kms, KmsError, KmsFuture, Place, RootKeySource, Sealed, Vault, VaultError};

const TOKEN: &[u8] = b"refresh-token-of-somebody";
const PLACE: Place = Place { table: "credential", row: [7; 16], column: "refresh_token", purpose: "refresh" };

fn world() -> World {
    World::new(kernel::SystemClock, crypto::SystemEntropy)
}

/// A root key from the environment, another one at each call.
fn root() -> RootKeySource {
    RootKeySource::Env(Secret::new(crypto::b64::encode_standard(world().random::<32>())))
}

async fn unlocked(db: &Db, source: &RootKeySource) -> Vault {
    Vault::unlock(db, source, &world()).await.unwrap()
}

async fn fault_of(db: &Db, source: &RootKeySource) -> VaultError {
    match Vault::unlock(db, source, &world()).await {
        Ok(_) => panic!("it unlocked"),
        Err(fault) => fault,
    }
}

async fn count_of_keys(db: &Db) -> i64 {
    let (count,) = db.read().await.unwrap().one("SELECT count(*) FROM vault_key", binds![]).await.unwrap();
    count
}

async fn run(db: &Db, sql: &'static str, binds: Vec<Value>) {
    let ran: Result<u64, DbError> = db.write(async move |tx| tx.execute(sql, binds.clone()).await).await;
    ran.unwrap();
}

on_each_engine!(
    async fn what_a_vault_seals_another_start_opens(db: Db) {
        let (source, tenant) = (root(), world().new_id::<Organisation>());
        let before = unlocked(&db, &source).await;
        let sealed = before.tenant(tenant).await.unwrap().seal(PLACE, TOKEN);
        let system = before.seal_system(PLACE, b"signing key");
        let cookie = before.seal_cookie("session", b"id");
        let digest = before.digest("person.email", b"mira@example.org");
        let blind = before.tenant(tenant).await.unwrap().blind("nhs_number", "9434765919");

        let after = unlocked(&db, &source).await;
        let keys = after.tenant(tenant).await.unwrap();
        assert_eq!(keys.tenant(), tenant);
        assert_eq!(keys.open(PLACE, &sealed).unwrap().expose(), TOKEN);
        assert_eq!(keys.open_text(PLACE, &sealed).unwrap().expose().as_bytes(), TOKEN);
        assert_eq!(after.open_system(PLACE, &system).unwrap().expose(), b"signing key");
        assert_eq!(after.open_cookie("session", &cookie).unwrap().expose(), b"id");
        assert_eq!(after.digest("person.email", b"mira@example.org"), digest);
        assert_eq!(keys.blind("nhs_number", "9434765919"), blind);
        assert_eq!(count_of_keys(&db).await, 2);
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn another_root_key_is_refused_and_changes_nothing(db: Db) {
        let source = root();
        unlocked(&db, &source).await;
        let fault = fault_of(&db, &root()).await;
        assert!(matches!(fault, VaultError::WrongRootKey), "{fault:?}");
        assert!(fault.to_string().contains("the root key does not open this database's keys"));
        assert_eq!(fault.kind(), Kind::Internal);
        assert_eq!(count_of_keys(&db).await, 1);
        unlocked(&db, &source).await;
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn a_lost_deployment_key_is_not_replaced(db: Db) {
        let source = root();
        unlocked(&db, &source).await.tenant(world().new_id()).await.unwrap();
        run(&db, "DELETE FROM vault_key WHERE tenant IS NULL", binds![]).await;
        assert!(matches!(fault_of(&db, &source).await, VaultError::DeploymentKeyGone));
        assert_eq!(count_of_keys(&db).await, 1);
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn two_nodes_that_begin_at_once_share_one_key(db: Db) {
        let (source, world, tenant) = (root(), world(), world().new_id::<Organisation>());
        let (one, other, third) = tokio::join!(
            Vault::unlock(&db, &source, &world),
            Vault::unlock(&db, &source, &world),
            Vault::unlock(&db, &source, &world)
        );
        let nodes = [one.unwrap(), other.unwrap(), third.unwrap()];
        let [one, other, third] = &nodes;
        let (a, b, c, d) =
            tokio::join!(one.tenant(tenant), other.tenant(tenant), third.tenant(tenant), one.tenant(tenant));
        let keys = [a.unwrap(), b.unwrap(), c.unwrap(), d.unwrap()];
        for sealing in &keys {
            let sealed = sealing.seal(PLACE, TOKEN);
            for opening in &keys {
                assert_eq!(opening.open(PLACE, &sealed).unwrap().expose(), TOKEN);
            }
        }
        for sealing in &nodes {
            let cookie = sealing.seal_cookie("session", b"id");
            assert!(nodes.iter().all(|node| node.open_cookie("session", &cookie).is_some()));
        }
        assert_eq!(count_of_keys(&db).await, 2, "one of the deployment, one of the tenant");
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn a_moved_value_never_opens(db: Db) {
        let vault = unlocked(&db, &root()).await;
        let keys = vault.tenant(world().new_id()).await.unwrap();
        let sealed = keys.seal(PLACE, TOKEN);
        let mut next_row = PLACE.row;
        next_row[15] ^= 1;
        for elsewhere in [
            Place { table: "credentials", ..PLACE },
            Place { row: next_row, ..PLACE },
            Place { column: "access_token", ..PLACE },
            Place { purpose: "", ..PLACE },
            Place { table: "credentialrefresh", column: "_token", ..PLACE },
        ] {
            assert!(matches!(keys.open(elsewhere, &sealed), Err(VaultError::Unopenable)), "{elsewhere:?}");
        }
        let others = vault.tenant(world().new_id()).await.unwrap();
        assert!(matches!(others.open(PLACE, &sealed), Err(VaultError::Unopenable)), "another tenant");
        assert!(matches!(vault.open_system(PLACE, &sealed), Err(VaultError::Unopenable)), "the deployment");
        assert!(keys.open(PLACE, &vault.seal_system(PLACE, TOKEN)).is_err());

        let mut bytes = sealed.as_bytes().to_vec();
        bytes[4] = 2;
        let of_another_version = Sealed::from_value(bytes.to_value().borrow()).unwrap();
        assert!(matches!(keys.open(PLACE, &of_another_version), Err(VaultError::Unopenable)));
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn a_sealed_value_lives_in_a_column(db: Db) {
        let keys = unlocked(&db, &root()).await.tenant(world().new_id()).await.unwrap();
        let sealed = keys.seal(PLACE, TOKEN);
        // the wrapped column will do as a shelf: it takes any bytes
        run(&db, "UPDATE vault_key SET wrapped = $1", binds![sealed]).await;
        let mut reader = db.read().await.unwrap();
        let (back,): (Sealed,) = reader.one("SELECT wrapped FROM vault_key LIMIT 1", binds![]).await.unwrap();
        assert_eq!(back, sealed);
        assert_eq!(keys.open(PLACE, &back).unwrap().expose(), TOKEN);
        assert_eq!(format!("{sealed:?}"), "Sealed(110 bytes)");
        assert!(!sealed.as_bytes().windows(TOKEN.len()).any(|bytes| bytes == TOKEN));
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn a_tenants_key_row_cannot_be_swapped(db: Db) {
        let (source, mine, theirs) =
            (root(), world().new_id::<Organisation>(), world().new_id::<Organisation>());
        let vault = unlocked(&db, &source).await;
        vault.tenant(mine).await.unwrap();
        vault.tenant(theirs).await.unwrap();
        let copy = "UPDATE vault_key SET wrapped = (SELECT wrapped FROM vault_key WHERE tenant = $1), \
                    sentinel = (SELECT sentinel FROM vault_key WHERE tenant = $1) WHERE tenant = $2";
        run(&db, copy, binds![mine, theirs]).await;
        let again = unlocked(&db, &source).await;
        assert!(again.tenant(mine).await.is_ok());
        assert!(matches!(again.tenant(theirs).await, Err(VaultError::TenantKeyDamaged)));
        assert!(
            matches!(again.tenant(theirs).await, Err(VaultError::TenantKeyDamaged)),
            "a fault is not cached"
        );
        run(&db, "UPDATE vault_key SET retired_at = 1 WHERE tenant = $1", binds![mine]).await;
        let later = unlocked(&db, &source).await;
        assert!(matches!(later.tenant(mine).await, Err(VaultError::NoLiveKey)));
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn cookies_open_under_their_own_name_only(db: Db) {
        let vault = unlocked(&db, &root()).await;
        let cookie = vault.seal_cookie("session", b"content");
        assert!(vault.open_cookie("other", &cookie).is_none());
        for at in 0..cookie.len() {
            let mut damaged = cookie.clone();
            let other = if &damaged[at..=at] == "A" { "B" } else { "A" };
            damaged.replace_range(at..=at, other);
            assert!(vault.open_cookie("session", &damaged).is_none(), "at {at}");
            assert!(vault.open_cookie("session", &cookie[..at]).is_none(), "the first {at}");
        }
        for junk in ["", "é", "=", &"A".repeat(vault::COOKIE_BYTES_MAX), &"A".repeat(1 << 20)] {
            assert!(vault.open_cookie("session", junk).is_none());
        }
        let long = vault.seal_cookie("session", &[0; vault::COOKIE_BYTES_MAX]);
        assert!(vault.open_cookie("session", &long).is_none(), "too long to be opened");
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn digests_differ_by_purpose_value_tenant_and_deployment_key(db: Db) {
        let vault = unlocked(&db, &root()).await;
        let keys = vault.tenant(world().new_id()).await.unwrap();
        let others = vault.tenant(world().new_id()).await.unwrap();
        let digests = [
            vault.digest("code", b"a"),
            vault.digest("code", b"b"),
            vault.digest("state", b"a"),
            vault.digest("cod", b"ea"),
            keys.blind("code", "a"),
            keys.blind("code", "b"),
            keys.blind("cod", "ea"),
            others.blind("code", "a"),
        ];
        assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
    },
    migrations = [vault::MIGRATIONS]
);

/// A key management service in memory: it binds a key to its context, and can be switched off or made to lie.
#[derive(Default)]
struct MemoryKms {
    kept: Mutex<Vec<(Vec<u8>, [u8; 32])>>,
    mood: Mutex<Mood>,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Mood {
    #[default]
    Well,
    Away,
    Lying,
}

impl MemoryKms {
    fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn answer<T>(&self, good: impl FnOnce() -> Result<T, KmsError>) -> Result<T, KmsError> {
        if *self.mood.lock().unwrap() == Mood::Away {
            return Err(KmsError::Unavailable { why: "switched off".into() });
        }
        good()
    }
}

impl Kms for MemoryKms {
    fn wrap_key<'a>(&'a self, context: &'a [u8], key: &'a Secret<[u8; 32]>) -> KmsFuture<'a, Vec<u8>> {
        Box::pin(async move {
            self.answer(|| {
                let mut kept = self.kept.lock().unwrap();
                kept.push((context.to_vec(), *key.expose()));
                Ok(vec![u8::try_from(kept.len() - 1).unwrap()])
            })
        })
    }
    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> KmsFuture<'a, Secret<[u8; 32]>> {
        Box::pin(async move {
            self.answer(|| {
                let kept = self.kept.lock().unwrap();
                let found = wrapped.first().and_then(|at| kept.get(usize::from(*at)));
                match found {
                    Some((_, key)) if *self.mood.lock().unwrap() == Mood::Lying => {
                        Ok(Secret::new(key.map(|byte| byte ^ 1)))
                    }
                    Some((bound, key)) if bound == context => Ok(Secret::new(*key)),
                    _ => Err(KmsError::Refused { why: "no such key in this context".into() }),
                }
            })
        })
    }
}

on_each_engine!(
    async fn a_key_management_service_can_hold_the_root(db: Db) {
        let kms = Arc::new(MemoryKms::default());
        let source = RootKeySource::Kms(Arc::<MemoryKms>::clone(&kms));
        let tenant = world().new_id::<Organisation>();
        let vault = unlocked(&db, &source).await;
        let sealed = vault.tenant(tenant).await.unwrap().seal(PLACE, TOKEN);
        assert_eq!(
            unlocked(&db, &source).await.tenant(tenant).await.unwrap().open(PLACE, &sealed).unwrap().expose(),
            TOKEN
        );

        kms.is(Mood::Away);
        let fault = fault_of(&db, &source).await;
        assert_eq!(fault.kind(), Kind::Unavailable);
        assert_eq!(fault.retry_after_s(), Some(5));
        let fault = vault.tenant(world().new_id()).await.err().unwrap();
        assert_eq!(fault.kind(), Kind::Unavailable, "a tenant that is not in memory");
        assert!(vault.tenant(tenant).await.is_ok(), "a tenant that is");
        assert_eq!(count_of_keys(&db).await, 2, "and no key was made without it");

        kms.is(Mood::Lying);
        assert!(matches!(fault_of(&db, &source).await, VaultError::WrongRootKey), "the sentinel notices");

        kms.is(Mood::Well);
        let swap = "UPDATE vault_key SET wrapped = (SELECT wrapped FROM vault_key WHERE tenant IS NOT NULL) \
                    WHERE tenant IS NULL";
        run(&db, swap, binds![]).await;
        assert!(matches!(fault_of(&db, &source).await, VaultError::WrongRootKey), "the context notices");
        assert!(matches!(fault_of(&db, &root()).await, VaultError::WrongRootKey), "another sort of root key");
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn a_root_key_file_is_made_and_unlocks(db: Db) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        Vault::create_root_key_file(&path, &world()).unwrap();
        let source = RootKeySource::File(path.clone());
        let sealed = unlocked(&db, &source).await.seal_system(PLACE, TOKEN);
        assert_eq!(unlocked(&db, &source).await.open_system(PLACE, &sealed).unwrap().expose(), TOKEN);

        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(fault_of(&db, &source).await, VaultError::Exposed { mode: 0o644, .. }));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(fault_of(&db, &source).await, VaultError::Unreadable { .. }));
        assert!(matches!(
            fault_of(&db, &RootKeySource::Env(Secret::new("secret".to_owned()))).await,
            VaultError::MalformedRootKey
        ));
    },
    migrations = [vault::MIGRATIONS]
);

on_each_engine!(
    async fn text_is_text(db: Db) {
        let keys = unlocked(&db, &root()).await.tenant(Id::from_bytes([1; 16])).await.unwrap();
        let sealed = keys.seal(PLACE, &[0xff, 0xfe]);
        assert!(matches!(keys.open_text(PLACE, &sealed), Err(VaultError::NotText)));
    },
    migrations = [vault::MIGRATIONS]
);
