//! Integrations on pages: what staff do there is what the API does, by the same roles, and on record under their name.

use kernel::Id;
use serde_json::{Value, json};

use crate::{
    app::{ADMINISTRATOR, Browser, FOREIGN_ADMINISTRATOR, PATIENT, TestApp},
    syncs::{OWN, Staff, declared, site_of},
};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

/// An integration with the FHIR server of the other side, not tested yet.
async fn clinic(app: &TestApp, staff: &Staff<'_>) -> String {
    let site = site_of(app, "northwind").await;
    let document = json!({
        "name": "Clinic <b>north</b>", "type": "fhir", "provider": "custom", "credentials": {"token": "party-access-1"},
        "config": {"base_url": format!("{}/fhir", app.party.url), "auth_type": "bearer", "site_id": site, "resource_types": ["Patient"]},
    });
    text(&staff.post("", Some(document)).await.expect(201).json()["id"])
}

async fn staff(app: &TestApp) -> Staff<'_> {
    let coded = "codes = { main = \"HCNWMN1\" }\nvalidation = \"off\"\nsubscriptions = [\"base\"]";
    declared(app, include_str!("northwind.toml"), coded, OWN).await
}

async fn worked(app: &TestApp) {
    for _ in 0..4 {
        app.work().await;
    }
}

/// The page, whose parts are all there.
async fn shows(browser: &Browser<'_>, path: &str, parts: &[&str]) -> String {
    let html = browser.get(path).await.expect(200).text();
    for part in parts {
        assert!(html.contains(part), "{path} does not say {part:?}: {html}");
    }
    html
}

#[tokio::test]
async fn staff_test_sync_and_mend_on_pages() {
    let app = TestApp::empty(&[], 0).await;
    let api = staff(&app).await;
    let id = clinic(&app, &api).await;
    let page = format!("/staff/integrations/{id}");
    let ines = app.signed_in(ADMINISTRATOR).await;
    let list =
        shows(&ines, "/staff/integrations", &["2 integrations are registered.", &page, "Not active yet"])
            .await;
    assert!(list.contains("Clinic &#60;b&#62;north") && !list.contains("<b>north"), "{list}");
    let html =
        shows(&ines, &page, &["It is new.", "Test the connection", "Quarantine", "Log", "Figures"]).await;
    assert!(!html.contains("party-access-1"), "{html}");
    // The test's steps stand in its answer, and that it was made is known from then on.
    let tested = ines.post(&format!("{page}/test"), &[]).await.expect(200).text();
    assert!(
        tested.contains("The last test") && tested.contains("The site that records come into"),
        "{tested}"
    );
    assert!(tested.contains("Passed") && tested.contains("Works"), "{tested}");
    // It stands there for whoever comes later, too.
    shows(&ines, &page, &["The last test", "The site that records come into", "Passed"]).await;
    // It is not switched on: a sync is refused in words.
    let refused = ines.post(&format!("{page}/syncs"), &[("sync_type", "full")]).await;
    assert_eq!(refused.location(), format!("{page}/syncs?refused=state"));
    shows(&ines, &refused.location(), &["Its state does not allow that now"]).await;
    api.post(&format!("/{id}/activate"), None).await.expect(200);
    let begun = ines.post(&format!("{page}/syncs"), &[("sync_type", "full")]).await;
    assert_eq!(begun.location(), format!("{page}/syncs?done=begun"));
    shows(&ines, &begun.location(), &["The sync is queued.", "Queued", "Cancel"]).await;
    worked(&app).await;
    let syncs = api.get(&format!("/{id}/sync-jobs")).await;
    let job = text(&syncs["items"][0]["job_id"]);
    assert_eq!((syncs["items"].as_array().unwrap().len(), &syncs["items"][0]["status"]), (1, &json!("done")));
    shows(&ines, &format!("{page}/syncs"), &["Done", "Came in"]).await;
    // What is done cannot be ended.
    let done = ines.post(&format!("{page}/syncs/{job}/cancel"), &[]).await.expect(303);
    assert!(done.header("location").starts_with(&format!("{page}/syncs?")), "{}", done.header("location"));
    shows(&ines, &format!("{page}/logs?q=sync"), &["lang=\"en\"", "sync"]).await;
    let wrong = ines.get(&format!("{page}/logs?level=loud")).await.expect(422).text();
    assert!(wrong.contains("There is a problem"), "{wrong}");
    shows(&ines, &format!("{page}/metrics?window=7d"), &["<svg class=\"chart\"", "Calls to the other side"])
        .await;
    shows(&ines, &format!("{page}/quarantine"), &["Nothing is set aside."]).await;
    // On record is the person, and no application between.
    let person = app.person_of(ADMINISTRATOR).await.id;
    let mut reader = app.house.db.read().await.unwrap();
    let sql =
        "SELECT act FROM audit_event WHERE person_id = $1 AND client_id IS NULL AND act LIKE 'integration.%'";
    let acts = reader.all::<(String,)>(sql, store::binds![person]).await.unwrap();
    assert!(acts.iter().any(|(act,)| act == "integration.tested"), "{acts:?}");
}

