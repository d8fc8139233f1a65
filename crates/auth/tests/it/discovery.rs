//! What is advertised works, and what works is advertised.

use http::{StatusCode, header};

use crate::house::{BASE, House, on_each_engine};

on_each_engine! {
    async fn every_endpoint_that_is_named_is_there(db: Db) {
        let house = House::open(db).await;
        let reply = house.get("/oauth2/.well-known/openid-configuration", None).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let metadata = reply.json();
        assert_eq!(metadata["issuer"], format!("{BASE}/oauth2"));
        let endpoints: Vec<(&String, &str)> = metadata
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| key.ends_with("_endpoint") || *key == "jwks_uri")
            .map(|(key, value)| (key, value.as_str().unwrap().strip_prefix(BASE).unwrap()))
            .collect();
        assert!(endpoints.len() >= 9);
        for (key, path) in endpoints {
            assert_ne!(house.get(path, None).await.status, StatusCode::NOT_FOUND, "{key}");
        }
        let same = house.get("/.well-known/oauth-authorization-server/oauth2", None).await.json();
        assert_eq!(same, metadata);
        for (key, value) in [
            ("grant_types_supported", "authorization_code client_credentials refresh_token urn:ietf:params:oauth:grant-type:jwt-bearer urn:ietf:params:oauth:grant-type:device_code urn:ietf:params:oauth:grant-type:token-exchange jwt_authorization"),
            ("code_challenge_methods_supported", "S256"),
            (
                "token_endpoint_auth_methods_supported",
                "client_secret_basic client_secret_post client_secret_jwt private_key_jwt none",
            ),
            ("dpop_signing_alg_values_supported", "ES256 ES384 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA"),
            ("response_modes_supported", "query fragment form_post"),
            ("response_types_supported", "code"),
        ] {
            let words: Vec<&str> = metadata[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            assert_eq!(words.join(" "), value);
        }
        for (key, is_offered) in [
            ("backchannel_logout_supported", true),
            ("backchannel_logout_session_supported", true),
            ("authorization_response_iss_parameter_supported", true),
            ("claims_parameter_supported", false),
            ("request_parameter_supported", false),
            ("request_uri_parameter_supported", false),
        ] {
            assert_eq!(metadata[key], is_offered, "{key}");
        }
        assert!(metadata.as_object().unwrap().values().all(|value| !value.is_null()), "what has no value is left out");
        for scope in ["openid", "profile", "email", "address", "phone", "integrations:revoke", "system/*.*", "system/Observation.read"] {
            assert!(metadata["scopes_supported"].as_array().unwrap().contains(&scope.into()), "{scope}");
        }
    }

    async fn the_keys_are_public_halves_and_stay(db: Db) {
        let house = House::open(db.clone()).await;
        let keys = house.get("/oauth2/jwks", None).await.json();
        let key = &keys["keys"][0];
        assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&"EC".into(), &"P-256".into(), &"ES256".into()));
        assert!(key.get("d").is_none());
        let (world, clock) = testkit::world_seeded(2);
        let there = House::beside(db, world, clock).await;
        assert_eq!(there.get("/oauth2/jwks", None).await.json(), keys, "a second start makes no second key");
    }

    async fn every_way_to_prove_oneself_is_described(db: Db) {
        let house = House::open(db).await;
        let (_, api) = auth::routes(house.auth.clone()).split_for_parts();
        let document = serde_json::to_value(&api).unwrap();
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        let mut asked = 0;
        for operation in document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values()) {
            for way in operation["security"].as_array().into_iter().flatten().flat_map(|ways| ways.as_object().unwrap().keys()) {
                assert!(schemes.contains_key(way), "{way}");
                asked += 1;
            }
        }
        assert!(asked >= 5);
        let base = schemes["bearer"]["flows"]["authorizationCode"]["tokenUrl"].as_str().unwrap();
        assert_eq!(base, format!("{BASE}/oauth2/token"));
    }
}
