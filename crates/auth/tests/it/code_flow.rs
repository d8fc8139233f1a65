//! Authorization code with PKCE, from the browser's first request to the token, and what goes wrong on the way.

use std::time::Duration;

use auth::authorize::{self, AuthorizeFault, Decision};
use axum::body::Body;
use crypto::{b64, sha256};
use http::{Request, StatusCode, header};

use crate::house::{BASE, CALLBACK, House, VERIFIER, authorize, on_each_engine};

on_each_engine! {
    async fn a_person_lets_a_client_in(db: Db) {
        let house = House::open(db).await;
        let person = house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let url = authorize(&client, "openid profile email b", &[]);

        let first = house.get(&url, None).await;
        assert_eq!(first.sent("return_to").as_deref(), Some(url.as_str()));
        assert!(first.location().starts_with("/sign-in?"));

        let cookie = house.sign_in("Mira@Example.org").await;
        let asked = house.get(&url, Some(&cookie)).await;
        assert!(asked.location().starts_with("/consent?request="));
        let signed_in = house.signed_in(&cookie).await.unwrap();
        let id = asked.sent("request").unwrap().parse().unwrap();
        let pending = authorize::pending(&house.auth, &signed_in, id).await.unwrap();
        assert_eq!(pending.client.id, client.id);
        assert_eq!(pending.scopes.to_string(), "email openid profile", "what the client is not registered for is left out");
        assert_eq!(pending.redirect_uri, CALLBACK);

        let answer = authorize::decide(&house.auth, &signed_in, id, &Decision::Allow(pending.scopes)).await.unwrap();
        let answer = answer.address().to_owned();
        assert!(answer.starts_with(&format!("{CALLBACK}?code=hlm_ac_")), "{answer}");
        assert!(answer.ends_with("&state=st%26te&iss=http%3A%2F%2F127.0.0.1%3A8080%2Foauth2"), "{answer}");
        let again = authorize::decide(&house.auth, &signed_in, id, &Decision::Deny).await;
        assert!(matches!(again, Err(AuthorizeFault::NotPending)), "a question is answered once");

        let code = url::Url::parse(&answer).unwrap().query_pairs().next().unwrap().1.into_owned();
        let reply = house.redeem(&client, &secret, &code).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        let out = reply.json();
        assert_eq!((&out["token_type"], &out["expires_in"]), (&"Bearer".into(), &3600.into()));
        assert_eq!(out["scope"], "email openid profile");
        assert!(out.get("refresh_token").is_none());

        let access = claims(out["access_token"].as_str().unwrap());
        assert_eq!(access["iss"], format!("{BASE}/oauth2"));
        assert_eq!(access["aud"], BASE);
        assert_eq!(access["sub"], person.id.to_string());
        assert_eq!(access["client_id"], client.client_id.as_str());
        assert_eq!(access["org"], house.organisation.to_string());
        let id_token = claims(out["id_token"].as_str().unwrap());
        assert_eq!((&id_token["aud"], &id_token["nonce"]), (&client.client_id.as_str().into(), &"n-1".into()));
        assert_eq!(id_token["auth_time"], signed_in.authenticated_at.as_seconds());
        let hash = sha256(out["access_token"].as_str().unwrap().as_bytes());
        assert_eq!(id_token["at_hash"], b64::encode(&hash[..16]));

        let told = house.get_with_bearer("/oauth2/userinfo", out["access_token"].as_str().unwrap()).await.json();
        assert_eq!(told["sub"], person.id.to_string());
        assert_eq!((&told["name"], &told["email"]), (&"Mira Lind".into(), &"mira@example.org".into()));

        let silent = house.get(&authorize(&client, "openid", &[("prompt", "none")]), Some(&cookie)).await;
        assert!(silent.sent("code").is_some(), "what was allowed before is not asked again");
        let wider = house.get(&authorize(&client, "openid a", &[("prompt", "none")]), Some(&cookie)).await;
        assert_eq!(wider.sent("error").as_deref(), Some("consent_required"));
        for act in ["person.signed_in", "consent.decided", "token.issued"] {
            assert!(house.acts().await.contains(&(act.to_owned(), "done".to_owned())), "{act}");
        }
    }

    async fn an_id_token_is_no_access_token(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        let out = house.redeem(&client, &secret, &code).await.json();
        let reply = house.get_with_bearer("/oauth2/userinfo", out["id_token"].as_str().unwrap()).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert!(reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap().contains("invalid_token"));
    }

    async fn a_code_is_used_once_and_a_second_use_kills_the_token(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        let token = house.redeem(&client, &secret, &code).await.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::OK);
        let replay = house.redeem(&client, &secret, &code).await;
        assert_eq!((replay.status, replay.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
        assert_eq!(house.get_with_bearer("/oauth2/userinfo", &token).await.status, StatusCode::UNAUTHORIZED);
        assert!(house.acts().await.contains(&("code.redeemed".to_owned(), "refused".to_owned())));
    }

    async fn of_many_who_redeem_a_code_at_once_one_gets_a_token(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        let tries = (0..20).map(|_| house.redeem(&client, &secret, &code));
        let replies = futures_util::future::join_all(tries).await;
        let good = replies.iter().filter(|reply| reply.status == StatusCode::OK).count();
        assert_eq!(good, 1);
        assert!(replies.iter().filter(|reply| reply.status != StatusCode::OK).all(|reply| reply.error() == "invalid_grant"));
    }

    async fn a_code_is_bound_to_what_it_was_made_for(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (other, other_secret) = house.client("other", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let basic = Some((client.client_id.as_str(), secret.as_str()));
        let stranger = Some((other.client_id.as_str(), other_secret.as_str()));
        let wrong = "a".repeat(43);
        for (basic, redirect_uri, verifier) in [
            (basic, CALLBACK, wrong.as_str()),
            (basic, "https://app.example/callback/", VERIFIER),
            (basic, "http://127.0.0.1/callback", VERIFIER),
            (stranger, CALLBACK, VERIFIER),
        ] {
            let code = house.code(&client, &cookie, "openid").await;
            let form = |redirect_uri, verifier| {
                [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", redirect_uri), ("code_verifier", verifier)]
            };
            let reply = house.post("/oauth2/token", basic, &form(redirect_uri, verifier)).await;
            assert_eq!(reply.error(), "invalid_grant", "{redirect_uri} {verifier}");
            let burnt = house.redeem(&client, &secret, &code).await;
            assert_eq!(burnt.error(), "invalid_grant", "a code that was shown around is burnt");
        }
        let late = house.code(&client, &cookie, "openid").await;
        house.clock.advance(Duration::from_secs(60));
        assert_eq!(house.redeem(&client, &secret, &late).await.error(), "invalid_grant");
        for (missing, error) in [
            ("code", "invalid_request"),
            ("redirect_uri", "invalid_request"),
            ("code_verifier", "invalid_grant"),
        ] {
            let code = house.code(&client, &cookie, "openid").await;
            let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            let form: Vec<_> = form.into_iter().filter(|(name, _)| *name != missing).collect();
            assert_eq!(house.post("/oauth2/token", basic, &form).await.error(), error, "{missing}");
        }
    }

    async fn a_code_dies_with_its_session(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        let signed_in = house.signed_in(&cookie).await.unwrap();
        auth::session::end(&house.auth, &signed_in).await.unwrap();
        assert_eq!(house.redeem(&client, &secret, &code).await.error(), "invalid_grant");
    }

    async fn pkce_cannot_be_left_out_or_weakened(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        for more in [
            &[("code_challenge", "")][..],
            &[("code_challenge_method", "")],
            &[("code_challenge_method", "plain")],
            &[("code_challenge_method", "plain"), ("code_challenge", VERIFIER)],
            &[("code_challenge", "short")],
        ] {
            let reply = house.get(&authorize(&client, "openid", more), Some(&cookie)).await;
            assert!(reply.location().starts_with(CALLBACK), "{more:?}");
            assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "{more:?}");
            assert_eq!(reply.sent("state").as_deref(), Some("st&te"));
            assert_eq!(reply.sent("iss").as_deref(), Some("http://127.0.0.1:8080/oauth2"));
        }
    }

    async fn a_public_client_gets_by_with_pkce_alone(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("native", "public").await;
        let cookie = house.sign_in("mira@example.org").await;
        let code = house.code(&client, &cookie, "openid").await;
        let reply = house.redeem(&client, "", &code).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let with_secret = house.redeem(&client, "anything", &code).await;
        assert_eq!((with_secret.status, with_secret.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    }

    async fn whoever_can_be_posed_asks_every_time(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("native", "public").await;
        let cookie = house.sign_in("mira@example.org").await;
        for _ in 0..2 {
            let url = authorize(&client, "openid", &[("redirect_uri", "http://127.0.0.1:49152/callback")]);
            let asked = house.get(&url, Some(&cookie)).await;
            let answer = house.allow(&cookie, &asked.sent("request").unwrap()).await;
            assert!(answer.starts_with("http://127.0.0.1:49152/callback?code="), "{answer}");
        }
    }

    async fn a_person_says_no_or_less(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let signed_in = house.signed_in(&cookie).await.unwrap();
        let ask = async || {
            let asked = house.get(&authorize(&client, "openid email", &[]), Some(&cookie)).await;
            asked.sent("request").unwrap().parse().unwrap()
        };
        let no = authorize::decide(&house.auth, &signed_in, ask().await, &Decision::Deny).await.unwrap();
        let no = no.address();
        assert!(no.starts_with(&format!("{CALLBACK}?error=access_denied&state=st%26te&iss=")), "{no}");
        let less = Decision::Allow("openid a".parse().unwrap());
        let answer = authorize::decide(&house.auth, &signed_in, ask().await, &less).await.unwrap();
        let code = url::Url::parse(answer.address()).unwrap().query_pairs().next().unwrap().1.into_owned();
        assert_eq!(house.redeem(&client, &secret, &code).await.json()["scope"], "openid");
    }

    async fn a_question_is_one_person_s_and_does_not_wait_for_ever(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        house.person("noor@example.org", &[]).await;
        let (client, _) = house.client("diary", "confidential").await;
        let (mira, noor) = (house.sign_in("mira@example.org").await, house.sign_in("noor@example.org").await);
        let asked = house.get(&authorize(&client, "openid", &[]), Some(&mira)).await;
        let id = asked.sent("request").unwrap().parse().unwrap();
        let allow = Decision::Allow("openid".parse().unwrap());
        let stranger = house.signed_in(&noor).await.unwrap();
        assert!(matches!(authorize::pending(&house.auth, &stranger, id).await, Err(AuthorizeFault::NotPending)));
        assert!(matches!(authorize::decide(&house.auth, &stranger, id, &allow).await, Err(AuthorizeFault::NotPending)));
        house.clock.advance(Duration::from_mins(10));
        let late = house.signed_in(&mira).await.unwrap();
        assert!(matches!(authorize::decide(&house.auth, &late, id, &allow).await, Err(AuthorizeFault::NotPending)));
    }

    async fn a_fresh_sign_in_is_asked_for_once_and_cannot_be_pretended(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        house.clock.advance(Duration::from_secs(100));
        for more in [&[("prompt", "login")][..], &[("max_age", "0")], &[("max_age", "99")]] {
            let url = authorize(&client, "openid", more);
            let sent = house.get(&url, Some(&cookie)).await;
            assert!(sent.location().starts_with("/sign-in?") && sent.location().ends_with("&anew=true"), "{more:?}");
            let back = sent.sent("return_to").unwrap();
            assert!(back.len() <= web::LocalPath::BYTES_MAX);
            let unmoved = house.get(&back, Some(&cookie)).await;
            assert!(unmoved.location().starts_with("/sign-in?"), "coming back without a new sign-in is not enough");
            let fresh = house.sign_in("mira@example.org").await;
            assert!(house.get(&back, Some(&fresh)).await.sent("code").is_some(), "{more:?}");
            let other_request = back.replace("state=st", "state=xx");
            assert!(house.get(&other_request, Some(&fresh)).await.sent("code").is_none() || more[0] == ("max_age", "99"));
        }
        let young = house.get(&authorize(&client, "openid", &[("max_age", "101")]), Some(&cookie)).await;
        assert!(young.sent("code").is_some());
        let silent = house.get(&authorize(&client, "openid", &[("max_age", "10"), ("prompt", "none")]), Some(&cookie)).await;
        assert_eq!(silent.sent("error").as_deref(), Some("login_required"));
        let nobody = house.get(&authorize(&client, "openid", &[("prompt", "none")]), None).await;
        assert_eq!(nobody.sent("error").as_deref(), Some("login_required"));
    }

    async fn parameters_that_are_there_twice_are_refused(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let url = authorize(&client, "openid", &[]);
        for name in ["response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt"] {
            let twice = format!("{url}&{name}=x&{name}=y");
            let reply = house.get(&twice, Some(&cookie)).await;
            assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"), "{name}");
        }
        for name in ["client_id", "redirect_uri"] {
            let value = if name == "client_id" { client.client_id.as_str() } else { CALLBACK };
            let reply = house.get(&format!("{url}&{name}={value}"), Some(&cookie)).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(!reply.headers.contains_key(header::LOCATION));
        }
    }

    async fn a_posted_request_goes_on_as_a_query(db: Db) {
        let house = House::open(db).await;
        let (client, _) = house.client("diary", "confidential").await;
        let url = authorize(&client, "openid", &[]);
        let (path, query) = url.split_once('?').unwrap();
        let post = |body: &str| {
            let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            request.body(Body::from(body.to_owned())).unwrap()
        };
        assert_eq!(house.call(post(query)).await.location(), url);
        let logout = Request::post("/oauth2/logout").body(Body::from("state=x")).unwrap();
        assert_eq!(house.call(logout).await.location(), "/oauth2/logout?state=x");
        for body in ["a b", "a\r\nSet-Cookie: x=y", "a#b", "ü"] {
            let reply = house.call(post(body)).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body:?}");
        }
    }

    async fn the_longest_request_still_finds_its_way_back(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        let url = |length: usize| authorize(&client, "openid", &[("prompt", "login"), ("state", &"s".repeat(length))]);
        let whole = auth::authorize::QUERY_BYTES_MAX - (url(1).split_once('?').unwrap().1.len() - 1);
        house.clock.advance(Duration::from_secs(1));
        let sent = house.get(&url(whole), Some(&cookie)).await;
        assert!(web::LocalPath::parse(&sent.sent("return_to").unwrap()).is_ok());
        assert_eq!(house.get(&url(whole + 1), Some(&cookie)).await.status, StatusCode::BAD_REQUEST);
    }
}

fn claims(token: &str) -> serde_json::Value {
    serde_json::from_slice(&b64::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
