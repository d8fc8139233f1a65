//! A client of the profile `fapi2` from its registration to its last token, and the ways around that are closed to it.
//! FAPI 2.0 Security Profile §5.3.2, RFC 9449 §10

use auth::client::{self, Client, register::Registration};
use crypto::{
    b64,
    jose::{Algorithm, SigningKey},
};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    bound_tokens::call,
    house::{BASE, CALLBACK, House, Reply, VERIFIER, authorize, encoded, on_each_engine, registration},
    prover::{ASSERTION_TYPE, Prover, claims, form, prove, with_keys},
};

async fn registered(house: &House, suffix: &str, jwks: Value) -> Client {
    let registration = Registration {
        profile: "fapi2".into(),
        auth_method: "private_key_jwt".into(),
        grant_types: ["authorization_code", "refresh_token"].map(str::to_owned).to_vec(),
        scopes: "openid offline_access a".into(),
        metadata: with_keys(jwks),
        ..registration("confidential")
    };
    client::register(&house.auth, &house.acting(), suffix, &registration).await.unwrap().0
}

/// A client with its key, and the key to which its tokens are bound.
struct Bank {
    client: Client,
    prover: Prover,
    dpop: Prover,
}

impl Bank {
    async fn open(house: &House) -> Self {
        let (prover, dpop) = (Prover::new(), Prover::new());
        let client = registered(house, "bank", prover.jwks()).await;
        Self { client, prover, dpop }
    }

    /// Calls an endpoint, proven by an assertion, with a proof of this key.
    async fn post(&self, house: &House, path: &str, key: Option<&Prover>, pairs: &[(&str, &str)]) -> Reply {
        let assertion =
            self.prover.assertion(house, &self.client, &json!({ "aud": format!("{BASE}/oauth2") }));
        let own = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion.as_str())];
        let proof = key.map(|key| key.proof(house, "POST", path, &json!({})));
        let headers: Vec<(&str, &str)> = proof.iter().map(|proof| ("dpop", proof.as_str())).collect();
        call(house, form(path, &headers, &[&own[..], pairs].concat())).await
    }

    async fn push(&self, house: &House, key: Option<&Prover>, more: &[(&str, &str)]) -> Reply {
        let url = authorize(&self.client, "openid offline_access a", more);
        let query = url.split_once('?').unwrap().1.to_owned();
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(house, "/oauth2/par", key, &pairs).await
    }

    /// The code that comes of a request that was pushed; the person allows what they are asked.
    async fn code(&self, house: &House, cookie: &str, key: Option<&Prover>, more: &[(&str, &str)]) -> String {
        let pushed = self.push(house, key, more).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.text());
        let request_uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let pairs = [("client_id", self.client.client_id.as_str()), ("request_uri", &request_uri)];
        let reply = house.get(&format!("/oauth2/authorize?{}", encoded(&pairs)), Some(cookie)).await;
        let answer = match reply.sent("request") {
            Some(request) => house.allow(cookie, &request).await,
            None => reply.location().to_owned(),
        };
        let answer = url::Url::parse(&answer).unwrap();
        assert!(answer.query_pairs().any(|(name, value)| name == "iss" && value == format!("{BASE}/oauth2")));
        answer.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn redeem(&self, house: &House, key: Option<&Prover>, code: &str) -> Reply {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post(house, "/oauth2/token", key, &pairs).await
    }
}

