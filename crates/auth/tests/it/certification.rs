//! Modules of the OpenID conformance suite that no other test shows, under the names that they have there.

use auth::client::{self, register::Registration};
use axum::body::Body;
use crypto::{
    b64,
    jose::{Algorithm, Expect, Jwks, Typ},
};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    client_keys::{Host, beside},
    house::{BASE, CALLBACK, House, authorize, on_each_engine, registration},
    prover::{ASSERTION_TYPE, Prover, prove},
    self_registration::{initial, register},
};

fn part(token: &str, nth: usize) -> Value {
    serde_json::from_slice(&b64::decode(token.split('.').nth(nth).unwrap()).unwrap()).unwrap()
}

on_each_engine! {
    // OIDCCIdTokenRS256; SMART App Launch 2.2 §2.0.12
    async fn an_id_token_is_signed_as_its_profile_asks(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let cookie = house.sign_in("mira@example.org").await;
        for (suffix, profile, asked, alg) in [
            ("plain", "oauth21", None, Algorithm::Es256),
            ("smart", "smart-app-launch-2.2", None, Algorithm::Rs256),
            ("asked", "oauth21", Some(Algorithm::Rs256), Algorithm::Rs256),
        ] {
            let mut registration = Registration { profile: profile.into(), ..registration("confidential") };
            registration.grant_types = vec!["authorization_code".into()];
            registration.metadata.id_token_signed_response_alg = asked;
            let (client, secret) = client::register(&house.auth, &house.acting(), suffix, &registration).await.unwrap();
            let secret = secret.unwrap().text.expose().clone();
            let asked = house.get(&authorize(&client, "openid", &[("aud", &format!("{BASE}/fhir"))]), Some(&cookie)).await;
            let answer = house.allow(&cookie, &asked.sent("request").unwrap()).await;
            let code = url::Url::parse(&answer).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
            let out = house.redeem(&client, &secret, &code).await.json();
            let token = out["id_token"].as_str().unwrap();
            assert_eq!(part(token, 0)["alg"], alg.as_str(), "{profile}");
            let keys = Jwks::from_json(&house.get("/oauth2/jwks", None).await.body).unwrap();
            assert!(keys.has(part(token, 0)["kid"].as_str().unwrap()), "{profile}");
            let expect = Expect {
                issuer: &format!("{BASE}/oauth2"),
                audience: client.client_id.as_str(),
                typ: Typ::JwtOrNone,
                algs: &[alg],
                now: house.world.now(),
                leeway_s: 0,
            };
            let read = crypto::jose::verify(token, &keys, &expect).map(|claims| claims.subject);
            assert!(read.is_ok(), "{profile}: {read:?}");
        }
    }

    // OIDCCAuthCodeReuseAfter30Seconds
    async fn a_code_that_comes_again_after_a_while_ends_the_token(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        for later_s in [30, 90] {
            let code = house.code(&client, &cookie, "openid").await;
            let token = house.redeem(&client, &secret, &code).await.json()["access_token"].as_str().unwrap().to_owned();
            house.clock.advance(std::time::Duration::from_secs(later_s));
            assert_eq!(house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::OK);
            assert_eq!(house.redeem(&client, &secret, &code).await.error(), "invalid_grant");
            assert_eq!(house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::UNAUTHORIZED, "{later_s} s");
        }
    }

    // OIDCCRefreshTokenRPKeyRotation
    async fn a_client_changes_its_keys_and_refreshes(db: Db) {
        let host = Host::open().await;
        let house = beside(&host, db).await;
        house.person("mira@example.org", &[]).await;
        let (old, new) = (Prover::new(), Prover::new());
        host.says("200 OK", "no-store", &old.jwks().to_string());
        let registration = Registration {
            auth_method: "private_key_jwt".into(),
            grant_types: vec!["authorization_code".into(), "refresh_token".into()],
            scopes: "openid offline_access".into(),
            metadata: host.metadata(),
            ..registration("confidential")
        };
        let (client, _) = client::register(&house.auth, &house.acting(), "diary", &registration).await.unwrap();
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid offline_access").await;
        let ask = async |prover: &Prover, pairs: &[(&str, &str)]| {
            let assertion = prover.assertion(&house, &client, &json!({}));
            let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
            house.post("/oauth2/token", None, &[&proof[..], pairs].concat()).await
        };
        let form = [
            ("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK),
            ("code_verifier", crate::house::VERIFIER),
        ];
        let out = ask(&old, &form).await;
        assert_eq!(out.status, StatusCode::OK, "{}", out.text());
        let refresh = out.json()["refresh_token"].as_str().unwrap().to_owned();
        host.says("200 OK", "no-store", &new.jwks().to_string());
        house.clock.advance(std::time::Duration::from_mins(1));
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        assert_eq!(ask(&old, &form).await.error(), "invalid_client", "a key that is not published any more");
        let renewed = ask(&new, &form).await;
        assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text());
    }

    // OIDCCRegistrationJwksUri
    async fn a_client_registers_the_address_of_its_keys(db: Db) {
        let host = Host::open().await;
        let house = beside(&host, db).await;
        let prover = Prover::new();
        host.says("200 OK", "max-age=600", &prover.jwks().to_string());
        let body = json!({
            "redirect_uris": ["https://diary.example/cb"], "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": host.metadata().jwks_uri.unwrap(), "scope": "openid a",
            "grant_types": ["authorization_code", "client_credentials"],
        });
        let out = register(&house, Some(&initial(&house).await), &body).await;
        assert_eq!(out.status, StatusCode::CREATED, "{}", out.text());
        assert_eq!((&out.json()["jwks_uri"], out.json().get("client_secret")), (&body["jwks_uri"], None));
        let id = out.json()["client_id"].as_str().unwrap().to_owned();
        let client = client::live_by_client_id(&house.auth, &id).await.unwrap().unwrap();
        assert_eq!(prove(&house, &prover.assertion(&house, &client, &json!({}))).await, Ok(()));
        assert_eq!(host.times_asked(), 1);
    }

    // RFC 9700 §4.9, RFC 8707
    async fn a_token_for_another_api_opens_nothing_here(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let mut records = registration("confidential");
        records.metadata.resources = vec!["https://records.example/api".into()];
        client::register(&house.auth, &house.acting(), "records", &records).await.unwrap();
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        for (resource, status) in [("https://records.example/api", StatusCode::UNAUTHORIZED), ("", StatusCode::OK)] {
            let asked = house.get(&authorize(&client, "openid", &[("resource", resource)]), Some(&cookie)).await;
            let out = house.redeem(&client, &secret, &asked.sent("code").unwrap()).await.json();
            let opened = house.get_with_bearer("/oauth2/userinfo", out["access_token"].as_str().unwrap()).await;
            assert_eq!(opened.status, status, "{resource}: {}", opened.text());
        }
    }

    // OIDCCUserInfoGet, OIDCCUserInfoPostHeader, OIDCCUserInfoPostBody
    async fn userinfo_takes_a_token_in_the_header_alone(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let token = house.token(&client, &secret, &cookie, "openid").await;
        let post = |bearer: bool, body: String, query: String| {
            let mut request = Request::post(format!("/oauth2/userinfo{query}"))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if bearer {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            request.body(Body::from(body)).unwrap()
        };
        assert_eq!(house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::OK);
        assert_eq!(house.call(post(true, String::new(), String::new())).await.status, StatusCode::OK);
        let body = house.call(post(false, format!("access_token={token}"), String::new())).await;
        assert_eq!(body.status, StatusCode::UNAUTHORIZED);
        let query = house.call(post(false, String::new(), format!("?access_token={token}"))).await;
        assert!([StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&query.status), "{}", query.status);
    }
}
