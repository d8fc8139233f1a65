//! The page of whoever receives an endpoint's calls: by a link alone, for that endpoint alone, and on record.

use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{Browser, TestApp, deployment_on_each_engine, form},
    syncs::{OWN, Staff, declared},
};

const CODED: &str = "codes = { main = \"HCNWMN1\" }\nvalidation = \"off\"\nsubscriptions = [\"base\"]";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

async fn endpoint(staff: &Staff<'_>, name: &str) -> String {
    let document = json!({"name": name, "url": "https://hooks.example.org/in", "event_types": ["sync.*"]});
    text(&staff.post("/webhooks", Some(document)).await.expect(201).json()["id"])
}

/// A link to an endpoint: its id, and its path.
async fn link(staff: &Staff<'_>, endpoint: &str) -> (String, String) {
    let path = format!("/webhooks/{endpoint}/receiver-links");
    let made = staff.post(&path, Some(json!({"name": "Partner lab"}))).await.expect(201).json();
    (text(&made["id"]), text(&made["path"]))
}

/// A browser in which a link is open, and the endpoint's page.
async fn opened<'a>(app: &'a TestApp, path: &str) -> (Browser<'a>, String) {
    let browser = app.browser();
    let page = browser.get(path).await.expect(303).location();
    assert!(page.starts_with("/receivers/") && !page.contains("hlm_"), "{page}");
    (browser, page)
}

async fn audited(app: &TestApp, link: &str) -> Vec<String> {
    let link: kernel::Id<kernel::ReceiverLink> = link.parse().unwrap();
    let mut reader = app.house.db.read().await.unwrap();
    let sql = "SELECT act FROM audit_event WHERE link_id = $1 AND actor = 'receiver'";
    let rows = reader.all::<(String,)>(sql, store::binds![link]).await.unwrap();
    let mut acts: Vec<String> = rows.into_iter().map(|(act,)| act).collect();
    acts.sort();
    acts
}