fn part(token: &Value, nth: usize) -> Value {
    let part = b64::decode(token.as_str().unwrap().split('.').nth(nth).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

on_each_engine! {
    async fn a_fapi_client_gets_its_tokens_in_its_own_way(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let bank = Bank::open(&house).await;
        let cookie = house.sign_in("mira@example.org").await;

        let unpushed = house.get(&authorize(&bank.client, "openid", &[]), Some(&cookie)).await;
        assert_eq!(unpushed.sent("error").as_deref(), Some("invalid_request"), "what was not pushed is not heard");
        let pairs = [("client_id", bank.client.client_id.as_str()), ("response_type", "code")];
        let unproven = house.post("/oauth2/par", None, &pairs).await;
        assert_eq!((unproven.status, unproven.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        for (name, value) in [("redirect_uri", ""), ("code_challenge", ""), ("code_challenge_method", "plain"), ("request_uri", "urn:x")] {
            let refused = bank.push(&house, None, &[(name, value)]).await;
            assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{name}");
        }

        // Neither state nor nonce is needed.
        let code = bank.code(&house, &cookie, None, &[("state", ""), ("nonce", "")]).await;
        let unbound = bank.redeem(&house, None, &code).await;
        assert_eq!((unbound.status, unbound.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "no token without a key");
        let nonce = "n".repeat(64);
        let code = bank.code(&house, &cookie, None, &[("nonce", &nonce)]).await;
        let reply = bank.redeem(&house, Some(&bank.dpop), &code).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        let out = reply.json();
        assert_eq!((&out["token_type"], &part(&out["access_token"], 1)["cnf"]["jkt"]), (&json!("DPoP"), &json!(bank.dpop.thumbprint())));
        assert_eq!((&part(&out["id_token"], 0)["alg"], &part(&out["id_token"], 1)["nonce"]), (&json!("ES256"), &json!(nonce)));

        let refresh = out["refresh_token"].as_str().unwrap();
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let unbound = bank.post(&house, "/oauth2/token", None, &pairs).await;
        assert_eq!((unbound.status, unbound.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
        // RFC 9449 §5: what binds the refresh token of a confidential client is its authentication; the token is the new key's.
        let renewed = Prover::new();
        let other = bank.post(&house, "/oauth2/token", Some(&renewed), &pairs).await.json();
        assert_eq!(part(&other["access_token"], 1)["cnf"]["jkt"], json!(renewed.thumbprint()));
        for _ in 0..2 {
            let again = bank.post(&house, "/oauth2/token", Some(&bank.dpop), &pairs).await;
            assert_eq!(again.status, StatusCode::OK, "{}", again.text());
            let told = again.json()["refresh_token"].clone();
            assert!(told.is_null() || told == refresh, "it stays the same");
        }
    }

    async fn a_code_goes_to_the_key_that_asked_for_it(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let bank = Bank::open(&house).await;
        let thief = Prover::new();
        let cookie = house.sign_in("mira@example.org").await;
        let named = bank.dpop.thumbprint();
        let jkt = [("dpop_jkt", named.as_str())];
        for (why, key, more, redeemer, is_good) in [
            ("a proof at the pushed request", Some(&bank.dpop), &jkt[..0], &bank.dpop, true),
            ("a proof at the pushed request, another key", Some(&bank.dpop), &jkt[..0], &thief, false),
            ("named by its thumbprint", None, &jkt[..], &bank.dpop, true),
            ("named by its thumbprint, another key", None, &jkt[..], &thief, false),
            ("proven and named", Some(&bank.dpop), &jkt[..], &bank.dpop, true),
        ] {
            let code = bank.code(&house, &cookie, key, more).await;
            let reply = bank.redeem(&house, Some(redeemer), &code).await;
            assert_eq!(reply.status == StatusCode::OK, is_good, "{why}: {}", reply.text());
            if !is_good {
                assert_eq!(reply.error(), "invalid_grant", "{why}");
            }
        }
        let mismatch = bank.push(&house, Some(&thief), &jkt).await;
        assert_eq!((mismatch.status, mismatch.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"));
    }

    async fn algorithms_and_clients_that_the_profile_leaves_out(db: Db) {
        let house = House::open(db).await;
        let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
        let strong = SigningKey::from_pkcs8(Algorithm::Ps256, &rsa.to_pkcs8().unwrap()).unwrap().named("strong");
        let mut keys = json!({ "keys": [rsa.public_jwk(), strong.public_jwk()] });
        keys["keys"].as_array_mut().unwrap().iter_mut().for_each(|key| drop(key.as_object_mut().unwrap().remove("alg")));
        let client = registered(&house, "bank", keys).await;
        let says = || claims(&house, &client, &json!({ "aud": format!("{BASE}/oauth2") }));
        assert_eq!(prove(&house, &strong.sign("JWT", &says()).unwrap()).await, Ok(()));
        assert_eq!(prove(&house, &rsa.sign("JWT", &says()).unwrap()).await.unwrap_err(), "401 invalid_client", "RS256");
        for (kind, method) in [("public", ""), ("confidential", "client_secret_basic"), ("confidential", "client_secret_jwt")] {
            let refused = Registration { profile: "fapi2".into(), auth_method: method.into(), ..registration(kind) };
            assert!(client::register(&house.auth, &house.acting(), "other", &refused).await.is_err(), "{kind} {method}");
        }
    }
}
