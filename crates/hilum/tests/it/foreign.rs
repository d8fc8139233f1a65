//! What another organisation has is answered as what is not there, wherever its id stands: in a path, a filter, a cursor or a body. And nothing
//! of it changes.

use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{TestApp, deployment_on_each_engine},
    syncs::{OWN, RIVALS, Staff, declared, site_of},
};

const NEVER: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// What there is of an organisation, by what the calls name it.
struct Things {
    named: Vec<(&'static str, String)>,
}

impl Things {
    fn of(&self, name: &str) -> &str {
        &self.named.iter().find(|(named, _)| *named == name).unwrap_or_else(|| panic!("no {name}")).1
    }

    /// A call with these things in it.
    fn within(&self, text: &str) -> String {
        self.named.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id))
    }

    /// Ids of the same shape that nobody has.
    fn never(&self) -> Self {
        let never = |id: &String| match id.split_once('_') {
            Some((prefix, _)) => format!("{prefix}_{NEVER}"),
            None => "0b0b0b0b-0b0b-7b0b-8b0b-0b0b0b0b0b0b".to_owned(),
        };
        Self { named: self.named.iter().map(|(name, id)| (*name, never(id))).collect() }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn clinic(app: &TestApp, name: &str, site: &str) -> Value {
    json!({
        "name": name, "type": "fhir", "provider": "custom", "credentials": {"token": "party-access-1"},
        "config": {"base_url": format!("{}/fhir", app.party.url), "auth_type": "bearer", "site_id": site, "resource_types": ["Patient"]},
    })
}

/// An organisation with one of everything.
async fn lively(app: &TestApp, staff: &Staff<'_>, slug: &str) -> Things {
    let site = site_of(app, slug).await;
    let mut made = Vec::new();
    // What the first one brought the second one may not bring, too: it is set aside.
    for name in ["Clinic", "Clinic again"] {
        let id = text(&staff.post("", Some(clinic(app, name, &site))).await.expect(201).json()["id"]);
        for verb in ["test", "activate"] {
            staff.post(&format!("/{id}/{verb}"), None).await.expect(200);
        }
        let begun =
            staff.post(&format!("/{id}/sync"), Some(json!({"sync_type": "full"}))).await.expect(202).json();
        for _ in 0..4 {
            app.work().await;
        }
        made.push((id, text(&begun["job_id"])));
    }
    let (id, job) = made.pop().unwrap();
    let aside = staff.get(&format!("/{id}/quarantine")).await;
    let organisation = app.organisation_of(slug).await.id;
    let dead = "UPDATE job SET state = 'dead', last_error = 'x' WHERE owner = $1 AND name = 'exchange.sync'";
    app.house.db.execute(dead, store::binds![organisation]).await.unwrap();
    let letters = staff.get("/dead-letters").await;
    let endpoint = json!({"name": "Ours", "url": "https://hooks.example.org/in"});
    let endpoint = text(&staff.post("/webhooks", Some(endpoint)).await.expect(201).json()["id"]);
    let rule = json!({"name": "Failures", "kind": "failed_sync", "threshold": 1, "integration_id": id});
    let rule = text(&staff.post("/alerts", Some(rule)).await.expect(201).json()["id"]);
    let link =
        staff.post(&format!("/webhooks/{endpoint}/receiver-links"), Some(json!({"name": "Lab"}))).await;
    let link = text(&link.expect(201).json()["id"]);
    let event = staff.post(&format!("/webhooks/{endpoint}/test"), None).await.expect(202).json();
    let inbound = json!({"name": "Lab", "integration": id, "recipe": {"algorithm": "none"}});
    let inbound = staff.post("/inbound-webhooks", Some(inbound)).await.expect(201).json();
    let told = app.call(Method::POST, &text(&inbound["path"]), "", Some("{}")).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let mut reader = app.house.db.read().await.unwrap();
    let (message,): (String,) = reader
        .one(
            "SELECT subject FROM event WHERE organisation_id = $1 AND name = 'inbound.received'",
            store::binds![organisation],
        )
        .await
        .unwrap();
    let named = vec![
        ("int", id),
        ("job", job),
        ("qr", text(&aside["items"][0]["id"])),
        ("letter", text(&letters["items"][0]["id"])),
        ("endpoint", endpoint),
        ("event", text(&event["event_id"])),
        ("link", link),
        ("rule", rule),
        ("inbound", text(&inbound["id"])),
        ("message", message),
        ("site", site),
    ];
    Things { named }
}

/// Everything that its staff see of an organisation.
async fn seen(staff: &Staff<'_>, things: &Things) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "?status=archived",
        "",
        "/{int}",
        "/{int}/audit",
        "/{int}/quarantine",
        "/{int}/sync-jobs",
        "/sync-jobs/{job}",
        "/dead-letters",
        "/webhooks",
        "/webhooks/{endpoint}",
        "/webhooks/{endpoint}/deliveries",
        "/webhooks/{endpoint}/receiver-links",
        "/inbound-webhooks",
        "/alerts",
    ] {
        all.push(staff.get(&things.within(path)).await);
    }
    all
}