deployment_on_each_engine! {
    async fn a_receiver_sees_to_its_endpoint_without_an_account(app: TestApp) {
        let text_of = include_str!("northwind.toml");
        let staff = declared(&app, text_of, CODED, OWN).await;
        let id = endpoint(&staff, "Ward <b>board</b>").await;
        let (link_id, path) = link(&staff, &id).await;
        let (browser, page) = opened(&app, &path).await;
        assert_eq!(page, format!("/receivers/{id}"));
        let shown = browser.get(&page).await.expect(200);
        assert_eq!(shown.header("cache-control"), "no-store");
        assert_eq!(shown.header("referrer-policy"), "same-origin");
        let html = shown.text();
        assert!(html.contains("Ward &#60;b&#62;board") && !html.contains("<b>board"), "{html}");
        for said in ["https://hooks.example.org/in", "sync.completed", "A sync has come to its end", "whpk_"] {
            assert!(html.contains(said), "{said}: {html}");
        }
        for hidden in ["whsec_", "hlm_rl_", "hlm_rs_", "connection.linked", "/admin/"] {
            assert!(!html.contains(hidden), "{hidden}: {html}");
        }
        // A test, what became of it, and once more.
        let told = browser.post(&format!("{page}/test"), &[]).await.expect(303).location();
        app.house.webhooks.follow().await.unwrap();
        let html = browser.get(&told).await.expect(200).text();
        assert!(html.contains("The test event is on its way.") && html.contains("webhook.test"), "{html}");
        let event = html.split(&format!("{page}/deliveries/")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let delivery = browser.get(&format!("{page}/deliveries/{event}")).await.expect(200).text();
        assert!(delivery.contains("No call was made yet.") && delivery.contains("&#34;webhook.test&#34;"), "{delivery}");
        browser.post(&format!("{page}/deliveries/{event}/replay"), &[]).await.expect(303);
        browser.get(&format!("{page}/deliveries/0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b")).await.expect(404);
        let since = [("since", "2020-01-01T00:00"), ("which", "failed")];
        browser.post(&format!("{page}/replay"), &since).await.expect(303);
        let refused = browser.post(&format!("{page}/replay"), &[("since", "yesterday")]).await.expect(422).text();
        assert!(refused.contains("Must be a day and a time."), "{refused}");
        let far = [("since", "2999-01-01T00:00")];
        browser.post(&format!("{page}/replay"), &far).await.expect(422);
        // Paused, and going on.
        browser.post(&format!("{page}/pause"), &[]).await.expect(303);
        assert_eq!(staff.get(&format!("/webhooks/{id}")).await["state"], "paused");
        browser.post(&format!("{page}/resume"), &[]).await.expect(303);
        assert_eq!(staff.get(&format!("/webhooks/{id}")).await["state"], "enabled");
        // What staff have paused, staff enable: the page says so, and offers nothing else.
        let change = |state: &str| (Method::PATCH, format!("/webhooks/{id}"), Some(json!({ "state": state })));
        let (method, path, body) = change("paused");
        staff.ask(method, &path, body).await.expect(200);
        let held = browser.get(&page).await.expect(200).text();
        assert!(held.contains("Only they can let it go on.") && !held.contains("/resume"), "{held}");
        let told = browser.post(&format!("{page}/resume"), &[]).await.expect(303).location();
        assert!(browser.get(&told).await.expect(200).text().contains("It was not changed"));
        let still = staff.get(&format!("/webhooks/{id}")).await;
        assert_eq!((&still["state"], &still["paused_by"]), (&json!("paused"), &json!("staff")));
        let (method, path, body) = change("enabled");
        staff.ask(method, &path, body).await.expect(200);
        // New keys: the secret is shown in this answer alone.
        assert!(browser.get(&format!("{page}/secret")).await.expect(200).text().contains("Draw new keys for"));
        let secret = browser.post(&format!("{page}/secret"), &[]).await.expect(200).text();
        assert!(secret.contains("whsec_"), "{secret}");
        assert!(!browser.get(&page).await.expect(200).text().contains("whsec_"));
        let acts = [
            "receiver_link.opened", "webhook_endpoint.changed", "webhook_endpoint.changed", "webhook_endpoint.replayed",
            "webhook_endpoint.replayed", "webhook_endpoint.secret_rotated", "webhook_endpoint.tested",
        ];
        assert_eq!(audited(&app, &link_id).await, acts);
        // Whoever leaves is out, and that is on record too.
        browser.post(&format!("{page}/leave"), &[]).await.expect(200);
        browser.get(&page).await.expect(404);
        assert!(audited(&app, &link_id).await.contains(&"receiver_link.closed".to_owned()));
    }

    async fn a_link_opens_nothing_else_and_nothing_when_it_has_ended(app: TestApp) {
        let staff = declared(&app, include_str!("northwind.toml"), CODED, OWN).await;
        let (own, other) = (endpoint(&staff, "Ours").await, endpoint(&staff, "Theirs").await);
        let (link_id, path) = link(&staff, &own).await;
        let (browser, page) = opened(&app, &path).await;
        let unknown = "/receivers/0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b".to_owned();
        let theirs = format!("/receivers/{other}");
        for below in ["", "/test", "/pause", "/resume", "/replay", "/secret"] {
            let method = if below.is_empty() { Method::GET } else { Method::POST };
            let fields = form(&[("since", "2020-01-01T00:00")]);
            let ask = async |page: &str| {
                let headers = [("sec-fetch-site", "same-origin"), ("x-request-id", "same")];
                browser.send(method.clone(), &format!("{page}{below}"), Some(fields.clone()), &headers).await.expect(404)
            };
            assert_eq!(ask(&theirs).await.bytes, ask(&unknown).await.bytes, "{below}");
        }
        assert_eq!(staff.get(&format!("/webhooks/{other}")).await["version"], 1);
        // Another site's form is refused, and a session is nobody's sign-in.
        let forged = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        for verb in ["test", "pause", "secret", "replay", "leave"] {
            browser.send(Method::POST, &format!("{page}/{verb}"), Some(String::new()), &forged).await.expect(403);
        }
        browser.get("/admin/").await.expect(303);
        browser.get("/integrations/").await.expect(303);
        browser.get(&page).await.expect(200);
        // The answer is the same, whatever there is not.
        let stranger = app.browser();
        let headers = [("x-request-id", "same")];
        let ask = async |path: &str| stranger.send(Method::GET, path, None, &headers).await.expect(404).bytes;
        let none = ask("/receivers/open/hlm_rl_nothing").await;
        staff.ask(Method::DELETE, &format!("/webhooks/{own}/receiver-links/{link_id}"), None).await.expect(204);
        assert_eq!(ask(&path).await, none);
        browser.get(&page).await.expect(404);
        browser.post(&format!("{page}/test"), &[]).await.expect(404);
        // A link that has run out.
        let (_, path) = link(&staff, &own).await;
        let (browser, page) = opened(&app, &path).await;
        app.clock.advance(webhooks::receiver::LINK_LIFE);
        browser.get(&page).await.expect(404);
        browser.get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn the_page_speaks_ukrainian_too() {
    let app = TestApp::empty(&[], 0).await;
    let staff = declared(&app, include_str!("northwind.toml"), CODED, OWN).await;
    let id = endpoint(&staff, "Board").await;
    let (_, path) = link(&staff, &id).await;
    let (browser, page) = opened(&app, &path).await;
    let headers = [("accept-language", "uk"), ("accept", "text/html")];
    let shown = browser.send(Method::GET, &page, None, &headers).await.expect(200);
    assert_eq!(shown.header("content-language"), "uk");
    let html = shown.text();
    for said in ["Надіслати пробну подію", "Синхронізація завершилася, зі звітом.", "Відкритий ключ"]
    {
        assert!(html.contains(said), "{said}: {html}");
    }
    let none = app.browser().send(Method::GET, &page, None, &headers).await.expect(404).text();
    assert!(none.contains("Це посилання нічого не відкриває"), "{none}");
}
