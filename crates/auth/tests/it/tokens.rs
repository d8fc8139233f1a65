//! The token endpoint, and tokens from their first use to their end.

use std::time::Duration;

use auth::{
    client::{self, secret::Ends},
    person,
};
use axum::body::Body;
use crypto::jose::{Algorithm, SigningKey};
use http::{Method, Request, StatusCode, header};
use web::{AuthFault, Authenticate, Presented};

use crate::house::{House, on_each_engine};

const CLIENT_CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn own_token(house: &House, client: &client::Client, secret: &str) -> String {
    let reply =
        house.post("/oauth2/token", Some((client.client_id.as_str(), secret)), &CLIENT_CREDENTIALS).await;
    reply.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
}

async fn is_active(house: &House, client: &client::Client, secret: &str, token: &str) -> bool {
    let basic = Some((client.client_id.as_str(), secret));
    let out = house.post("/oauth2/introspection", basic, &[("token", token)]).await.json();
    if out["active"] == false {
        assert_eq!(out.as_object().unwrap().len(), 1, "an inactive token tells nothing more");
    }
    out["active"] == true
}

on_each_engine! {
    async fn a_client_gets_a_token_for_itself(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (id, secret) = (client.client_id.as_str(), secret.as_str());
        let reply = house.post("/oauth2/token", Some((id, secret)), &CLIENT_CREDENTIALS).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let out = reply.json();
        assert_eq!((&out["scope"], out.get("id_token")), (&"a".into(), None));
        let posted = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret), ("scope", "a b")];
        assert_eq!(house.post("/oauth2/token", None, &posted).await.json()["scope"], "a");

        let caller = house.auth.authenticate(Presented::bearer(out["access_token"].as_str().unwrap())).await.unwrap();
        assert_eq!((caller.client, caller.person, caller.organisation), (client.id, None, house.organisation));
        assert!(caller.scopes.has("a"));
        let told = house.get_with_bearer("/oauth2/userinfo", out["access_token"].as_str().unwrap()).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN);
        assert!(told.headers[header::WWW_AUTHENTICATE].to_str().unwrap().contains("insufficient_scope"));
    }

    async fn what_the_token_endpoint_refuses(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (public, _) = house.client("native", "public").await;
        let (id, secret) = (client.client_id.as_str(), secret.as_str());
        let good = Some((id, secret));
        for (basic, form, status, error) in [
            (None, vec![("grant_type", "client_credentials")], 401, "invalid_client"),
            (None, vec![("grant_type", "client_credentials"), ("client_id", id)], 401, "invalid_client"),
            (Some((id, "wrong")), vec![("grant_type", "client_credentials")], 401, "invalid_client"),
            (Some(("opaque.unknown", secret)), vec![("grant_type", "client_credentials")], 401, "invalid_client"),
            (Some((public.client_id.as_str(), secret)), vec![("grant_type", "client_credentials")], 401, "invalid_client"),
            (good, vec![("grant_type", "client_credentials"), ("client_secret", secret)], 400, "invalid_request"),
            (good, vec![("grant_type", "client_credentials"), ("client_id", "a.other")], 400, "invalid_request"),
            (good, vec![("grant_type", "client_credentials"), ("scope", "a"), ("scope", "b")], 400, "invalid_request"),
            (good, vec![("grant_type", "client_credentials"), ("grant_type", "client_credentials")], 400, "invalid_request"),
            (good, vec![], 400, "invalid_request"),
            (good, vec![("grant_type", "")], 400, "invalid_request"),
            (good, vec![("grant_type", "password"), ("username", "x"), ("password", "y")], 400, "unsupported_grant_type"),
            (good, vec![("grant_type", "refresh_token"), ("refresh_token", "x")], 400, "unauthorized_client"),
            (good, vec![("grant_type", "client_credentials"), ("scope", "made-up")], 400, "invalid_scope"),
            (good, vec![("grant_type", "client_credentials"), ("scope", "openid")], 400, "invalid_scope"),
            (None, vec![("grant_type", "client_credentials"), ("client_id", public.client_id.as_str())], 400, "unauthorized_client"),
        ] {
            let reply = house.post("/oauth2/token", basic, &form).await;
            assert_eq!((reply.status.as_u16(), reply.error().as_str()), (status, error), "{basic:?} {form:?}");
            assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(reply.headers.contains_key(header::WWW_AUTHENTICATE), status == 401);
            assert!(!reply.text().contains(secret));
        }
    }

    async fn tokens_are_had_by_post_with_a_form_and_nothing_in_the_address(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let pair = crypto::b64::encode_standard(format!("{}:{secret}", client.client_id));
        let ask = |method: Method, path: String, media: &str| {
            let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, media);
            let request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
            request.body(Body::from("grant_type=client_credentials")).unwrap()
        };
        const FORM: &str = "application/x-www-form-urlencoded";
        assert_eq!(house.call(ask(Method::POST, "/oauth2/token".into(), FORM)).await.status, StatusCode::OK);
        let get = house.call(ask(Method::GET, "/oauth2/token".into(), FORM)).await;
        assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(get.headers[header::ALLOW], "POST");
        assert_eq!(get.error(), "invalid_request");
        let json = house.call(ask(Method::POST, "/oauth2/token".into(), "application/json")).await;
        assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let credentials = format!("client_id={}&client_secret={secret}", client.client_id);
        for path in ["/oauth2/token", "/oauth2/introspection", "/oauth2/revocation"] {
            for query in [credentials.as_str(), "grant_type=client_credentials", "token=x"] {
                let reply = house.call(ask(Method::POST, format!("{path}?{query}"), FORM)).await;
                assert_eq!((reply.status.as_u16(), reply.error().as_str()), (400, "invalid_request"), "{path}?{query}");
            }
        }
    }

    async fn introspection_tells_a_client_of_its_own_tokens(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (other, other_secret) = house.client("other", "confidential").await;
        let (public, _) = house.client("native", "public").await;
        let cookie = house.sign_in("mira@example.org").await;
        let token = house.token(&client, &secret, &cookie, "openid a").await;
        let out = house.post("/oauth2/introspection", Some((client.client_id.as_str(), &secret)), &[("token", &token)]).await.json();
        assert_eq!(out["active"], true);
        assert_eq!((&out["scope"], &out["client_id"]), (&"a openid".into(), &client.client_id.as_str().into()));
        assert_eq!((&out["sub"], &out["token_type"]), (&person.id.to_string().into(), &"Bearer".into()));
        assert_eq!(out["exp"].as_i64().unwrap() - out["iat"].as_i64().unwrap(), 3_600);

        assert!(!is_active(&house, &other, &other_secret, &token).await, "another client's");
        for junk in ["x", "a.b.c", &token[..token.len() - 1], &format!("{token}x"), &"x".repeat(100_000)] {
            assert!(!is_active(&house, &client, &secret, junk).await);
        }
        let nobody = house.post("/oauth2/introspection", None, &[("token", &token)]).await;
        assert_eq!((nobody.status, nobody.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
        let named = [("token", token.as_str()), ("client_id", public.client_id.as_str())];
        assert_eq!(house.post("/oauth2/introspection", None, &named).await.status, StatusCode::UNAUTHORIZED);
        let missing = house.post("/oauth2/introspection", Some((client.client_id.as_str(), &secret)), &[]).await;
        assert_eq!(missing.error(), "invalid_request");
        house.clock.advance(Duration::from_secs(3_600));
        assert!(!is_active(&house, &client, &secret, &token).await, "expired");
    }

    async fn a_revoked_token_is_dead_here_and_on_the_other_node(db: Db) {
        let house = House::open(db.clone()).await;
        let (world, _) = testkit::world_seeded(2);
        let there = House::beside(db, world, house.clock.clone()).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (other, other_secret) = house.client("other", "confidential").await;
        let token = own_token(&house, &client, &secret).await;
        assert!(is_active(&there, &client, &secret, &token).await, "one node's token is good on the other");

        let foreign = house.post("/oauth2/revocation", Some((other.client_id.as_str(), &other_secret)), &[("token", &token)]).await;
        assert_eq!((foreign.status.as_u16(), foreign.error().as_str()), (400, "invalid_grant"));
        assert!(is_active(&house, &client, &secret, &token).await);

        let basic = Some((client.client_id.as_str(), secret.as_str()));
        let watching = there.auth.clone().keep_current();
        tokio::pin!(watching);
        let seen = async {
            for _ in 0..2 {
                let reply = house.post("/oauth2/revocation", basic, &[("token", &token), ("token_type_hint", "refresh_token")]).await;
                assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, 0), "a second time is the same");
            }
            assert!(!is_active(&house, &client, &secret, &token).await);
            let begun = std::time::Instant::now();
            while is_active(&there, &client, &secret, &token).await {
                assert!(begun.elapsed() < Duration::from_secs(1), "the other node has not heard of it");
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = &mut watching => panic!("it stopped watching"),
            () = seen => {}
        }
        assert_eq!(house.post("/oauth2/revocation", basic, &[("token", "junk")]).await.status, StatusCode::OK);
        let (world, _) = testkit::world_seeded(3);
        let later = House::beside(house.db.clone(), world, house.clock.clone()).await;
        assert!(!is_active(&later, &client, &secret, &token).await, "and a node that starts later knows");
    }

    async fn a_client_or_a_person_that_is_ended_takes_its_tokens_along(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        house.person("ada@example.org", &[person::Role::OrgAdmin]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (other, other_secret) = house.client("other", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let persons = house.token(&client, &secret, &cookie, "openid").await;
        let own = own_token(&house, &client, &secret).await;
        let unhurt = own_token(&house, &other, &other_secret).await;

        person::disable(&house.auth, &house.acting(), person.id).await.unwrap();
        assert!(!is_active(&house, &client, &secret, &persons).await);
        assert!(is_active(&house, &client, &secret, &own).await);
        assert!(house.signed_in(&cookie).await.is_none());

        client::revoke_tokens(&house.auth, &house.acting(), client.id).await.unwrap();
        assert!(!is_active(&house, &client, &secret, &own).await);
        house.clock.advance(Duration::from_secs(1));
        let newer = own_token(&house, &client, &secret).await;
        assert!(is_active(&house, &client, &secret, &newer).await, "it may get new ones");

        client::disable(&house.auth, &house.acting(), client.id).await.unwrap();
        assert!(house.auth.authenticate(Presented::bearer(&newer)).await.is_err());
        let refused = house.post("/oauth2/token", Some((client.client_id.as_str(), &secret)), &CLIENT_CREDENTIALS).await;
        assert_eq!(refused.error(), "invalid_client");
        assert!(is_active(&house, &other, &other_secret, &unhurt).await);
    }

    async fn secrets_overlap_and_end(db: Db) {
        let house = House::open(db).await;
        let (client, first) = house.client("diary", "confidential").await;
        let acting = house.acting();
        let second = client::rotate_secret(&house.auth, &acting, client.id, Ends::Never).await.unwrap();
        let second_text = second.text.expose().as_str();
        let works = async |secret: &str| {
            let reply = house.post("/oauth2/token", Some((client.client_id.as_str(), secret)), &CLIENT_CREDENTIALS).await;
            reply.status == StatusCode::OK
        };
        assert!(works(&first).await && works(second_text).await, "both work while one replaces the other");
        house.db.flush_lazy().await.unwrap();
        let rows = client::secrets_of(&house.auth, &acting, client.id).await.unwrap();
        assert!(rows.iter().all(|row| row.last_used_at.is_some()));
        house.clock.advance(Duration::from_hours(24));
        assert!(!works(&first).await && works(second_text).await);

        let third = client::add_secret(&house.auth, &acting, client.id, Ends::Never).await.unwrap();
        client::retire_secret(&house.auth, &acting, client.id, second.id).await.unwrap();
        assert!(!works(second_text).await && works(third.text.expose()).await);
        let again = client::retire_secret(&house.auth, &acting, client.id, second.id).await;
        assert!(matches!(again, Err(client::ClientFault::NoSuchSecret)));
        for _ in 1..client::secret::SECRETS_MAX {
            client::add_secret(&house.auth, &acting, client.id, Ends::Never).await.unwrap();
        }
        let too_many = client::add_secret(&house.auth, &acting, client.id, Ends::Never).await;
        assert!(matches!(too_many, Err(client::ClientFault::TooManySecrets)));

        // One whose end was chosen works until then.
        client::retire_secret(&house.auth, &acting, client.id, third.id).await.unwrap();
        let month = Ends::parse("30").unwrap();
        let short = client::add_secret(&house.auth, &acting, client.id, month).await.unwrap();
        house.clock.advance(Duration::from_hours(24 * 30) - Duration::from_secs(1));
        assert!(works(short.text.expose()).await);
        house.clock.advance(Duration::from_secs(1));
        assert!(!works(short.text.expose()).await);
        assert_eq!((Ends::parse(""), Ends::parse("31"), Ends::parse("-1")), (Some(Ends::Never), None, None));
    }

    async fn a_forged_token_opens_nothing(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let token = house.token(&client, &secret, &cookie, "openid").await;
        let parts: Vec<&str> = token.split('.').collect();
        let claims: serde_json::Value = serde_json::from_slice(&crypto::b64::decode(parts[1]).unwrap()).unwrap();
        let header = |alg: &str| crypto::b64::encode(format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#));
        let wider = crypto::b64::encode(serde_json::to_vec(&serde_json::json!({ "scope": "a" })).unwrap());
        let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
        for forged in [
            format!("{}.{}.", header("none"), parts[1]),
            format!("{}.{}.", header("None"), parts[1]),
            format!("{}.{}.{}", header("HS256"), parts[1], parts[2]),
            format!("{}.{}.{}", header("ES256"), parts[1], parts[2]),
            format!("{}.{wider}.{}", parts[0], parts[2]),
            stranger.sign("at+jwt", &claims).unwrap(),
            format!("{}.{}", parts[0], parts[1]),
            String::new(),
        ] {
            let found = house.auth.authenticate(Presented::bearer(&forged)).await;
            assert!(matches!(found, Err(AuthFault::Invalid)), "{forged}");
        }
        assert!(house.auth.authenticate(Presented::bearer(&token)).await.is_ok());
    }

    async fn an_outage_never_looks_like_an_answer(db: Db) {
        let house = House::open(db.clone()).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let token = own_token(&house, &client, &secret).await;
        let basic = Some((client.client_id.as_str(), secret.as_str()));
        db.close().await;
        let asked = async || house.post("/oauth2/introspection", basic, &[("token", &token)]).await;
        assert_eq!(asked().await.json()["active"], true, "what is known does for a while");
        for path in ["/oauth2/revocation", "/oauth2/token"] {
            let reply = house.post(path, basic, &[("token", &token), ("grant_type", "client_credentials")]).await;
            assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert!(reply.json().get("active").is_none());
        }
        assert!(house.auth.authenticate(Presented::bearer(&token)).await.is_ok(), "what is known does for a while");
        house.clock.advance(Duration::from_secs(31));
        let unknown = house.auth.authenticate(Presented::bearer(&token)).await;
        assert!(matches!(unknown, Err(AuthFault::Unavailable(_))), "then nobody is let in on old knowledge");
        let asked = asked().await;
        assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(asked.json().get("active").is_none());
    }
}