#[tokio::test]
async fn records_that_were_set_aside_are_seen_and_let_in_again() {
    let app = TestApp::empty(&[], 0).await;
    let api = staff(&app).await;
    let mut ids = Vec::new();
    // What the first one brought the second one may not bring, too: it is set aside.
    for name in ["First", "Second"] {
        let id = clinic_named(&app, &api, name).await;
        for verb in ["test", "activate"] {
            api.post(&format!("/{id}/{verb}"), None).await.expect(200);
        }
        api.post(&format!("/{id}/sync"), Some(json!({"sync_type": "full"}))).await.expect(202);
        worked(&app).await;
        ids.push(id);
    }
    let page = format!("/staff/integrations/{}/quarantine", ids[1]);
    let ines = app.signed_in(ADMINISTRATOR).await;
    let html = shows(&ines, &page, &["Patient/", "/quarantine/qr_"]).await;
    let record = html.split(&format!("{page}/")).nth(1).unwrap().split('"').next().unwrap().to_owned();
    shows(&ines, &format!("{page}/{record}"), &["This is health data.", "Patient"]).await;
    let again = ines.post(&format!("{page}/{record}/replay"), &[]).await;
    assert_eq!(again.location(), format!("{page}/{record}?done=quarantined"));
    shows(&ines, &again.location(), &["It was not taken"]).await;
    let gone = ines.post(&format!("{page}/{record}/discard"), &[]).await;
    assert_eq!(gone.location(), format!("{page}?done=discarded"));
    ines.get(&format!("{page}/{record}")).await.expect(404);
}

async fn clinic_named(app: &TestApp, api: &Staff<'_>, name: &str) -> String {
    let id = clinic(app, api).await;
    api.ask(http::Method::PATCH, &format!("/{id}"), Some(json!({ "name": name }))).await.expect(200);
    id
}

#[tokio::test]
async fn pages_are_there_for_those_whose_role_it_is() {
    let app = TestApp::empty(&[], 0).await;
    let api = staff(&app).await;
    app.load(include_str!("southside.toml")).await;
    let id = clinic(&app, &api).await;
    let page = format!("/staff/integrations/{id}");
    let unknown = "/staff/integrations/int_0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
    // Another organisation's administrator: as what is not there.
    let rosa = app.signed_in(FOREIGN_ADMINISTRATOR).await;
    for below in ["", "/syncs", "/quarantine", "/logs", "/metrics"] {
        let (theirs, nothing) =
            (rosa.get(&format!("{page}{below}")).await, rosa.get(&format!("{unknown}{below}")).await);
        assert_eq!((theirs.status, nothing.status), (404, 404), "{below}");
    }
    for verb in ["test", "syncs"] {
        rosa.post(&format!("{page}/{verb}"), &[]).await.expect(404);
    }
    // Somebody without a role: none of it.
    let nadia = app.signed_in(PATIENT).await;
    for path in ["/staff/integrations", page.as_str(), "/staff/alerts", "/staff/webhooks"] {
        nadia.get(path).await.expect(403);
    }
    assert!(!nadia.get("/integrations/").await.expect(200).text().contains("/staff/"));
    // A viewer sees integrations, and neither their logs nor what was set aside.
    let ines = app.signed_in(ADMINISTRATOR).await;
    let person: Id<kernel::Person> = app.person_of(PATIENT).await.id;
    ines.post(&format!("/admin/people/{person}"), &[("roles.viewer", "on")]).await.expect(303);
    let html = shows(&nadia, &page, &["Clinic"]).await;
    for hidden in ["/logs", "/quarantine", "/metrics", "/test\"", "/staff/webhooks", "/staff/alerts"] {
        assert!(!html.contains(hidden), "{hidden}: {html}");
    }
    for path in ["/logs", "/quarantine", "/metrics"] {
        nadia.get(&format!("{page}{path}")).await.expect(403);
    }
    nadia.post(&format!("{page}/test"), &[]).await.expect(403);
    nadia.get("/staff/webhooks").await.expect(403);
    // Forms of other sites are refused.
    let forged = [("sec-fetch-site", "cross-site")];
    ines.send(http::Method::POST, &format!("{page}/test"), Some(String::new()), &forged).await.expect(403);
}

