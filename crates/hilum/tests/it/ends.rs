//! What is taken away is gone with the next request: trust, verification, an integration, an application, an account.

use std::time::Duration;

use http::Method;

use crate::app::{ADMINISTRATOR, Browser, DEVELOPER, DIARY, FOREIGN_PATIENT, PATIENT, TestApp, form};

const STEPS: &str = r#"{"from":"2026-01-04","to":"2026-01-04"}"#;

/// A person who has linked, with a token for the trusted application.
async fn linked(app: &TestApp) -> (Browser<'_>, String) {
    let browser = app.signed_in(PATIENT).await;
    browser.link("alpha", DIARY).await;
    let token = browser.token(DIARY, "openid integrations:revoke").await;
    assert_eq!(statuses(app, &token).await, [200, 200, 200, 200]);
    (browser, token)
}

/// Look, list the actions, act, pass through.
async fn statuses(app: &TestApp, token: &str) -> [u16; 4] {
    [
        app.call(Method::GET, "/integrations/v1/alpha", token, None).await.status,
        app.call(Method::GET, "/integrations/v1/alpha/actions", token, None).await.status,
        app.call(Method::POST, "/integrations/v1/alpha/actions/steps", token, Some(STEPS)).await.status,
        app.call(Method::GET, "/integrations/v1/alpha/proxy/1/echo", token, None).await.status,
    ]
}

/// How many integrations the application sees, and whether it may send people to link.
async fn sees(app: &TestApp, browser: &Browser<'_>, token: &str) -> (usize, u16) {
    let list = app.call(Method::GET, "/integrations/v1/", token, None).await.expect(200).json();
    let query = form(&[("client_id", DIARY.client_id)]);
    let connect = browser.get(&format!("/integrations/oauth2/alpha/connect?{query}")).await;
    (list.as_array().unwrap().len(), connect.status)
}

