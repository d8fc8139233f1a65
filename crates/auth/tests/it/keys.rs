//! Signing keys follow one another, and nobody notices.

use std::time::Duration;

use auth::keys::{self, State};
use crypto::b64;
use jobs::Worker;
use serde_json::Value;
use web::{Authenticate, Presented};

use crate::house::{House, on_each_engine};

/// Far less than until the other node looks by itself.
const HEARD_WITHIN: Duration = Duration::from_secs(4);

async fn token(house: &House, basic: (&str, &str)) -> String {
    let form = [("grant_type", "client_credentials")];
    let reply = house.post("/oauth2/token", Some(basic), &form).await;
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

fn kid(token: &str) -> String {
    let header: Value =
        serde_json::from_slice(&b64::decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// The names of the published keys for ES256.
async fn published(house: &House) -> Vec<String> {
    let set = house.get("/oauth2/jwks", None).await.json();
    let keys = set["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "ES256");
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn is_good(house: &House, token: &str) -> bool {
    house.auth.authenticate(Presented::bearer(token)).await.is_ok()
}

on_each_engine! {
    async fn a_rotation_is_noticed_by_nobody(db: Db) {
        let house = House::open(db.clone()).await;
        let (world, there_clock) = testkit::world_seeded(2);
        let there = House::beside(db.clone(), world, there_clock.clone()).await;
        let advance = |time| {
            house.clock.advance(time);
            there_clock.advance(time);
        };
        let (client, secret) = house.client("diary", "confidential").await;
        let basic = (client.client_id.as_str(), secret.as_str());
        let before = token(&house, basic).await;
        let old = kid(&before);
        assert_eq!(published(&house).await, std::slice::from_ref(&old));

        let watching = there.auth.clone().keep_current();
        tokio::pin!(watching);
        let told = async {
            assert_eq!(keys::rotate(&house.auth).await.unwrap(), 1);
            assert_eq!(keys::rotate(&house.auth).await.unwrap(), 0, "one is on its way");
            let begun = std::time::Instant::now();
            while published(&there).await.len() < 2 {
                assert!(begun.elapsed() < HEARD_WITHIN, "the other node has not heard of it");
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = &mut watching => panic!("it stopped watching"),
            () = told => {}
        }
        assert_eq!(published(&house).await.len(), 2, "published before it signs");

        let worker = auth::jobs(&house.auth, Worker::new(house.db.clone(), house.world.clone()));
        advance(keys::PUBLISHED_BEFORE - Duration::from_secs(1));
        worker.run_due().await.unwrap();
        assert_eq!(kid(&token(&house, basic).await), old, "not yet");
        advance(Duration::from_mins(6));
        worker.run_due().await.unwrap();
        let after = token(&house, basic).await;
        assert_ne!(kid(&after), old);
        assert!(is_good(&house, &before).await && is_good(&house, &after).await);
        assert!(is_good(&there, &before).await && is_good(&there, &after).await, "who has not heard yet has the key");
        assert_eq!(published(&house).await.len(), 2, "the old one verifies what it signed");

        advance(Duration::from_hours(25));
        worker.run_due().await.unwrap();
        assert_eq!(published(&house).await, [kid(&after)]);
        let listed = keys::list(&house.auth).await.unwrap();
        let of = |kid: &str| listed.iter().find(|key| key.kid.as_deref() == Some(kid)).unwrap().state;
        assert_eq!((of(&old), of(&kid(&after))), (State::Retired, State::Active));

        // By this node's clock the token lives; its key does not.
        let (world, early) = testkit::world_seeded(3);
        let fresh = House::beside(db, world, early).await;
        assert!(!is_good(&fresh, &before).await);
    }

    async fn keys_of_the_settings_make_themselves_and_grow_old(db: Db) {
        let house = House::open(db).await;
        let worker = auth::jobs(&house.auth, Worker::new(house.db.clone(), house.world.clone()));
        worker.run_due().await.unwrap();
        let states = async || {
            let mut keys: Vec<_> = keys::list(&house.auth).await.unwrap().into_iter().collect();
            keys.sort_by_key(|key| (key.algorithm.as_str(), key.state.as_str()));
            let line = |key: &keys::KeyStanding| format!("{} {}", key.algorithm.as_str(), key.state.as_str());
            keys.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(states().await, ["ES256 active", "RS256 active"]);
        let metadata = house.get("/oauth2/.well-known/openid-configuration", None).await.json();
        assert_eq!(metadata["id_token_signing_alg_values_supported"], serde_json::json!(["ES256", "RS256"]));

        house.clock.advance(Duration::from_hours(24 * 90));
        worker.run_due().await.unwrap();
        assert_eq!(states().await, ["ES256 active", "ES256 next", "RS256 active", "RS256 next"]);
        house.clock.advance(keys::PUBLISHED_BEFORE);
        worker.run_due().await.unwrap();
        assert_eq!(states().await, ["ES256 active", "ES256 retiring", "RS256 active", "RS256 retiring"]);
        let sql = "SELECT COUNT(*) FROM audit_event WHERE act = $1";
        let (activated,): (i64,) =
            house.db.read().await.unwrap().one(sql, store::binds!["signing_key.activated"]).await.unwrap();
        assert_eq!(activated, 2);
    }
}
