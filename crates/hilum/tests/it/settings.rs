//! Settings do what their comment in `config.default.toml` says.

use std::{collections::BTreeMap, time::Duration};

use hilum::config;
use http::Method;

use crate::app::{DIARY, PATIENT, TestApp};

#[tokio::test]
async fn tokens_live_as_long_as_is_set() {
    let app = TestApp::set(&[("tokens.access_token_s", "90")]).await;
    let browser = app.signed_in(PATIENT).await;
    let answer = browser.exchange(DIARY, "openid").await;
    assert_eq!(answer["expires_in"], 90);
    let token = answer["access_token"].as_str().unwrap();
    let look = async || app.call(Method::GET, "/integrations/v1/", token, None).await.status;
    app.clock.advance(Duration::from_secs(89));
    assert_eq!(look().await, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(look().await, 401);
}

#[tokio::test]
async fn sessions_end_when_they_are_idle_and_in_any_case() {
    let app = TestApp::set(&[("people.session_idle_s", "120"), ("people.session_absolute_s", "300")]).await;
    let browser = app.signed_in(PATIENT).await;
    let look = async |after_s| {
        app.clock.advance(Duration::from_secs(after_s));
        let status = browser.get("/integrations/").await.status;
        app.house.db.flush_lazy().await.unwrap();
        status
    };
    assert_eq!(look(100).await, 200);
    assert_eq!(look(100).await, 200, "it was used in between");
    assert_eq!(look(99).await, 200);
    assert_eq!(look(1).await, 303, "it is over in any case");
    let again = app.signed_in(PATIENT).await;
    app.clock.advance(Duration::from_secs(120));
    assert_eq!(again.get("/integrations/").await.status, 303, "nobody has used it");
}

#[tokio::test]
async fn trust_that_says_nothing_of_calls_gets_the_usual_number() {
    let app = TestApp::set(&[("integrations.calls_per_minute", "3")]).await;
    let browser = app.signed_in(PATIENT).await;
    browser.link("alpha", DIARY).await;
    let token = browser.token(DIARY, "openid").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses
            .push(app.call(Method::GET, "/integrations/v1/alpha/proxy/1/echo", &token, None).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    app.clock.advance(Duration::from_secs(20));
    app.call(Method::GET, "/integrations/v1/alpha/proxy/1/echo", &token, None).await.expect(200);
}

/// Outgoing calls reach what is inside the machine only where it is named, host and port.
#[tokio::test]
async fn what_is_inside_is_reached_only_where_it_is_named() {
    let app = TestApp::set(&[("integrations.allow_internal", "[\"127.0.0.1:9\"]")]).await;
    let browser = app.signed_in(PATIENT).await;
    let end = browser.link("alpha", DIARY).await;
    assert!(end.starts_with("https://diary.example/linked?error="), "{end}");
    assert!(app.party.asked("/oauth2/token").is_empty(), "a call went out to an address inside");
}

/// Every key of the default file is read by a section; every section has its keys in the file.
#[test]
fn every_key_that_is_documented_can_be_set() {
    let samples = [
        ("server.tls_certificate", "\"/x\""),
        ("server.tls_key", "\"/y\""),
        ("server.tls_client_authorities", "\"/ca\""),
        ("redis.url", "\"redis://127.0.0.1:6379\""),
        ("vault.root_key", "\"AAAA\""),
        ("integrations.providers_folder", "\"/z\""),
    ];
    let mut environment = BTreeMap::new();
    let mut section = "";
    for line in config::DEFAULT.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if let Some((key, value)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with('#')) {
            environment.insert(
                format!("HILUM__{}__{}", section.to_uppercase(), key.to_uppercase()),
                value.trim_matches('"').to_owned(),
            );
        }
    }
    assert!(environment.len() >= 20, "{environment:?}");
    for (name, value) in samples {
        environment.insert(
            format!("HILUM__{}", name.to_uppercase().replace('.', "__")),
            value.trim_matches('"').to_owned(),
        );
    }
    let loaded = config::load(None, &environment).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(loaded.config.server.tls_key.unwrap().to_str(), Some("/y"));
}
