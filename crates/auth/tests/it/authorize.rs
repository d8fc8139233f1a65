//! The authorization endpoint beyond the plain way to a code: response modes, pushed requests, hints, resources, profiles.

use std::time::Duration;

use auth::{
    authorize::{self, Decision, Onward},
    client::{self, AuthMethod, Client, register::Registration},
};
use axum::{body::Body, response::IntoResponse};
use crypto::{b64, pkce};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;

use crate::house::{
    BASE, CALLBACK, House, Reply, VERIFIER, authorize, encoded, on_each_engine, registration,
};

const URN: &str = "urn:ietf:params:oauth:request_uri:";

async fn registered(house: &House, suffix: &str, change: impl FnOnce(&mut Registration)) -> (Client, String) {
    let mut registration = registration("confidential");
    change(&mut registration);
    let (client, secret) =
        client::register(&house.auth, &house.acting(), suffix, &registration).await.unwrap();
    (client, secret.map(|secret| secret.text.expose().clone()).unwrap_or_default())
}

/// Pushes what [`authorize`] would send; gives the answer.
async fn push(house: &House, client: &Client, secret: &str, more: &[(&str, &str)]) -> Reply {
    let url = authorize(client, "openid", more);
    let query = url.split_once('?').unwrap().1.to_owned();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let form: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let basic = Some((client.client_id.as_str(), secret)).filter(|_| !secret.is_empty());
    house.post("/oauth2/par", basic, &form).await
}

async fn pushed(house: &House, client: &Client, secret: &str, more: &[(&str, &str)]) -> String {
    let reply = push(house, client, secret, more).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    let out = reply.json();
    assert_eq!(out["expires_in"], 90);
    out["request_uri"].as_str().unwrap().to_owned()
}

fn by_reference(client: &Client, request_uri: &str) -> String {
    let pairs = [("client_id", client.client_id.as_str()), ("request_uri", request_uri)];
    format!("/oauth2/authorize?{}", encoded(&pairs))
}

