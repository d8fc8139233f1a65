//! How clients prove who they are, and how they do not.

use std::{net::IpAddr, time::Duration};

use auth::client::{self, ClientMetadata, register::Registration, secret::Ends};
use axum::body::Body;
use http::{Request, StatusCode, header};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use web::{AllowedOrigins, ClientAddr};

use crate::{
    house::{BASE, House, encoded, on_each_engine, registration},
    prover::{Prover, basic, claims, form, keyed, prove, told, with_keys},
};

const REFUSED: &str = "401 invalid_client";

on_each_engine! {
    async fn an_assertion_proves_its_client_once_and_at_one_node(db: Db) {
        let house = House::open(db.clone()).await;
        let prover = Prover::new();
        let (client, _) = keyed(&house, "backend", "smart-backend", "private_key_jwt", with_keys(prover.jwks())).await;
        let assertion = prover.assertion(&house, &client, &json!({}));
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "system/Patient.rs"),
            ("client_assertion_type", crate::prover::ASSERTION_TYPE),
            ("client_assertion", &assertion),
        ];
        let reply = house.post("/oauth2/token", None, &form).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.json()["expires_in"], 300);
        assert_eq!(prove(&house, &assertion).await.unwrap_err(), REFUSED, "once");
        let other = House::beside(db, house.world.clone(), house.clock.clone()).await;
        assert_eq!(prove(&other, &assertion).await.unwrap_err(), REFUSED, "another node, or after a restart");
        assert_eq!(prove(&other, &prover.assertion(&house, &client, &json!({}))).await, Ok(()));
    }

    async fn an_assertion_is_a_grant_by_either_name(db: Db) {
        let house = House::open(db).await;
        let (prover, stranger) = (Prover::new(), Prover::new());
        let registration = Registration {
            auth_method: "private_key_jwt".into(),
            grant_types: vec!["jwt_authorization".into()],
            scopes: "a".into(),
            metadata: with_keys(prover.jwks()),
            ..registration("confidential")
        };
        let (client, _) = client::register(&house.auth, &house.acting(), "engine", &registration).await.unwrap();
        for name in ["jwt_authorization", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
            let assertion = prover.assertion(&house, &client, &json!({}));
            let form = [("grant_type", name), ("assertion", &assertion), ("scope", "a")];
            let out = house.post("/oauth2/token", None, &form).await;
            assert_eq!((out.status, &out.json()["scope"]), (StatusCode::OK, &"a".into()), "{name}: {}", out.text());
            assert_eq!(house.post("/oauth2/token", None, &form).await.error(), "invalid_client", "once");
            let forged = stranger.assertion(&house, &client, &json!({}));
            let form = [("grant_type", name), ("assertion", &forged)];
            assert_eq!(house.post("/oauth2/token", None, &form).await.error(), "invalid_client");
            assert_eq!(house.post("/oauth2/token", None, &form[..1]).await.error(), "invalid_request");
        }
        let other = prover.assertion(&house, &client, &json!({ "sub": "0190b6e0-0000-7000-8000-000000000000" }));
        let form = [("grant_type", "jwt_authorization"), ("assertion", &other)];
        assert_eq!(house.post("/oauth2/token", None, &form).await.error(), "invalid_client", "of itself only");
    }

    async fn what_an_assertion_must_not_be(db: Db) {
        let house = House::open(db).await;
        let (prover, stranger) = (Prover::new(), Prover::new());
        let (client, _) = keyed(&house, "service", "oauth21", "private_key_jwt", with_keys(prover.jwks())).await;
        let (other, _) = keyed(&house, "other", "oauth21", "private_key_jwt", with_keys(stranger.jwks())).await;
        let now = house.world.now().as_seconds();
        for good in [
            json!({}),
            json!({ "exp": now + 300 }),
            json!({ "iat": null }),
            json!({ "aud": format!("{BASE}/oauth2") }),
            json!({ "iat": now + 8 }),
            json!({ "nbf": now + 8 }),
        ] {
            assert_eq!(prove(&house, &prover.assertion(&house, &client, &good)).await, Ok(()), "{good}");
        }
        for bad in [
            json!({ "aud": "https://other.example/oauth2/token" }),
            json!({ "aud": null }),
            json!({ "aud": [format!("{BASE}/oauth2/token"), "https://other.example"] }),
            json!({ "exp": now - 11 }),
            json!({ "exp": now + 900 }),
            json!({ "exp": null }),
            json!({ "exp": "soon" }),
            json!({ "nbf": now + 61 }),
            json!({ "iat": now + 61 }),
            json!({ "jti": null }),
            json!({ "jti": "" }),
            json!({ "jti": "x".repeat(2_000) }),
            json!({ "iss": other.client_id.as_str() }),
            json!({ "sub": other.client_id.as_str() }),
            json!({ "sub": null }),
            json!({ "iss": null }),
        ] {
            let refused = prove(&house, &prover.assertion(&house, &client, &bad)).await;
            assert_eq!(refused.unwrap_err(), REFUSED, "{bad}");
        }
        let claims = claims(&house, &client, &json!({}));
        let with = |change: fn(&mut Header)| {
            let mut header = prover.header();
            change(&mut header);
            prover.sign(&header, &claims)
        };
        let jwk = serde_json::from_value(serde_json::to_value(stranger.key.public_jwk()).unwrap()).unwrap();
        let mut own_key = stranger.header();
        own_key.jwk = Some(jwk);
        let confused = EncodingKey::from_secret(serde_json::to_string(prover.key.public_jwk()).unwrap().as_bytes());
        let mut confused_header = Header::new(jsonwebtoken::Algorithm::HS256);
        confused_header.kid = Some(prover.key.kid().to_owned());
        let mut named = stranger.header();
        named.kid = Some(prover.key.kid().to_owned());
        let good = prover.sign(&prover.header(), &claims);
        let parts: Vec<&str> = good.split('.').collect();
        let none = |alg: &str| crypto::b64::encode(format!(r#"{{"alg":"{alg}"}}"#));
        for bad in [
            stranger.sign(&stranger.header(), &claims),
            stranger.sign(&named, &claims),
            stranger.sign(&own_key, &claims),
            jsonwebtoken::encode(&confused_header, &claims, &confused).unwrap(),
            with(|header| header.jku = Some("https://evil.example/jwks".into())),
            with(|header| header.x5u = Some("https://evil.example/chain".into())),
            with(|header| header.kid = Some("../../etc/passwd".into())),
            with(|header| header.typ = Some("at+jwt".into())),
            format!("{}.{}.", none("none"), parts[1]),
            format!("{}.{}.{}", none("NONE"), parts[1], parts[2]),
            format!("{}.{}", parts[0], parts[1]),
            "x".repeat(100_000),
        ] {
            assert_eq!(prove(&house, &bad).await.unwrap_err(), REFUSED, "{bad:.80}");
        }
        client::disable(&house.auth, &house.acting(), client.id).await.unwrap();
        assert_eq!(prove(&house, &good).await.unwrap_err(), REFUSED);
    }

    async fn the_profile_decides_whom_an_assertion_names(db: Db) {
        let house = House::open(db).await;
        let prover = Prover::new();
        let (issuer, token) = (format!("{BASE}/oauth2"), format!("{BASE}/oauth2/token"));
        let (par, called) = (format!("{BASE}/oauth2/par"), format!("{BASE}/oauth2/revocation"));
        let aud = [
            json!(issuer), json!(token), json!(par), json!(called), json!([issuer]), json!([token]), json!([issuer, token]),
            json!(format!("{issuer}/")),
        ];
        for (suffix, profile, expected) in [
            ("smart", "smart-backend", [false, true, false, false, false, true, false, false]),
            ("udap", "udap", [false, true, false, false, false, true, false, false]),
            ("fapi", "fapi2", [true, false, false, false, false, false, false, false]),
            ("plain", "oauth21", [true, true, false, true, true, true, true, false]),
        ] {
            let (client, _) = keyed(&house, suffix, profile, "private_key_jwt", with_keys(prover.jwks())).await;
            for (aud, is_taken) in aud.iter().zip(expected) {
                let assertion = prover.assertion(&house, &client, &json!({ "aud": aud }));
                assert_eq!(prove(&house, &assertion).await.is_ok(), is_taken, "{profile} {aud}");
            }
        }
    }

    async fn a_secret_signs_too(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = keyed(&house, "hmac", "oauth21", "client_secret_jwt", ClientMetadata::default()).await;
        let by = |secret: &str| {
            let header = Header::new(jsonwebtoken::Algorithm::HS256);
            let key = EncodingKey::from_secret(secret.as_bytes());
            jsonwebtoken::encode(&header, &claims(&house, &client, &json!({})), &key).unwrap()
        };
        let first = by(&secret);
        assert_eq!(prove(&house, &first).await, Ok(()));
        assert_eq!(prove(&house, &first).await.unwrap_err(), REFUSED, "once");
        assert_eq!(prove(&house, &by("another secret, also of more than 32 bytes")).await.unwrap_err(), REFUSED);
        assert_eq!(prove(&house, &by("")).await.unwrap_err(), REFUSED);
        assert_eq!(prove(&house, &Prover::new().assertion(&house, &client, &json!({}))).await.unwrap_err(), REFUSED);
        let shown = house.post("/oauth2/revocation", Some((client.client_id.as_str(), &secret)), &[("token", "x")]).await;
        assert_eq!(told(shown).unwrap_err(), REFUSED, "it registered to sign, not to show");
        client::rotate_secret(&house.auth, &house.acting(), client.id, Ends::Never).await.unwrap();
        assert_eq!(prove(&house, &by(&secret)).await, Ok(()), "while the two overlap");
        house.clock.advance(Duration::from_hours(25));
        assert_eq!(prove(&house, &by(&secret)).await.unwrap_err(), REFUSED);
    }

    async fn guessing_is_slowed_where_it_comes_from_and_nowhere_else(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (thief, server): (IpAddr, IpAddr) = ("203.0.113.9".parse().unwrap(), "192.0.2.7".parse().unwrap());
        let ask = async |id: &str, secret: &str, from: IpAddr| {
            let mut request = form("/oauth2/revocation", &[("authorization", &basic(id, secret))], &[("token", "x")]);
            request.extensions_mut().insert(ClientAddr(from));
            house.call(request).await
        };
        let id = client.client_id.as_str();
        for id in [id, "nobody.diary"] {
            for _ in 0..10 {
                assert_eq!(ask(id, "guess", thief).await.status, StatusCode::UNAUTHORIZED);
            }
            let slowed = ask(id, "guess", thief).await;
            assert_eq!((slowed.status, &slowed.headers[header::RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap()));
        }
        assert_eq!(ask(id, &secret, thief).await.status, StatusCode::TOO_MANY_REQUESTS, "not even the right one");
        for _ in 0..3 {
            assert_eq!(ask(id, &secret, server).await.status, StatusCode::OK, "an honest server notices nothing");
        }
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(ask(id, &secret, thief).await.status, StatusCode::OK);
        assert_eq!(ask(id, "typo", thief).await.status, StatusCode::UNAUTHORIZED, "and then it begins anew");
    }

    async fn a_secret_that_this_node_has_not_heard_of_is_good(db: Db) {
        let house = House::open(db.clone()).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let id = client.client_id.as_str();
        assert_eq!(told(house.post("/oauth2/revocation", Some((id, &secret)), &[("token", "x")]).await), Ok(()));
        let other = House::beside(db, house.world.clone(), house.clock.clone()).await;
        let new = client::add_secret(&other.auth, &other.acting(), client.id, Ends::Never).await.unwrap();
        let reply = house.post("/oauth2/revocation", Some((id, new.text.expose())), &[("token", "x")]).await;
        assert_eq!(told(reply), Ok(()));
    }

    async fn a_token_by_get_is_for_the_old_system_that_is_registered_for_it(db: Db) {
        let house = House::open(db).await;
        let old = Registration {
            profile: "legacy".into(),
            metadata: ClientMetadata { token_by_get: true, ..ClientMetadata::default() },
            ..registration("confidential")
        };
        let (old, old_secret) = client::register(&house.auth, &house.acting(), "old", &old).await.unwrap();
        let old_secret = old_secret.unwrap().text.expose().clone();
        let (new, new_secret) = house.client("new", "confidential").await;
        let get = async |uri: &str, authorization: Option<String>, pairs: &[(&str, &str)]| {
            let mut request =
                Request::get(uri).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(authorization) = authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            house.call(request.body(Body::from(encoded(pairs))).unwrap()).await
        };
        let (path, grant) = ("/oauth2/token", ("grant_type", "client_credentials"));
        let old_basic = || Some(basic(old.client_id.as_str(), &old_secret));
        let reply = get(path, old_basic(), &[grant]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        let (old_id, old_pair) = (("client_id", old.client_id.as_str()), ("client_secret", old_secret.as_str()));
        let in_query = format!("{path}?grant_type=client_credentials");
        for (why, reply) in [
            ("another client", get(path, Some(basic(new.client_id.as_str(), &new_secret)), &[grant]).await),
            ("a wrong secret", get(path, Some(basic(old.client_id.as_str(), "wrong")), &[grant]).await),
            ("no credentials", get(path, None, &[grant]).await),
            ("credentials in the body", get(path, None, &[grant, old_id, old_pair]).await),
            ("a form in the query", get(&in_query, old_basic(), &[]).await),
            ("both", get(&in_query, old_basic(), &[grant]).await),
        ] {
            assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{why}: {}", reply.text());
            assert_eq!(reply.headers[header::ALLOW], "POST", "{why}");
        }
        assert_eq!(house.post(path, Some((old.client_id.as_str(), &old_secret)), &[grant]).await.status, StatusCode::OK);
    }

    async fn pages_of_registered_clients_may_call(db: Db) {
        let house = House::open(db).await;
        let (client, _) = house.client("diary", "public").await;
        house.auth.look_at_clients().await.unwrap();
        for (origin, is_allowed) in [
            ("https://app.example", true),
            ("https://app.example:8443", false),
            ("https://evil.example", false),
            ("null", false),
        ] {
            assert_eq!(house.auth.allows(origin), is_allowed, "{origin}");
        }
        house.clock.advance(Duration::from_secs(1));
        client::disable(&house.auth, &house.acting(), client.id).await.unwrap();
        house.auth.look_at_clients().await.unwrap();
        assert!(!house.auth.allows("https://app.example"), "until its last client is gone");
    }
}