#[tokio::test]
async fn staff_see_to_endpoints_and_make_links() {
    let app = TestApp::empty(&[], 0).await;
    let api = staff(&app).await;
    let document = json!({"name": "Ward board", "url": "https://hooks.example.org/in"});
    let id = text(&api.post("/webhooks", Some(document)).await.expect(201).json()["id"]);
    let page = format!("/staff/webhooks/{id}");
    let ines = app.signed_in(ADMINISTRATOR).await;
    shows(&ines, "/staff/webhooks", &["1 endpoint is told what happens.", &page, "everything"]).await;
    shows(&ines, &page, &["Ward board", "Send a test event", "No link was made yet.", "/links/new"]).await;
    ines.post(&format!("{page}/test"), &[]).await.expect(303);
    ines.post(&format!("{page}/pause"), &[]).await.expect(303);
    shows(&ines, &page, &["Paused", "Go on"]).await;
    ines.post(&format!("{page}/resume"), &[]).await.expect(303);
    ines.get(&format!("{page}/links/new")).await.expect(200);
    let refused =
        ines.post(&format!("{page}/links"), &[("name", ""), ("days", "7")]).await.expect(422).text();
    assert!(refused.contains("Must be 1 to 100 characters."), "{refused}");
    let made = ines
        .post(&format!("{page}/links"), &[("name", "Partner lab"), ("days", "30")])
        .await
        .expect(200)
        .text();
    let path = made.split("/receivers/open/").nth(1).unwrap().split(['<', '"']).next().unwrap().to_owned();
    let path = format!("/receivers/open/{path}");
    let html = shows(&ines, &page, &["Partner lab", "Opens", "Revoke"]).await;
    assert!(!html.contains("hlm_rl_"), "{html}");
    let lab = app.browser();
    let theirs = lab.get(&path).await.expect(303).location();
    assert_eq!(theirs, format!("/receivers/{id}"));
    lab.get(&theirs).await.expect(200);
    let revoke = html.split(&format!("{page}/links/")).find(|rest| rest.contains("/revoke\"")).unwrap();
    let link = revoke.split('/').next().unwrap().to_owned();
    assert!(link.parse::<Id<kernel::ReceiverLink>>().is_ok(), "{link}");
    ines.post(&format!("{page}/links/{link}/revoke"), &[]).await.expect(303);
    lab.get(&theirs).await.expect(404);
    shows(&ines, &page, &["Revoked"]).await;
    shows(&ines, "/staff/alerts", &["No rule watches anything yet."]).await;
}

#[tokio::test]
async fn staff_say_that_they_see_to_an_alert() {
    let app = TestApp::empty(&[], 0).await;
    let api = staff(&app).await;
    let id = clinic(&app, &api).await;
    for verb in ["test", "activate"] {
        api.post(&format!("/{id}/{verb}"), None).await.expect(200);
    }
    let rule = json!({"name": "Silence", "kind": "no_data", "window_s": 300, "integration_id": id});
    let rule = text(&api.post("/alerts", Some(rule)).await.expect(201).json()["id"]);
    let ines = app.signed_in(ADMINISTRATOR).await;
    let see = format!("/staff/alerts/{rule}/acknowledge");
    let over = ines.post(&see, &[("integration_id", &id)]).await.expect(303).location();
    assert_eq!(over, "/staff/alerts?refused=state", "it does not fire");
    app.clock.advance(std::time::Duration::from_secs(400));
    worked(&app).await;
    shows(&ines, "/staff/alerts", &["Fires", "I see to it", &see]).await;
    let long = "x".repeat(501);
    let refused = ines.post(&see, &[("integration_id", &id), ("note", &long)]).await.expect(303).location();
    shows(&ines, &refused, &["A note has at most 500 characters."]).await;
    let said =
        ines.post(&see, &[("integration_id", &id), ("note", "It <b>moves</b>")]).await.expect(303).location();
    let html = shows(
        &ines,
        &said,
        &["It is not told again until it is over.", "Acknowledged", "It &#60;b&#62;moves"],
    )
    .await;
    assert!(!html.contains("I see to it"), "{html}");
    let person = app.person_of(ADMINISTRATOR).await.id;
    let mut reader = app.house.db.read().await.unwrap();
    let sql = "SELECT COUNT(*) FROM audit_event WHERE person_id = $1 AND act = 'alert.acknowledged'";
    let (acts,): (i64,) = reader.one(sql, store::binds![person]).await.unwrap();
    assert_eq!(acts, 1);
    drop(reader);
    // Whoever has no role for it is not let do it.
    let nadia = app.signed_in(PATIENT).await;
    nadia.post(&see, &[("integration_id", &id)]).await.expect(403);
}
