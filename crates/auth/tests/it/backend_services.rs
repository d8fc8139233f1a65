//! A system that works on health records by itself.  SMART App Launch 2.2, Backend Services

use std::time::Duration;

use auth::client::{self, Client};
use crypto::jose::{Algorithm, SigningKey};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    client_keys::{Host, beside},
    house::{BASE, House, Reply, on_each_engine},
    prover::{ASSERTION_TYPE, claims, keyed, with_keys},
};

fn jwks(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>() })
}

fn assertion(house: &House, key: &SigningKey, client: &Client, changes: &Value) -> String {
    key.sign("JWT", &claims(house, client, changes)).unwrap()
}

async fn ask(house: &House, assertion: &str, scope: Option<&str>) -> Reply {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    let scope = scope.map(|scope| ("scope", scope));
    house.post("/oauth2/token", None, &form.into_iter().chain(scope).collect::<Vec<_>>()).await
}

on_each_engine! {
    async fn a_backend_proves_itself_with_either_algorithm_that_smart_names(db: Db) {
        let host = Host::open().await;
        let house = beside(&host, db).await;
        let both = [Algorithm::Rs384, Algorithm::Es384].map(|algorithm| SigningKey::generate(algorithm).unwrap());
        let [rsa, ec] = &both;
        host.says("200 OK", "max-age=600", &jwks(&[rsa, ec]).to_string());
        let (at_address, _) = keyed(&house, "hosted", "smart-backend", "private_key_jwt", host.metadata()).await;
        let (inline, _) = keyed(&house, "inline", "smart-backend", "private_key_jwt", with_keys(jwks(&[rsa, ec]))).await;
        for client in [&at_address, &inline] {
            for key in [rsa, ec] {
                let reply = ask(&house, &assertion(&house, key, client, &json!({})), Some("system/Patient.rs")).await;
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
                assert_eq!((&reply.headers[header::CACHE_CONTROL], &reply.headers[header::PRAGMA]), (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap()));
                let out = reply.json();
                assert_eq!((&out["token_type"], &out["expires_in"], &out["scope"]), (&"Bearer".into(), &300.into(), &"system/Patient.rs".into()));
                assert!(out.get("refresh_token").is_none() && out.get("id_token").is_none());
                let token = out["access_token"].as_str().unwrap();
                let verified = house.auth.check(token).await.unwrap();
                assert_eq!((verified.caller.client, verified.caller.person), (client.id, None));
            }
        }
        let token = ask(&house, &assertion(&house, ec, &inline, &json!({})), Some("system/*.rs")).await.json();
        house.clock.advance(Duration::from_secs(300));
        assert!(house.auth.check(token["access_token"].as_str().unwrap()).await.is_err(), "five minutes");
    }

    async fn what_proves_no_backend_is_invalid_client(db: Db) {
        let house = House::open(db.clone()).await;
        let key = SigningKey::generate(Algorithm::Es384).unwrap();
        let stranger = SigningKey::generate(Algorithm::Es384).unwrap();
        let renamed = SigningKey::from_pkcs8(Algorithm::Es384, &key.to_pkcs8().unwrap()).unwrap().named("another");
        let (client, _) = keyed(&house, "backend", "smart-backend", "private_key_jwt", with_keys(jwks(&[&key]))).await;
        let now = house.world.now().as_seconds();
        let spent = assertion(&house, &key, &client, &json!({}));
        assert_eq!(ask(&house, &spent, Some("system/*.rs")).await.status, StatusCode::OK);
        let jti = json!("the same id twice");
        assert_eq!(ask(&house, &assertion(&house, &key, &client, &json!({ "jti": jti })), Some("system/*.rs")).await.status, StatusCode::OK);
        let by = |key: &SigningKey, changes: Value| assertion(&house, key, &client, &changes);
        for (why, bad) in [
            ("the same assertion again", spent),
            ("the same jti in another assertion", by(&key, json!({ "jti": jti, "exp": now + 200 }))),
            ("aud is the issuer", by(&key, json!({ "aud": format!("{BASE}/oauth2") }))),
            ("aud is another server", by(&key, json!({ "aud": "https://other.example/token" }))),
            ("expired", by(&key, json!({ "exp": now - 11, "iat": now - 100 }))),
            ("longer than five minutes", by(&key, json!({ "exp": now + 400 }))),
            ("no exp", by(&key, json!({ "exp": null }))),
            ("no jti", by(&key, json!({ "jti": null }))),
            ("iss is somebody else", by(&key, json!({ "iss": "opaque.other" }))),
            ("a kid that nobody registered", by(&renamed, json!({}))),
            ("a key that nobody registered", by(&stranger, json!({}))),
            ("their key by our name", by(&stranger.named(key.kid()), json!({}))),
        ] {
            let reply = ask(&house, &bad, Some("system/*.rs")).await;
            assert_eq!((reply.status, reply.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{why}");
            assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        }
        let there = House::beside(db, house.world.clone(), house.clock.clone()).await;
        let again = ask(&there, &by(&key, json!({ "jti": jti })), Some("system/*.rs")).await;
        assert_eq!(again.error(), "invalid_client", "another node knows it too");
    }

    async fn a_backend_asks_for_system_scopes_by_name(db: Db) {
        let house = House::open(db).await;
        let key = SigningKey::generate(Algorithm::Es384).unwrap();
        let (client, _) = keyed(&house, "backend", "smart-backend", "private_key_jwt", with_keys(jwks(&[&key]))).await;
        for (scope, expected) in [
            (Some("system/Observation.rs system/Patient.read"), Ok("system/Observation.rs system/Patient.read")),
            (Some("system/*.cruds"), Ok("system/*.rs")),
            (Some("system/*.rs a"), Ok("system/*.rs")),
            (Some("patient/*.rs"), Err("invalid_scope")),
            (Some("openid"), Err("invalid_scope")),
            (Some("system/Patient."), Err("invalid_scope")),
            (None, Err("invalid_scope")),
        ] {
            let reply = ask(&house, &assertion(&house, &key, &client, &json!({})), scope).await;
            match expected {
                Ok(granted) => assert_eq!(reply.json()["scope"], granted, "{scope:?}"),
                Err(error) => {
                    assert_eq!((reply.status, reply.error().as_str()), (StatusCode::BAD_REQUEST, error), "{scope:?}");
                }
            }
        }
        let reply = house.post("/oauth2/token", None, &[
            ("grant_type", "authorization_code"), ("code", "x"), ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", &assertion(&house, &key, &client, &json!({}))),
        ]).await;
        assert_eq!(reply.error(), "unauthorized_client");
        client::disable(&house.auth, &house.acting(), client.id).await.unwrap();
        let after = ask(&house, &assertion(&house, &key, &client, &json!({})), Some("system/*.rs")).await;
        assert_eq!(after.error(), "invalid_client");
    }
}
