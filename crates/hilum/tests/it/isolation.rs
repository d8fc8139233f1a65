//! Two organisations on one deployment: nothing of one is seen, changed or used by the other, known ids or not. The
//! answers to known foreign ids, page by page, are compared in [`crate::pages`].

use http::Method;

use crate::app::{
    ADMINISTRATOR, DEVELOPER, DIARY, FOREIGN_ADMINISTRATOR, FOREIGN_DEVELOPER, FOREIGN_PATIENT, PATIENT,
    RIVAL, STRANGER, TestApp, form, parameter,
};

/// Both organisations with something going on in the first: people signed in, an account linked and used.
async fn lively() -> TestApp {
    let app = TestApp::new().await;
    let browser = app.signed_in(PATIENT).await;
    browser.link("alpha", DIARY).await;
    let token = browser.token(DIARY, "openid").await;
    app.call(Method::GET, "/integrations/v1/", &token, None).await.expect(200);
    app.signed_in(ADMINISTRATOR).await;
    app.house.db.flush_lazy().await.unwrap();
    app
}

/// What would tell of the first organisation.
async fn traces(app: &TestApp) -> Vec<String> {
    let mut traces: Vec<String> = [
        "Northwind",
        "Heart diary",
        "Untrusted notes",
        "Alpha health",
        "/alpha",
        "Nadia",
        "Omar Haddad",
        "Ines Okafor",
    ]
    .map(String::from)
    .into();
    traces.extend(["@northwind", "Main building", "NW-101"].map(String::from));
    for client in [DIARY, STRANGER] {
        traces.extend([client.client_id.to_owned(), app.client_id_of(client).await.to_string()]);
    }
    for person in [PATIENT, DEVELOPER, ADMINISTRATOR] {
        traces.push(app.person_of(person).await.id.to_string());
    }
    traces.push(app.organisation_of("northwind").await.id.to_string());
    traces
}

