//! No answer goes to an address that is not registered.  RFC 9700 §2.1, §4.1

use auth::registration::Policy;
use http::{StatusCode, header};
use serde_json::json;

use crate::{
    house::{CALLBACK, House, authorize, on_each_engine},
    self_registration::register,
};

/// Ways to say nearly `https://app.example/callback`, or to slip something past whoever reads it.
const VARIANTS: [&str; 52] = [
    "https://app.example/callback/",
    "https://app.example/callback2",
    "https://app.example/callbac",
    "https://app.example/",
    "https://app.example",
    "https://app.example/callback?",
    "https://app.example/callback?x=1",
    "https://app.example/callback#",
    "https://app.example/callback#x",
    "https://app.example/callback/../callback",
    "https://app.example/callback/..",
    "https://app.example/./callback",
    "https://app.example/x/../callback",
    "https://app.example/%2e%2e/callback",
    "https://app.example/%63allback",
    "https://app.example/callback%2f..",
    "https://app.example/callback%00",
    "https://app.example/callback%20",
    "https://app.example/callback%0d%0aSet-Cookie:x=y",
    "https://app.example/callback ",
    " https://app.example/callback",
    "https://app.example/callback\t",
    "https://app.example/callback\n",
    "https://app.example/callback\0",
    "https://app.example//callback",
    "https://app.example/\\callback",
    "https:\\\\app.example\\callback",
    "https:/app.example/callback",
    "https:app.example/callback",
    "//app.example/callback",
    "/callback",
    "callback",
    "http://app.example/callback",
    "HTTPS://app.example/callback",
    "https://APP.example/callback",
    "https://app.example/Callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://app.example./callback",
    "https://user@app.example/callback",
    "https://app.example@evil.example/callback",
    "https://app.example:x@evil.example/callback",
    "https://evil.example/https://app.example/callback",
    "https://app.example.evil.example/callback",
    "https://evilapp.example/callback",
    "https://xn--pp-wia.example/callback",
    "https://äpp.example/callback",
    "https://app.example%2fcallback",
    "https://evil.example\\@app.example/callback",
    "javascript://app.example/callback%0aalert(1)",
    "data:text/html,https://app.example/callback",
    "http://127.0.0.1:49152/callback",
];

on_each_engine! {
    async fn a_redirect_uri_that_is_not_registered_gets_a_page_and_no_redirect(db: Db) {
        let house = House::open(db).await;
        house.person("mira@example.org", &[]).await;
        let (client, _) = house.client("diary", "confidential").await;
        let cookie = house.sign_in("mira@example.org").await;
        house.code(&client, &cookie, "openid").await;
        for (cookie, more) in [(None, ("prompt", "none")), (Some(cookie.as_str()), ("prompt", "none")), (Some(&cookie), ("scope", "made-up"))] {
            for variant in VARIANTS {
                let reply = house.get(&authorize(&client, "openid", &[("redirect_uri", variant), more]), cookie).await;
                assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{variant:?}");
                assert!(!reply.headers.contains_key(header::LOCATION), "{variant:?}");
                assert!(reply.text().starts_with("page: 400"), "{variant:?}");
                assert!(!reply.text().contains("evil"), "the page does not repeat what it was sent");
            }
        }
        let missing = house.get(&authorize(&client, "openid", &[("redirect_uri", "")]), Some(&cookie)).await;
        assert_eq!(missing.status, StatusCode::BAD_REQUEST);
        let good = house.get(&authorize(&client, "openid", &[("prompt", "none")]), Some(&cookie)).await;
        assert!(good.location().starts_with(CALLBACK), "and the registered one works");
    }

    async fn what_a_stranger_registered_sends_no_browser_anywhere(db: Db) {
        let open = Policy::Open(auth::organisation::Slug::parse("northwind").unwrap());
        let house = House::open_with(db, |config| config.registration = open).await;
        house.person("mira@example.org", &[]).await;
        let cookie = house.sign_in("mira@example.org").await;
        let body = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", "scope": "openid" });
        let out = register(&house, None, &body).await.json();
        let id = out["client_id"].as_str().unwrap();
        let stranger = auth::client::live_by_client_id(&house.auth, id).await.unwrap().unwrap();
        let beyond = r#"{"id_token":{"acr":{"essential":true,"value":"gold"}}}"#;
        for more in [("scope", "made-up"), ("response_type", "token"), ("code_challenge", ""), ("request", "x"), ("claims", beyond)] {
            for prompt in [("prompt", "none"), ("prompt", "")] {
                let url = authorize(&stranger, "openid", &[more, prompt]);
                let reply = house.get(&url, None).await;
                assert_eq!((reply.status, reply.headers.contains_key(header::LOCATION)), (StatusCode::BAD_REQUEST, false), "{more:?}");
                // The person has signed in here first: they know whom they dealt with.
                assert!(house.get(&url, Some(&cookie)).await.location().starts_with(CALLBACK), "{more:?}");
            }
        }
        let silent = house.get(&authorize(&stranger, "openid", &[("prompt", "none")]), None).await;
        assert_eq!(silent.sent("error").as_deref(), Some("login_required"), "but for asking silently");
        let (client, _) = house.client("diary", "confidential").await;
        let told = house.get(&authorize(&client, "openid", &[("scope", "made-up")]), None).await;
        assert_eq!(told.sent("error").as_deref(), Some("invalid_scope"), "somebody answers for this one");
    }

    async fn an_unknown_client_gets_a_page_and_no_redirect(db: Db) {
        let house = House::open(db).await;
        let (client, _) = house.client("diary", "confidential").await;
        for id in ["", "opaque.diary", "x", "a.b&redirect_uri=https://evil.example", &client.client_id.as_str().to_uppercase()] {
            let reply = house.get(&authorize(&client, "openid", &[("client_id", id)]), None).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{id}");
            assert!(!reply.headers.contains_key(header::LOCATION), "{id}");
        }
        auth::client::disable(&house.auth, &house.acting(), client.id).await.unwrap();
        let off = house.get(&authorize(&client, "openid", &[]), None).await;
        assert_eq!(off.status, StatusCode::BAD_REQUEST);
    }
}