async fn body_of(onward: Onward) -> (http::HeaderMap, String) {
    let (parts, body) = onward.into_response().into_parts();
    (parts.headers, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

on_each_engine! {
    async fn an_answer_comes_in_the_mode_that_was_asked_for(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;

        let fragment = house.get(&authorize(&client, "openid", &[("response_mode", "fragment")]), Some(&cookie)).await;
        let address = url::Url::parse(fragment.location()).unwrap();
        assert!(address.query().is_none());
        let said: Vec<(String, String)> = url::form_urlencoded::parse(address.fragment().unwrap().as_bytes()).into_owned().collect();
        assert_eq!((said[0].0.as_str(), said[1].1.as_str(), said[2].0.as_str()), ("code", "st&te", "iss"));
        assert_eq!(house.redeem(&client, &secret, &said[0].1).await.status, StatusCode::OK);

        let hostile = [("response_mode", "form_post"), ("state", "\"><script>alert(1)</script>")];
        let form = house.get(&authorize(&client, "openid", &hostile), Some(&cookie)).await;
        assert_eq!(form.status, StatusCode::OK);
        let page = form.text();
        assert!(page.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")) && page.contains("name=\"code\""), "{page}");
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;") && page.contains("<button type=\"submit\">"));
        let policy = form.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.ends_with("form-action https://app.example") && policy.contains("script-src 'self'"), "{policy}");
        assert!(form.headers[header::CACHE_CONTROL].to_str().unwrap().contains("no-store"));
        assert_eq!(house.get("/oauth2/form_post.js", None).await.headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");

        // Errors go the same way, and so does the answer that follows from a question.
        let wrong = house.get(&authorize(&client, "made-up", &[("response_mode", "form_post")]), None).await;
        assert!(wrong.status == StatusCode::OK && wrong.text().contains("value=\"invalid_scope\""));
        let none = house.get(&authorize(&client, "openid", &[("response_mode", "fragment"), ("prompt", "none")]), None).await;
        assert!(none.location().starts_with(&format!("{CALLBACK}#error=login_required&state=st%26te&iss=")));
        let asked = house.get(&authorize(&client, "openid email", &[("response_mode", "form_post")]), Some(&cookie)).await;
        let signed_in = house.signed_in(&cookie).await.unwrap();
        let id = asked.sent("request").unwrap().parse().unwrap();
        let onward = authorize::decide(&house.auth, &signed_in, id, &Decision::Deny).await.unwrap();
        let (headers, page) = body_of(onward).await;
        assert!(page.contains("value=\"access_denied\"") && page.contains(&format!("action=\"{CALLBACK}\"")));
        assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY));

        let unknown = house.get(&authorize(&client, "openid", &[("response_mode", "web_message")]), Some(&cookie)).await;
        assert_eq!(unknown.sent("error").as_deref(), Some("invalid_request"));
        let page_here = house.get(&authorize(&client, "openid", &[("response_mode", "form_post"), ("redirect_uri", "https://evil.example/")]), None).await;
        assert_eq!(page_here.status, StatusCode::BAD_REQUEST);
        assert!(!page_here.text().contains("evil"));
    }

    async fn a_pushed_request_is_good_once_for_its_client_and_not_for_long(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (other, _) = house.client("other", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;

        let reference = pushed(&house, &client, &secret, &[]).await;
        assert!(reference.starts_with(URN) && reference.len() > URN.len() + 22);
        let stranger = house.get(&by_reference(&other, &reference), Some(&cookie)).await;
        assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "another client's reference");
        assert!(!stranger.headers.contains_key(header::LOCATION));
        // What the address says besides counts for nothing.
        let url = format!("{}&scope=openid+email&state=evil&redirect_uri=https%3A%2F%2Fevil.example&prompt=none", by_reference(&client, &reference));
        let reply = house.get(&url, Some(&cookie)).await;
        assert!(reply.location().starts_with(CALLBACK));
        assert_eq!(reply.sent("state").as_deref(), Some("st&te"));
        assert_eq!(house.redeem(&client, &secret, &reply.sent("code").unwrap()).await.json()["scope"], "openid");
        assert_eq!(house.get(&url, Some(&cookie)).await.status, StatusCode::BAD_REQUEST, "a second time");

        let late = pushed(&house, &client, &secret, &[]).await;
        house.clock.advance(Duration::from_secs(90));
        assert_eq!(house.get(&by_reference(&client, &late), Some(&cookie)).await.status, StatusCode::BAD_REQUEST);
        for made_up in [format!("{URN}x"), URN.to_owned(), format!("{late}x")] {
            assert_eq!(house.get(&by_reference(&client, &made_up), Some(&cookie)).await.status, StatusCode::BAD_REQUEST);
        }
        // An address to fetch is refused to the client, and never fetched.
        let fetched = authorize(&client, "openid", &[("request_uri", "https://evil.example/request.jwt")]);
        assert_eq!(house.get(&fetched, Some(&cookie)).await.sent("error").as_deref(), Some("request_uri_not_supported"));
    }

    async fn of_many_who_come_with_a_reference_at_once_one_gets_a_code(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        let url = by_reference(&client, &pushed(&house, &client, &secret, &[]).await);
        let replies = futures_util::future::join_all((0..10).map(|_| house.get(&url, Some(&cookie)))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == StatusCode::SEE_OTHER).count(), 1);
    }

    async fn a_pushed_request_waits_while_its_person_signs_in(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let reference = pushed(&house, &client, &secret, &[("prompt", "login"), ("login_hint", "m&m@example.org"), ("ui_locales", "uk en")]).await;
        let sent = house.get(&by_reference(&client, &reference), None).await;
        assert!(sent.location().starts_with("/sign-in?"));
        assert_eq!((sent.sent("login_hint").as_deref(), sent.sent("ui_locales").as_deref()), (Some("m&m@example.org"), Some("uk en")));
        let back = sent.sent("return_to").unwrap();
        assert!(!back.contains("example.org"), "the request itself is in no address");
        house.clock.advance(Duration::from_mins(5));
        assert_eq!(house.get(&by_reference(&client, &reference), None).await.status, StatusCode::BAD_REQUEST, "not by the bare reference");
        let forged = format!("{}&sent_to_sign_in={}", by_reference(&client, &reference), "A".repeat(80));
        assert_eq!(house.get(&forged, None).await.status, StatusCode::BAD_REQUEST);
        let cookie = house.sign_in("mira@example.org").await;
        let asked = house.get(&back, Some(&cookie)).await;
        assert!(asked.location().starts_with("/consent?request="), "one sign-in is enough: {}", asked.location());
        assert_eq!(asked.sent("ui_locales").as_deref(), Some("uk en"));
        assert_eq!(house.get(&back, Some(&cookie)).await.status, StatusCode::BAD_REQUEST, "the question has been asked");
        let again = pushed(&house, &client, &secret, &[]).await;
        let back = house.get(&by_reference(&client, &again), None).await.sent("return_to").unwrap();
        house.clock.advance(Duration::from_mins(32));
        let cookie = house.sign_in("mira@example.org").await;
        assert_eq!(house.get(&back, Some(&cookie)).await.status, StatusCode::BAD_REQUEST, "nobody signs in for half an hour");
    }

    async fn what_is_wrong_is_told_when_it_is_pushed(db: Db) {
        let house = House::open(db).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (public, _) = house.client("native", "public").await;
        for (more, error) in [
            (("redirect_uri", "https://evil.example/"), "invalid_request"),
            (("redirect_uri", ""), "invalid_request"),
            (("response_type", "token"), "unsupported_response_type"),
            (("scope", "made-up"), "invalid_scope"),
            (("code_challenge", ""), "invalid_request"),
            (("code_challenge_method", "plain"), "invalid_request"),
            (("request", "e30.e30."), "request_not_supported"),
            (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
            (("resource", "https://unknown.example/"), "invalid_target"),
            (("id_token_hint", "junk"), "invalid_request"),
            (("dpop_jkt", "junk"), "invalid_request"),
            (("x", &"x".repeat(17_000)), "invalid_request"),
        ] {
            let reply = push(&house, &client, &secret, &[more]).await;
            assert_eq!((reply.status, reply.error().as_str()), (StatusCode::BAD_REQUEST, error), "{}", more.0);
        }
        assert_eq!(push(&house, &client, "", &[]).await.status, StatusCode::UNAUTHORIZED, "unproven");
        assert_eq!(push(&house, &client, "wrong", &[]).await.status, StatusCode::UNAUTHORIZED);
        pushed(&house, &public, "", &[]).await;
        assert_eq!(house.get("/oauth2/par", None).await.status, StatusCode::METHOD_NOT_ALLOWED);
        let twice = format!("{}&scope=email", authorize(&client, "openid", &[]).split_once('?').unwrap().1);
        let request = Request::post("/oauth2/par")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Basic {}", b64::encode_standard(format!("{}:{secret}", client.client_id))));
        let reply = house.call(request.body(Body::from(twice)).unwrap()).await;
        assert_eq!(reply.error(), "invalid_request");
    }

    async fn a_client_that_has_to_push_is_not_heard_without(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = registered(&house, "diary", |client| client.metadata.require_pushed_authorization_requests = true).await;
        let cookie = house.sign_in("mira@example.org").await;
        let reply = house.get(&authorize(&client, "openid", &[]), Some(&cookie)).await;
        assert_eq!(reply.sent("error").as_deref(), Some("invalid_request"));
        let reference = pushed(&house, &client, &secret, &[]).await;
        assert!(house.get(&by_reference(&client, &reference), Some(&cookie)).await.sent("request").is_some());
    }

    async fn a_code_that_is_bound_to_a_key_is_worth_nothing_without(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        let jkt = pkce::s256_challenge("some key");
        let code = house.get(&authorize(&client, "openid", &[("dpop_jkt", &jkt)]), Some(&cookie)).await.sent("code").unwrap();
        assert_eq!(house.redeem(&client, &secret, &code).await.error(), "invalid_grant");
    }

    async fn a_token_is_for_the_api_that_was_asked_for(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        registered(&house, "records", |client| client.metadata.resources = vec!["https://records.example/api".into()]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        let code = async |resource: &str| {
            house.get(&authorize(&client, "openid", &[("resource", resource)]), Some(&cookie)).await.sent("code").unwrap()
        };
        let audience = |token: &str| {
            let claims: serde_json::Value = serde_json::from_slice(&b64::decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
            claims["aud"].as_str().unwrap().to_owned()
        };
        let theirs = house.redeem(&client, &secret, &code("https://records.example/api").await).await.json();
        assert_eq!(audience(theirs["access_token"].as_str().unwrap()), "https://records.example/api");
        let ours = house.redeem(&client, &secret, &code(&format!("{BASE}/fhir")).await).await.json();
        assert_eq!(audience(ours["access_token"].as_str().unwrap()), BASE);
        for unknown in ["https://elsewhere.example/", "relative", "https://records.example/api#x"] {
            let reply = house.get(&authorize(&client, "openid", &[("resource", unknown)]), Some(&cookie)).await;
            assert_eq!(reply.sent("error").as_deref(), Some("invalid_target"), "{unknown}");
        }
    }

    async fn a_hint_names_who_has_to_be_signed_in(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        house.person("noor@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let (other, other_secret) = house.client("other", "confidential").await;
        let (mira, noor) = (house.sign_in("mira@example.org").await, house.sign_in("noor@example.org").await);
        house.code(&client, &noor, "openid").await;
        let code = house.code(&client, &mira, "openid").await;
        let hint = house.redeem(&client, &secret, &code).await.json()["id_token"].as_str().unwrap().to_owned();
        let code = house.code(&other, &mira, "openid").await;
        let foreign = house.redeem(&other, &other_secret, &code).await.json()["id_token"].as_str().unwrap().to_owned();
        let ask = async |hint: &str, prompt: &str, cookie: &str| {
            house.get(&authorize(&client, "openid", &[("id_token_hint", hint), ("prompt", prompt)]), Some(cookie)).await
        };
        assert!(ask(&hint, "none", &mira).await.sent("code").is_some());
        assert_eq!(ask(&hint, "none", &noor).await.sent("error").as_deref(), Some("login_required"));
        house.clock.advance(Duration::from_secs(5));
        let sent = ask(&hint, "", &noor).await;
        assert!(sent.location().starts_with("/sign-in?"), "{}", sent.location());
        let back = sent.sent("return_to").unwrap();
        let noor_again = house.sign_in("noor@example.org").await;
        assert_eq!(house.get(&back, Some(&noor_again)).await.sent("error").as_deref(), Some("login_required"), "not for ever");
        let mira_again = house.sign_in("mira@example.org").await;
        assert!(house.get(&back, Some(&mira_again)).await.sent("code").is_some());
        let unsigned = format!("{}.{}.", b64::encode(r#"{"alg":"none","typ":"JWT"}"#), hint.split('.').nth(1).unwrap());
        for bad in ["junk", &foreign, &unsigned] {
            assert_eq!(ask(bad, "none", &mira).await.sent("error").as_deref(), Some("invalid_request"));
        }
    }

    async fn a_client_s_own_patience_and_a_choice_of_account_count(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = registered(&house, "diary", |client| client.metadata.default_max_age = Some(60)).await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        house.clock.advance(Duration::from_secs(61));
        let old = house.get(&authorize(&client, "openid", &[("prompt", "none")]), Some(&cookie)).await;
        assert_eq!(old.sent("error").as_deref(), Some("login_required"));
        let longer = house.get(&authorize(&client, "openid", &[("max_age", "100")]), Some(&cookie)).await;
        assert!(longer.sent("code").is_some(), "the request's word goes before the registration's");
        let select = house.get(&authorize(&client, "openid", &[("prompt", "select_account"), ("max_age", "1000")]), Some(&cookie)).await;
        assert!(select.location().starts_with("/sign-in?") && select.location().ends_with("&anew=true"));
    }

    async fn only_an_old_confidential_client_may_do_without_pkce(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (legacy, secret) = registered(&house, "old", |client| client.profile = "legacy".into()).await;
        let cookie = house.sign_in("mira@example.org").await;
        let bare = authorize(&legacy, "openid", &[("code_challenge", ""), ("code_challenge_method", "")]);
        let asked = house.get(&bare, Some(&cookie)).await;
        let answer = house.allow(&cookie, &asked.sent("request").unwrap()).await;
        let code = |answer: &str| url::Url::parse(answer).unwrap().query_pairs().next().unwrap().1.into_owned();
        let basic = Some((legacy.client_id.as_str(), secret.as_str()));
        let form = |code: &str| [("grant_type", "authorization_code".to_owned()), ("redirect_uri", CALLBACK.to_owned()), ("code", code.to_owned())];
        let form_of = |form: &[(&'static str, String)]| form.iter().map(|(name, value)| (*name, value.clone())).collect::<Vec<_>>();
        let plain = form_of(&form(&code(&answer)));
        let plain: Vec<(&str, &str)> = plain.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(house.post("/oauth2/token", basic, &plain).await.status, StatusCode::OK);
        // A code that was asked for without a challenge goes with no verifier: somebody has taken the challenge away.
        let answer = house.get(&bare, Some(&cookie)).await;
        let reply = house.redeem(&legacy, &secret, &answer.sent("code").unwrap()).await;
        assert_eq!(reply.error(), "invalid_grant", "{VERIFIER}");
        assert_eq!(legacy.auth_method, AuthMethod::ClientSecretBasic);
    }

    async fn long_and_odd_values_come_back_as_they_were_sent(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, secret) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        let (state, nonce) = ("s~!@#$%^&*()_+ ".repeat(12), "n".repeat(400));
        let more = [("state", state.as_str()), ("nonce", &nonce), ("display", "popup"), ("claims_locales", "uk"), ("extra", "foobar"), ("acr_values", "1 2")];
        let reply = house.get(&authorize(&client, "openid", &more), Some(&cookie)).await;
        assert_eq!(reply.sent("state").as_deref(), Some(state.as_str()));
        let page = house.get(&authorize(&client, "openid", &[("display", "page")]), Some(&cookie)).await;
        assert!(page.sent("code").is_some(), "{}", page.location());
        let out = house.redeem(&client, &secret, &reply.sent("code").unwrap()).await.json();
        let claims = b64::decode(out["id_token"].as_str().unwrap().split('.').nth(1).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&claims).unwrap()["nonce"], nonce.as_str());
    }
}