/// Every page that lists something, to whom, and what of their own must be on it.
#[tokio::test]
async fn no_page_shows_anything_of_the_other_organisation() {
    let app = lively().await;
    let traces = traces(&app).await;
    let own = app.client_id_of(RIVAL).await;
    let person = app.person_of(FOREIGN_PATIENT).await.id;
    let application = format!("/developer/applications/{own}");
    let (registered, account) = (format!("/admin/applications/{own}"), format!("/admin/people/{person}"));
    let mut wrong = Vec::new();
    for (who, path, shows) in [
        (FOREIGN_PATIENT, "/integrations/", "Beta health"),
        (FOREIGN_DEVELOPER, "/developer/", "Rival tracker"),
        (FOREIGN_DEVELOPER, &application, "Beta health"),
        (FOREIGN_ADMINISTRATOR, "/admin/", "Beta health"),
        (FOREIGN_ADMINISTRATOR, "/admin/applications", "Rival tracker"),
        (FOREIGN_ADMINISTRATOR, &registered, "Rival tracker"),
        (FOREIGN_ADMINISTRATOR, "/admin/trust", "Rival tracker"),
        (FOREIGN_ADMINISTRATOR, "/admin/integrations", "Beta health"),
        (FOREIGN_ADMINISTRATOR, "/admin/integrations/beta", "Beta health"),
        (FOREIGN_ADMINISTRATOR, "/admin/people", "Pavel Lindqvist"),
        (FOREIGN_ADMINISTRATOR, &account, "Pavel Lindqvist"),
        (FOREIGN_ADMINISTRATOR, "/admin/organisation", "Quay clinic"),
        (FOREIGN_ADMINISTRATOR, "/admin/audit", "person.signed_in"),
    ] {
        let page = app.signed_in(who).await.get(path).await.expect(200).text();
        assert!(page.contains(shows), "{path} does not show their own {shows}: {page}");
        let seen: Vec<&String> = traces.iter().filter(|trace| page.contains(*trace)).collect();
        if !seen.is_empty() {
            wrong.push(format!("{path} shows {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_audit_trail_is_the_organisations_own_whatever_is_asked() {
    let app = lively().await;
    let traces = traces(&app).await;
    let foreign = app.signed_in(FOREIGN_ADMINISTRATOR).await;
    let own = app.signed_in(ADMINISTRATOR).await;
    let person = app.person_of(PATIENT).await.id.to_string();
    let client = app.client_id_of(DIARY).await.to_string();
    for asked in [("person", &person), ("client", &client), ("subject", &client), ("subject", &person)] {
        let path = format!("/admin/audit?{}", form(&[(asked.0, asked.1)]));
        let page = foreign.get(&path).await.expect(200).text();
        // The filter itself is on the page again.
        let page = page.replace(asked.1.as_str(), "");
        assert!(page.contains("Nothing was recorded that fits"), "{path}: {page}");
        assert!(!traces.iter().any(|trace| page.contains(trace)), "{path}: {page}");
    }
    let theirs = own.get(&format!("/admin/audit?{}", form(&[("person", &person)]))).await.expect(200).text();
    assert!(
        theirs.contains("connection.linked"),
        "the same filter finds it for their own administrator: {theirs}"
    );
}

#[tokio::test]
async fn what_is_sent_along_moves_nothing_into_another_organisation() {
    let app = lively().await;
    let north = app.organisation_of("northwind").await.id.to_string();
    let administrator = app.signed_in(FOREIGN_ADMINISTRATOR).await;
    let fields = [
        ("display_name", "Mole"),
        ("email", "mole@southside.example"),
        ("password", "a long enough password"),
        ("roles.org_admin", "on"),
        ("organisation", "northwind"),
        ("organisation_id", &north),
        ("id", "019b8d5e-0000-7000-8000-00000000beef"),
    ];
    administrator.post("/admin/people", &fields).await.expect(303);
    let own = app.signed_in(ADMINISTRATOR).await;
    assert!(!own.get("/admin/people").await.text().contains("Mole"));
    assert!(administrator.get("/admin/people").await.text().contains("Mole"));

    let acting = auth::Acting::system(app.organisation_of("northwind").await.id);
    let site = auth::organisation::sites(&app.house.auth, &acting).await.unwrap().remove(0).id;
    let box_of_theirs = format!("sites.{site}");
    let study = [("study_name", "Mole"), ("study_slug", "mole"), (box_of_theirs.as_str(), "on")];
    let refused = administrator.post("/admin/organisation/studies", &study).await;
    assert_eq!(refused.status, 422, "{}", refused.text());

    // The id of an integration is the deployment's; another organisation cannot take it over.
    let alpha = [
        ("provider", "sandbox"),
        ("slug", "alpha"),
        ("name", "Mole"),
        ("client_id", "mole"),
        ("client_secret", "mole-secret"),
        ("settings.base_url", app.party.url.as_str()),
    ];
    administrator.post("/admin/integrations", &alpha).await.expect(409);
    assert!(own.get("/admin/integrations/alpha").await.expect(200).text().contains("Alpha health"));

    let developer = app.signed_in(FOREIGN_DEVELOPER).await;
    let registered = [
        ("suffix", "mole"),
        ("name", "Mole"),
        ("uri", "https://mole.example"),
        ("confidentiality", "confidential"),
        ("grant_types.client_credentials", "on"),
        ("verified", "on"),
        ("verified_at", "1"),
        ("organisation_id", &north),
    ];
    developer.post("/developer/applications", &registered).await.expect(200);
    assert!(!own.get("/admin/applications").await.text().contains("Mole"));
    let listed = administrator.get("/admin/applications").await.text();
    assert!(listed.contains("Mole") && listed.contains("Waits to be verified"), "{listed}");
}

#[tokio::test]
async fn nobody_ends_or_uses_what_another_person_has_linked() {
    let app = lively().await;
    let owner = app.signed_in(PATIENT).await;
    let token = owner.token(DIARY, "openid integrations:revoke").await;
    let is_linked = async || {
        app.call(Method::GET, "/integrations/v1/alpha", &token, None).await.expect(200).json()["connected"]
            == true
    };
    assert!(is_linked().await);
    for other in [FOREIGN_PATIENT, FOREIGN_ADMINISTRATOR, ADMINISTRATOR, DEVELOPER] {
        let browser = app.signed_in(other).await;
        browser.get("/integrations/alpha/unlink").await.expect(404);
        browser.post("/integrations/alpha/unlink", &[]).await;
        assert!(is_linked().await, "{other:?} has ended it");
    }
    // A colleague with the same application sees their own account, which is not linked.
    let colleague = app.token(DEVELOPER, DIARY, "openid integrations:revoke").await;
    let seen = app.call(Method::GET, "/integrations/v1/alpha", &colleague, None).await.expect(200).json();
    assert_eq!(seen["connected"], false);
    let before = app.party.asked("/1/echo").len();
    let refused = app.call(Method::GET, "/integrations/v1/alpha/proxy/1/echo", &colleague, None).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text());
    assert_eq!(app.party.asked("/1/echo").len(), before, "a call went out for somebody who has not linked");
    app.delete("/integrations/v1/alpha", &colleague).await.expect(204);
    assert!(is_linked().await);
}

#[tokio::test]
async fn codes_requests_and_states_are_for_those_whose_they_are() {
    let app = TestApp::new().await;
    let browser = app.signed_in(PATIENT).await;
    // A code is for the client that asked, and spent by whoever presents it first.
    let verifier = "v".repeat(43);
    let code = browser.code(DIARY, "openid", &verifier).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", DIARY.redirect_uri),
        ("code_verifier", &verifier),
    ];
    for client in [RIVAL, DIARY] {
        assert_eq!(
            app.ask_as(client, "/oauth2/token", &fields).await.expect(400).json()["error"],
            "invalid_grant"
        );
    }
    // A request that waits for consent is of the person who was asked.
    let query = form(&[
        ("response_type", "code"),
        ("client_id", DIARY.client_id),
        ("redirect_uri", DIARY.redirect_uri),
        ("scope", "openid email"),
        ("code_challenge", &crypto::pkce::s256_challenge(&verifier)),
        ("code_challenge_method", "S256"),
    ]);
    let consent = browser.get(&format!("/oauth2/authorize?{query}")).await.location();
    let request = parameter(&format!("http://x{consent}"), "request");
    let other = app.signed_in(FOREIGN_PATIENT).await;
    let unknown = other.get("/consent?request=019b8d5e-0000-7000-8000-00000000dead").await;
    assert_eq!(other.get(&consent).await.status, unknown.status);
    let taken =
        other.post("/consent", &[("request", &request), ("decision", "allow"), ("scope.openid", "on")]).await;
    assert!((400..500).contains(&taken.status), "{}", taken.status);
    browser.get(&consent).await.expect(200);
    // A state is of the browser that left with it, once.
    let state = browser.leave_for("alpha", DIARY).await;
    let back = form(&[("code", "c"), ("state", &state)]);
    let address = format!("/integrations/oauth2/alpha/callback?{back}");
    for browser in [&app.browser(), &app.signed_in(PATIENT).await, &app.signed_in(DEVELOPER).await] {
        browser.get(&address).await.expect(400);
    }
    other.get(&address).await.expect(404);
    assert!(app.party.asked("/oauth2/token").is_empty(), "a code was redeemed for another browser");
    assert_eq!(browser.get(&address).await.location(), "https://diary.example/linked");
    browser.get(&address).await.expect(400);
    assert_eq!(app.party.asked("/oauth2/token").len(), 1);
}

/// Ids are public (`sub`, the audit trail): whoever has one must not be able to try e-mail addresses on it.
#[tokio::test]
async fn the_id_of_a_person_tells_nothing_of_the_address() {
    let (one, other) = (TestApp::empty(&[], 1).await, TestApp::empty(&[], 2).await);
    for app in [&one, &other] {
        app.load(include_str!("northwind.toml")).await;
    }
    assert_ne!(
        one.person_of(PATIENT).await.id,
        other.person_of(PATIENT).await.id,
        "the id follows from the address"
    );
}

/// Each organisation has a key of its own: the sealed columns of one do not open with the other's.
#[tokio::test]
async fn each_organisation_has_its_own_key() {
    let app = TestApp::new().await;
    let mut reader = app.house.db.read().await.unwrap();
    let keys: (i64,) = reader
        .one("SELECT COUNT(DISTINCT tenant) FROM vault_key WHERE tenant IS NOT NULL", store::binds![])
        .await
        .unwrap();
    assert_eq!(keys.0, 2);
    // Moving one person's row into the other organisation makes it unreadable, not somebody else's.
    drop(reader);
    let (south, nadia) = (app.organisation_of("southside").await.id, app.person_of(PATIENT).await.id);
    let moved = "UPDATE person SET organisation_id = $1 WHERE id = $2";
    assert_eq!(app.house.db.execute(moved, store::binds![south, nadia]).await.unwrap(), 1);
    assert!(auth::person::find(&app.house.auth, south, nadia).await.is_err());
}