/// Each call, with another organisation's things in it and with one's own (`own.…`).
const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "/{int}", ""),
    ("PUT", "/{int}", "{}"),
    ("PATCH", "/{int}", r#"{"name":"Taken"}"#),
    ("DELETE", "/{int}", ""),
    ("DELETE", "/{int}?purge=true", ""),
    ("POST", "/{int}/restore", ""),
    ("POST", "/{int}/activate", ""),
    ("POST", "/{int}/deactivate", ""),
    ("POST", "/{int}/test", ""),
    ("GET", "/{int}/tests", ""),
    ("POST", "/{int}/sync", "{}"),
    ("GET", "/{int}/audit", ""),
    ("GET", "/{int}/sync-jobs", ""),
    ("GET", "/{own.int}/sync-jobs?cursor={job}", ""),
    ("GET", "/{int}/quarantine", ""),
    ("GET", "/{int}/quarantine/{qr}", ""),
    ("POST", "/{int}/quarantine/{qr}/replay", "{}"),
    ("DELETE", "/{int}/quarantine/{qr}", ""),
    ("GET", "/{own.int}/quarantine/{qr}", ""),
    ("POST", "/{own.int}/quarantine/{qr}/replay", "{}"),
    ("DELETE", "/{own.int}/quarantine/{qr}", ""),
    ("GET", "/{own.int}/quarantine?cursor={qr}", ""),
    ("GET", "/sync-jobs/{job}", ""),
    ("POST", "/sync-jobs/{job}/cancel", ""),
    ("POST", "/sync-jobs/{job}/retry", ""),
    ("GET", "/dead-letters?cursor={letter}", ""),
    ("POST", "/dead-letters/{letter}/replay", ""),
    ("POST", "/alerts", r#"{"name":"Taken","kind":"failed_sync","threshold":1,"integration_id":"{int}"}"#),
    ("GET", "/alerts/{rule}", ""),
    ("PUT", "/alerts/{rule}", r#"{"name":"Taken","kind":"failed_sync","threshold":1}"#),
    ("PATCH", "/alerts/{rule}", r#"{"name":"Taken"}"#),
    ("DELETE", "/alerts/{rule}", ""),
    ("POST", "/alerts/{rule}/acknowledge", "{}"),
    ("GET", "/webhooks/{endpoint}", ""),
    ("PUT", "/webhooks/{endpoint}", r#"{"name":"Taken","url":"https://hooks.example.org/taken"}"#),
    ("PATCH", "/webhooks/{endpoint}", r#"{"name":"Taken"}"#),
    ("DELETE", "/webhooks/{endpoint}", ""),
    ("POST", "/webhooks/{endpoint}/rotate-secret", ""),
    ("POST", "/webhooks/{endpoint}/test", ""),
    ("POST", "/webhooks/{endpoint}/replay", r#"{"since":"2020-01-01T00:00:00Z","state":"all"}"#),
    ("GET", "/webhooks/{endpoint}/health", ""),
    ("GET", "/webhooks/{endpoint}/deliveries", ""),
    ("GET", "/webhooks/{endpoint}/deliveries/{event}", ""),
    ("POST", "/webhooks/{endpoint}/deliveries/{event}/replay", ""),
    ("GET", "/webhooks/{own.endpoint}/deliveries/{event}", ""),
    ("POST", "/webhooks/{own.endpoint}/deliveries/{event}/replay", ""),
    ("GET", "/webhooks/{endpoint}/receiver-links", ""),
    ("POST", "/webhooks/{endpoint}/receiver-links", r#"{"name":"Taken"}"#),
    ("DELETE", "/webhooks/{endpoint}/receiver-links/{link}", ""),
    ("DELETE", "/webhooks/{own.endpoint}/receiver-links/{link}", ""),
    ("DELETE", "/inbound-webhooks/{inbound}", ""),
    ("GET", "/inbound-messages/{message}", ""),
    ("GET", "?study_id={study}", ""),
    (
        "POST",
        "",
        r#"{"name":"New","type":"edc","provider":"custom","config":{"base_url":"https://edc.example.org"},"study_ids":["{study}"]}"#,
    ),
    (
        "POST",
        "",
        r#"{"name":"New","type":"fhir","provider":"custom","config":{"base_url":"https://fhir.example.org","site_id":"{site}","resource_types":["Patient"]}}"#,
    ),
    ("PATCH", "/{own.int}", r#"{"study_ids":["{study}"]}"#),
];

/// Calls that are answered with what is the caller's own, and that is nothing of the other's.
const OF_OWN: [&str; 3] = ["?cursor=", "?study_id=", "&"];

deployment_on_each_engine! {
    async fn what_another_organisation_has_is_as_what_is_not_there(app: TestApp) {
        let coded = |code: &str| format!("codes = {{ main = \"{code}\", quay = \"{code}\" }}\nvalidation = \"off\"\nsubscriptions = [\"base\"]");
        let north = coded("HCNWMN1").replace(", quay = \"HCNWMN1\"", "");
        let staff = declared(&app, include_str!("northwind.toml"), &north, OWN).await;
        let south = include_str!("southside.toml").replace("sites = { quay = \"Quay clinic\" }", "sites = { main = \"Main building\" }");
        let other = coded("HCSSMN1").replace(", quay = \"HCSSMN1\"", "");
        let rivals = declared(&app, &south, &other, RIVALS).await;
        let mut theirs = lively(&app, &staff, "northwind").await;
        let own = lively(&app, &rivals, "southside").await;
        let organisation = app.organisation_of("northwind").await.id;
        let studies = auth::organisation::studies(&app.house.auth, &auth::Acting::system(organisation)).await.unwrap();
        theirs.named.push(("study", studies[0].id.to_string()));
        let never = theirs.never();
        let before = seen(&staff, &theirs).await;
        for (method, path, body) in CALLS.iter().copied() {
            let mut answers = Vec::new();
            for things in [&theirs, &never] {
                let filled = |text: &str| {
                    let text = text.replace("{own.int}", own.of("int")).replace("{own.endpoint}", own.of("endpoint"));
                    things.within(&text)
                };
                let body = (!body.is_empty()).then(|| serde_json::from_str(&filled(body)).unwrap());
                let reply = rivals.ask(method.parse().unwrap(), &filled(path), body).await;
                let mut told = if reply.bytes.is_empty() { Value::Null } else { reply.json() };
                if let Some(error) = told.get_mut("error").and_then(Value::as_object_mut) {
                    error.remove("request_id");
                    error.remove("timestamp");
                }
                answers.push((reply.status, told));
            }
            let (there, nowhere) = (&answers[0], &answers[1]);
            if OF_OWN.iter().any(|part| path.contains(part)) {
                assert_eq!(there.0, 200, "{method} {path}: {}", there.1);
                let text = there.1.to_string();
                for (name, id) in theirs.named.iter().filter(|(name, _)| *name != "site") {
                    assert!(!text.contains(id.as_str()), "{method} {path} tells of their {name}");
                }
            } else {
                assert_eq!(there, nowhere, "{method} {path}");
                assert!(matches!(there.0, 404 | 422), "{method} {path}: {there:?}");
            }
        }
        assert_eq!(seen(&staff, &theirs).await, before, "nothing of theirs has changed");
    }
}
