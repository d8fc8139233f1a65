//! The applications that may act for a person: what is shown, and that what is taken away is gone.

use crate::app::{DEVELOPER, DIARY, PATIENT, TestApp};

#[tokio::test]
async fn what_a_person_takes_away_is_gone_at_once() {
    let app = TestApp::new().await;
    let browser = app.signed_in(PATIENT).await;
    let empty = browser.get("/account/applications").await.expect(200).text();
    assert!(empty.contains("No application may act for you."), "{empty}");
    let token = browser.token(DIARY, "openid profile").await;
    app.call(http::Method::GET, "/oauth2/userinfo", &token, None).await.expect(200);
    let shown = browser.get("/account/applications").await.expect(200).text();
    assert!(shown.contains("1 application may act for you.") && shown.contains("See your name"), "{shown}");
    let id = app.client_id_of(DIARY).await;
    let path = format!("/account/applications/{id}/revoke");
    assert!(shown.contains(&path), "{shown}");
    // Nobody else takes it away.
    let other = app.signed_in(DEVELOPER).await;
    other.post(&path, &[]).await.expect(303);
    app.call(http::Method::GET, "/oauth2/userinfo", &token, None).await.expect(200);
    let told = browser.post(&path, &[]).await.location();
    app.call(http::Method::GET, "/oauth2/userinfo", &token, None).await.expect(401);
    let after = browser.get(&told).await.expect(200).text();
    assert!(after.contains("The application has no access any more."), "{after}");
    assert!(after.contains("No application may act for you."), "{after}");
    // Once more is as good as once, and the application is asked about again.
    browser.post(&path, &[]).await.expect(303);
    let again = browser.token(DIARY, "openid profile").await;
    app.call(http::Method::GET, "/oauth2/userinfo", &again, None).await.expect(200);
}

#[tokio::test]
async fn a_code_that_was_not_redeemed_ends_too() {
    let app = TestApp::new().await;
    let browser = app.signed_in(PATIENT).await;
    let verifier = "v".repeat(43);
    let code = browser.code(DIARY, "openid profile", &verifier).await;
    let id = app.client_id_of(DIARY).await;
    browser.post(&format!("/account/applications/{id}/revoke"), &[]).await.expect(303);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", DIARY.redirect_uri),
        ("code_verifier", &verifier),
    ];
    let refused = app.ask_as(DIARY, "/oauth2/token", &fields).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_grant");
}
