//! API keys: shown once, limited to their maker, dead at once on every node.  Contract 2

use std::time::Duration;

use auth::{
    Acting,
    api_key::{self, ApiKeyFault, Made, Maker, NewKey},
    organisation::{self, Named},
};
use http::StatusCode;
use kernel::{Id, Secret};
use web::{Authenticate, Presented};

use crate::house::{House, on_each_engine};

const CLIENT_CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");

async fn make(house: &House, name: &str) -> Result<Made, ApiKeyFault> {
    let new = NewKey {
        name: name.into(),
        scopes: "a system/Observation.rs".into(),
        lifetime_days: None,
        ..NewKey::default()
    };
    api_key::make(&house.auth, &house.acting(), Maker::Developer, &new).await
}

/// What the token endpoint of this node answers to the key.
async fn token(house: &House, id: &str, key: &str) -> Result<String, u16> {
    let reply = house.post("/oauth2/token", Some((id, key)), &[CLIENT_CREDENTIALS]).await;
    match reply.status {
        StatusCode::OK => Ok(reply.json()["access_token"].as_str().unwrap().to_owned()),
        refused => Err(refused.as_u16()),
    }
}

async fn is_good(house: &House, token: &str) -> bool {
    house.auth.authenticate(Presented::bearer(token)).await.is_ok()
}