/// A change that one part of the house announces has reached the others: within the time of a few requests.
async fn heard(app: &TestApp, token: &str, status: u16) {
    const REQUESTS_MAX: usize = 1_000;
    for _ in 0..REQUESTS_MAX {
        if app.call(Method::GET, "/integrations/v1/alpha", token, None).await.status == status {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the change has no effect after {REQUESTS_MAX} requests");
}

const GONE: [u16; 4] = [404; 4];

#[tokio::test]
async fn withdrawn_trust() {
    let app = TestApp::new().await;
    let (browser, token) = linked(&app).await;
    let administrator = app.signed_in(ADMINISTRATOR).await;
    let page = format!("/admin/trust/alpha/{}", app.client_id_of(DIARY).await);
    administrator.post(&format!("{page}/withdraw"), &[("typed", "Heart diarist")]).await.expect(422);
    assert_eq!(statuses(&app, &token).await, [200; 4], "the name was not typed");
    administrator.post(&format!("{page}/withdraw"), &[("typed", "Heart diary")]).await.expect(303);
    assert_eq!(statuses(&app, &token).await, GONE);
    assert_eq!(sees(&app, &browser, &token).await, (0, 400));
    // The person's account is still the person's: linked, and to be unlinked by them.
    browser.get("/integrations/alpha/unlink").await.expect(200);
    app.clock.advance(Duration::from_secs(60));
    let terms = [("actions.steps", "on"), ("rate_per_minute", "2"), ("proxy", "GET /1/other")];
    administrator.post(&page, &terms).await.expect(303);
    assert_eq!(statuses(&app, &token).await, [200, 200, 200, 403], "trust again, for less");
    let heart = "/integrations/v1/alpha/actions/heart-rate";
    assert_eq!(
        app.call(Method::POST, heart, &token, Some(STEPS)).await.status,
        404,
        "not among the actions any more"
    );
    app.call(Method::POST, "/integrations/v1/alpha/actions/steps", &token, Some(STEPS)).await.expect(200);
    let over =
        app.call(Method::POST, "/integrations/v1/alpha/actions/steps", &token, Some(STEPS)).await.expect(429);
    assert!(!over.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_changed_registration_and_a_withdrawn_verification() {
    let app = TestApp::new().await;
    let (browser, token) = linked(&app).await;
    let developer = app.signed_in(DEVELOPER).await;
    let id = app.client_id_of(DIARY).await;
    let registered = [
        ("name", "Heart diary"),
        ("uri", "https://evil.example"),
        ("redirect_uris", DIARY.redirect_uri),
        ("grant_types.authorization_code", "on"),
        ("grant_types.client_credentials", "on"),
        ("scopes", "openid profile email integrations:revoke"),
    ];
    developer.post(&format!("/developer/applications/{id}/edit"), &registered).await.expect(303);
    heard(&app, &token, 404).await;
    assert_eq!(statuses(&app, &token).await, GONE, "nobody has looked at the new address");
    assert_eq!(sees(&app, &browser, &token).await, (0, 400), "people would be sent to the new address");

    let administrator = app.signed_in(ADMINISTRATOR).await;
    let page = format!("/admin/applications/{id}");
    let verify = format!("{page}/verify");
    administrator.post(&verify, &[("seen", "0")]).await.expect(409);
    let html = administrator.get(&page).await.expect(200).text();
    let (_, rest) = html.split_once("name=\"seen\" value=\"").expect("what was looked at is in the form");
    let seen = rest.split('"').next().unwrap();
    administrator.post(&verify, &[("seen", seen)]).await.expect(303);
    heard(&app, &token, 200).await;
    assert_eq!(statuses(&app, &token).await, [200; 4]);

    administrator.post(&format!("{page}/withdraw"), &[("typed", "Heart diary")]).await.expect(303);
    heard(&app, &token, 404).await;
    assert_eq!(statuses(&app, &token).await, GONE);
    assert_eq!(sees(&app, &browser, &token).await, (0, 400));
}

#[tokio::test]
async fn a_disabled_integration() {
    let app = TestApp::new().await;
    let (browser, token) = linked(&app).await;
    let administrator = app.signed_in(ADMINISTRATOR).await;
    administrator.post("/admin/integrations/alpha/disable", &[("typed", "Alpha health")]).await.expect(303);
    assert_eq!(statuses(&app, &token).await, GONE);
    assert_eq!(sees(&app, &browser, &token).await, (0, 404));
    administrator.post("/admin/integrations/alpha/enable", &[]).await.expect(303);
    assert_eq!(statuses(&app, &token).await, [200; 4], "what was linked stayed linked");
}

#[tokio::test]
async fn a_disabled_application() {
    let app = TestApp::new().await;
    let (browser, token) = linked(&app).await;
    let acting = auth::Acting::system(app.organisation_of("northwind").await.id);
    auth::client::disable(&app.house.auth, &acting, app.client_id_of(DIARY).await).await.unwrap();
    assert_eq!(statuses(&app, &token).await, [401; 4]);
    let grant = [("grant_type", "client_credentials")];
    app.ask_as(DIARY, "/oauth2/token", &grant).await.expect(401);
    let query = form(&[
        ("client_id", DIARY.client_id),
        ("redirect_uri", DIARY.redirect_uri),
        ("response_type", "code"),
    ]);
    let refused = browser.get(&format!("/oauth2/authorize?{query}")).await;
    assert!(
        (400..500).contains(&refused.status),
        "it goes to the application: {}",
        refused.header("location")
    );
}

#[tokio::test]
async fn a_disabled_account() {
    let app = TestApp::new().await;
    let (browser, token) = linked(&app).await;
    let code = browser.code(DIARY, "openid", &"v".repeat(43)).await;
    let person = app.person_of(PATIENT).await;
    let acting = auth::Acting::system(person.organisation);
    auth::person::disable(&app.house.auth, &acting, person.id).await.unwrap();
    assert_eq!(statuses(&app, &token).await, [401; 4]);
    assert_eq!(browser.get("/integrations/").await.status, 303);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", DIARY.redirect_uri),
        ("code_verifier", &"v".repeat(43)),
    ];
    assert_eq!(
        app.ask_as(DIARY, "/oauth2/token", &fields).await.expect(400).json()["error"],
        "invalid_grant"
    );
    let entered = app.browser().sign_in(PATIENT).await;
    assert_eq!(entered.status, 422);
    assert!(entered.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn an_unlinked_account() {
    let app = TestApp::new().await;
    let (browser, token) = linked(&app).await;
    browser.post("/integrations/alpha/unlink", &[]).await.expect(303);
    let seen = app.call(Method::GET, "/integrations/v1/alpha", &token, None).await.expect(200).json();
    assert_eq!(seen["connected"], false);
    let calls = app.party.asked("/1/echo").len();
    let [_, _, act, pass] = statuses(&app, &token).await;
    assert!((400..500).contains(&act) && (400..500).contains(&pass), "{act} {pass}");
    assert_eq!(app.party.asked("/1/echo").len(), calls, "a call went out for an account that is not linked");
    app.work().await;
    assert_eq!(app.party.asked("/oauth2/revoke").len(), 1);
    browser.link("alpha", DIARY).await;
    assert_eq!(statuses(&app, &token).await, [200; 4]);
}

/// What belongs to one organisation is linked by its own people.
#[tokio::test]
async fn a_visitor_of_another_organisation() {
    let app = TestApp::new().await;
    let browser = app.signed_in(FOREIGN_PATIENT).await;
    let mut pages = Vec::new();
    for slug in ["alpha", "gamma"] {
        let path = format!("/integrations/oauth2/{slug}/connect");
        pages.push(
            browser.send(Method::GET, &path, None, &[("x-request-id", "same")]).await.expect(404).bytes,
        );
    }
    assert_eq!(pages[0], pages[1]);
    let token = browser.token(DIARY, "openid").await;
    assert_ne!(statuses(&app, &token).await[2..], [200; 2]);
    assert!(app.party.asked("/oauth2/token").is_empty());
}