on_each_engine! {
    async fn a_key_gets_tokens_in_both_ways_and_nothing_else(db: Db) {
        let house = House::open(db).await;
        let made = make(&house, "Lab Reports").await.unwrap();
        let (id, key) = (made.key.key_id.as_str(), made.text.expose().as_str());
        let (account, name) = id.split_once('.').unwrap();
        assert_eq!((account.len(), name), (6, "labreports"));
        assert!(key.starts_with("hlm_ak_"));

        let reply = house.post("/oauth2/token", Some((id, key)), &[CLIENT_CREDENTIALS]).await;
        assert_eq!(reply.json()["scope"], "a system/Observation.rs");
        let caller = house.auth.authenticate(Presented::bearer(reply.json()["access_token"].as_str().unwrap())).await.unwrap();
        assert_eq!((caller.organisation, caller.person), (house.organisation, None));
        let posted = [CLIENT_CREDENTIALS, ("client_id", id), ("client_secret", key), ("scope", "a")];
        assert_eq!(house.post("/oauth2/token", None, &posted).await.json()["scope"], "a");
        for wrong in ["", "hlm_ak_wrong", &key.to_uppercase(), &key[1..]] {
            assert_eq!(token(&house, id, wrong).await, Err(401), "{wrong}");
        }
        let code = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "x"), ("code_verifier", "x")];
        assert_eq!(house.post("/oauth2/token", Some((id, key)), &code).await.error(), "unauthorized_client");

        // One account, whoever makes the next key.
        let second = make(&house, "other").await.unwrap();
        assert_eq!(second.key.key_id.as_str(), format!("{account}.other"));
        assert_eq!(token(&house, second.key.key_id.as_str(), key).await, Err(401), "one key's text is not another's");
        house.db.flush_lazy().await.unwrap();
        let listed = api_key::list_of(&house.auth, &house.acting()).await.unwrap();
        let names: Vec<&str> = listed.iter().map(|key| key.name.as_str()).collect();
        assert!(names.contains(&"other") && names.contains(&"Lab Reports"), "{names:?}");
        for listed in &listed {
            assert_eq!(listed.last_used_at.is_some(), listed.name == "Lab Reports", "{listed:?}");
        }
    }

    async fn a_deleted_key_and_its_tokens_are_dead_on_every_node(db: Db) {
        let house = House::open(db.clone()).await;
        let (world, _) = testkit::world_seeded(2);
        let there = House::beside(db, world, house.clock.clone()).await;
        let made = make(&house, "Lab Reports").await.unwrap();
        let (id, key) = (made.key.key_id.as_str(), made.text.expose().as_str());
        let got = token(&there, id, key).await.unwrap();
        assert!(is_good(&house, &got).await && is_good(&there, &got).await);

        let watching = there.auth.clone().keep_current();
        tokio::pin!(watching);
        let heard = async {
            api_key::delete(&house.auth, &house.acting(), made.key.id).await.unwrap();
            assert!(!is_good(&house, &got).await, "at once where it was deleted");
            assert_eq!(token(&house, id, key).await, Err(401));
            let begun = std::time::Instant::now();
            while is_good(&there, &got).await || token(&there, id, key).await.is_ok() {
                assert!(begun.elapsed() < Duration::from_secs(1), "the other node has not heard of it");
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = &mut watching => panic!("it stopped watching"),
            () = heard => {}
        }
        assert!(matches!(api_key::delete(&house.auth, &house.acting(), made.key.id).await, Err(ApiKeyFault::NotFound)));
        assert!(api_key::list_of(&house.auth, &house.acting()).await.unwrap().is_empty());
        assert!(matches!(make(&house, "LABREPORTS").await, Err(ApiKeyFault::NameTaken)), "an id is not given again");
        let acts = house.acts().await;
        for act in ["api_key.made", "api_key.deleted"] {
            assert!(acts.iter().any(|(done, _)| done == act), "{acts:?}");
        }
    }

    async fn names_that_are_the_same_id_collide(db: Db) {
        let house = House::open(db).await;
        house.client("diary", "confidential").await;
        make(&house, "Lab Reports").await.unwrap();
        for taken in ["labreports", "LAB REPORTS", " l a b reports ", "Diary"] {
            assert!(matches!(make(&house, taken).await, Err(ApiKeyFault::NameTaken)), "{taken}");
        }
        for bad in ["", "lab-reports", "läb", "lаb"] {
            assert!(matches!(make(&house, bad).await, Err(ApiKeyFault::Refused(_))), "{bad}");
        }
    }

    async fn another_organisation_sees_nothing_and_ends_nothing(db: Db) {
        let house = House::open(db).await;
        let made = make(&house, "Lab Reports").await.unwrap();
        let foreign = Acting::system(Id::from_bytes([8; 16]));
        let named = Named { id: Some(foreign.organisation), slug: "southside".into(), name: "Southside".into() };
        organisation::create(&house.auth, &foreign, &named).await.unwrap();
        assert!(api_key::list_of(&house.auth, &foreign).await.unwrap().is_empty());
        assert!(matches!(api_key::get(&house.auth, &foreign, made.key.id).await, Err(ApiKeyFault::NotFound)));
        assert!(matches!(api_key::delete(&house.auth, &foreign, made.key.id).await, Err(ApiKeyFault::NotFound)));
        token(&house, made.key.key_id.as_str(), made.text.expose()).await.unwrap();
        // The same name there tells nothing about here: it is free, and its id begins otherwise.
        let new = NewKey { name: "Lab Reports".into(), scopes: "a".into(), lifetime_days: None, ..NewKey::default() };
        let theirs = api_key::make(&house.auth, &foreign, Maker::Developer, &new).await.unwrap();
        assert_ne!(theirs.key.key_id, made.key.key_id);
    }

    async fn a_key_ends_by_itself_where_that_was_said(db: Db) {
        let house = House::open(db).await;
        let new = NewKey { name: "Short".into(), scopes: "a".into(), lifetime_days: Some(1), ..NewKey::default() };
        let made = api_key::make(&house.auth, &house.acting(), Maker::Developer, &new).await.unwrap();
        let (id, key) = (made.key.key_id.as_str(), made.text.expose().as_str());
        house.clock.advance(Duration::from_secs(86_399));
        token(&house, id, key).await.unwrap();
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(token(&house, id, key).await, Err(401));
    }

    async fn nothing_that_is_kept_holds_the_key(db: Db) {
        let house = House::open(db).await;
        let made = make(&house, "Lab Reports").await.unwrap();
        let key = made.text.expose().as_bytes().to_vec();
        let kept: Vec<(Vec<u8>, Vec<u8>)> = house
            .db
            .scan(async |tx: &mut store::Reader| -> Result<_, store::DbError> {
                tx.all("SELECT client_secret.digest, audit_event.canonical FROM client_secret CROSS JOIN audit_event", store::binds![]).await
            })
            .await
            .unwrap();
        assert!(!kept.is_empty());
        let holds = |bytes: &[u8]| bytes.windows(12).any(|window| key.windows(12).any(|part| part == window));
        assert!(!kept.iter().any(|(digest, entry)| holds(digest) || holds(entry)));
        assert!(!format!("{:?}", made.key).contains(std::str::from_utf8(&key).unwrap()));
    }

    async fn a_declared_key_is_brought_in_line(db: Db) {
        let house = House::open(db).await;
        let (first, other) = ("hlm_ak_first-first-first-first-first-first-first", "hlm_ak_other-other-other-other-other-other-other");
        let new = |scopes: &str| NewKey { name: "Lab Reports".into(), scopes: scopes.into(), lifetime_days: Some(1), ..NewKey::default() };
        let ensure = async |scopes: &str, key: &str| {
            api_key::ensure(&house.auth, &house.acting(), &new(scopes), Secret::new(key.to_owned())).await
        };
        let made = ensure("a", first).await.unwrap();
        let id = made.key_id.as_str();
        assert!(token(&house, id, first).await.is_ok());
        let before = house.acts().await.len();
        let again = ensure("a", first).await.unwrap();
        assert_eq!((again.id, again.expires_at), (made.id, made.expires_at));
        assert_eq!(house.acts().await.len(), before, "nothing has changed");

        assert_eq!(ensure("a system/Observation.rs", other).await.unwrap().key_id.as_str(), id);
        assert_eq!(token(&house, id, first).await, Err(401), "the text before is dead at once");
        assert!(token(&house, id, other).await.is_ok());
        assert_eq!(api_key::list_of(&house.auth, &house.acting()).await.unwrap()[0].scopes.to_string(), "a system/Observation.rs");
        house.clock.advance(Duration::from_hours(24));
        assert_eq!(token(&house, id, other).await, Err(401), "its end stays");

        assert!(matches!(ensure("a", "short").await, Err(ApiKeyFault::Client(_))));
        assert!(matches!(ensure("openid", first).await, Err(ApiKeyFault::Refused(_))));
        api_key::delete(&house.auth, &house.acting(), made.id).await.unwrap();
        assert!(matches!(ensure("a", first).await, Err(ApiKeyFault::NameTaken)), "names are not used twice");
    }
}
