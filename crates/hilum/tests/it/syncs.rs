//! An integration from its registration to records that come by the clock: through the real doors, on both engines.

use std::time::Duration;

use auth::Acting;
use axum::body::Body;
use hilum::load::{self, Declarations};
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, deployment_on_each_engine};

const PLACE: &str = "/api/v1/integrations";
const SITES: &str = "sites = { main = \"Main building\" }";
pub const OWN: &str = "hlm_ak_staff-staff-staff-staff-staff-staff-staff-staff-1";
pub const RIVALS: &str = "hlm_ak_staff-staff-staff-staff-staff-staff-staff-staff-2";

/// Northwind with a site that takes records, and its staff with a key.
pub async fn declared<'a>(app: &'a TestApp, text: &str, coded: &str, secret: &str) -> Staff<'a> {
    let scopes =
        "integration:read integration:write integration:sync integration:records webhook:read webhook:write";
    let key = format!(
        "\n[[api_key]]\nname = \"Staff\"\nscopes = \"{scopes}\"\nkey = \"{secret}\"\nroles = [\"org_admin\"]\n"
    );
    let text = text.replace("{party}", &app.party.url).replace(SITES, &format!("{SITES}\n{coded}"));
    let declared = Declarations::parse(&format!("{text}{key}")).unwrap();
    let told = load::declare(&app.house, &declared).await.unwrap_or_else(|error| panic!("{error:#}"));
    let told = told.to_string();
    let id = told.rsplit("API key ").next().unwrap().trim();
    Staff(app, format!("{id}.{secret}"))
}

pub struct Staff<'a>(&'a TestApp, String);

impl Staff<'_> {
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("{PLACE}{path}"))
            .header("x-api-key", &self.1)
            .header("if-match", "*")
            .header("x-change-reason", "set up");
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        self.0.send(request.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Option<Value>) -> Reply {
        self.ask(Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.expect(200).json()
    }
}

pub async fn site_of(app: &TestApp, slug: &str) -> String {
    let organisation = app.organisation_of(slug).await.id;
    let sites = auth::organisation::sites(&app.house.auth, &Acting::system(organisation)).await.unwrap();
    sites[0].id.to_string()
}

deployment_on_each_engine! {
    async fn what_staff_connect_is_tested_switched_on_and_synced_by_the_clock(app: TestApp) {
        let coded = "codes = { main = \"HCNWMN1\" }\nvalidation = \"off\"\nsubscriptions = [\"base\"]";
        let staff = declared(&app, include_str!("northwind.toml"), coded, OWN).await;
        let rival = declared(&app, include_str!("southside.toml"), "", RIVALS).await;
        let clinic = |site: &str, token: &str| json!({
            "name": "Clinic", "type": "fhir", "provider": "custom", "sync_frequency": "every 1 hours",
            "credentials": {"token": token},
            "config": {"base_url": format!("{}/fhir", app.party.url), "auth_type": "bearer", "site_id": site,
                "resource_types": ["Patient"]},
        });
        let (own, other) = (site_of(&app, "northwind").await, site_of(&app, "southside").await);
        let refused = staff.post("", Some(clinic(&other, "x"))).await.expect(422).json();
        assert_eq!(refused["error"]["field"], "config.site_id", "{refused}");
        let made = staff.post("", Some(clinic(&own, "canary-wrong"))).await.expect(201).json();
        let place = format!("/{}", made["id"].as_str().unwrap());
        let at = |verb: &str| format!("{place}/{verb}");

        let told = staff.post(&at("test"), None).await.expect(200).json();
        assert_eq!((&told["status"], &told["message"]), (&json!("error"), &json!("the server does not know our credential")), "{told}");
        assert!(!told.to_string().contains("canary"), "{told}");
        staff.post(&at("activate"), None).await.expect(409);
        staff.post(&at("sync"), Some(json!({}))).await.expect(409);
        let mended = json!({"credentials": {"token": "party-access-1"}});
        staff.ask(Method::PATCH, &place, Some(mended)).await.expect(200);
        let told = staff.post(&at("test"), None).await.expect(200).json();
        assert_eq!((&told["status"], &told["details"]["permissions"]), (&json!("warning"), &json!(["Patient.search"])), "{told}");
        // Another organisation's staff find nothing there.
        for verb in ["test", "sync", "activate"] {
            rival.post(&at(verb), Some(json!({}))).await.expect(404);
        }
        let on = staff.post(&at("activate"), None).await.expect(200).json();
        assert!(on["next_sync"].is_string() && on["last_sync"].is_null(), "{on}");

        let begun = staff.post(&at("sync"), Some(json!({"sync_type": "full"}))).await.expect(202).json();
        let job = format!("/sync-jobs/{}", begun["job_id"].as_str().unwrap());
        assert_eq!(rival.ask(Method::GET, &job, None).await.status, 404);
        for _ in 0..4 {
            app.work().await;
        }
        let seen = staff.get(&job).await;
        assert_eq!((&seen["status"], &seen["report"]["stored"]), (&json!("done"), &json!(1)), "{seen}");
        let after = staff.get(&place).await;
        assert_eq!(after["last_sync"], seen["finished_at"], "{after}");

        // What went on stands in its log and its numbers, for its own staff and without the credential.
        app.house.watch.log().flush().await;
        let log = staff.get(&at("logs")).await;
        let events: Vec<&str> =
            log["logs"].as_array().unwrap().iter().map(|line| line["details"]["event"].as_str().unwrap()).collect();
        let expected = [
            "sync.completed", "sync.page_stored", "sync.begun", "integration.activated", "test.warned",
            "integration.updated", "test.failed", "integration.created",
        ];
        assert_eq!(events, expected, "{log}");
        assert!(!log.to_string().contains("canary") && !log.to_string().contains("party-access"), "{log}");
        let found = staff.get(&at("logs?q=credential&log_level=error")).await;
        assert_eq!(found["total_count"], 1, "{found}");
        let told = staff.get(&at("metrics?window=1h")).await;
        assert_eq!((&told["totals"]["records"]["stored"], &told["totals"]["tests"]), (&json!(1), &json!(2)), "{told}");
        for verb in ["logs", "metrics"] {
            assert_eq!(rival.ask(Method::GET, &at(verb), None).await.status, 404);
        }

        // What the other side tells of itself is in it too, and what somebody else says of another organisation's is not.
        let inbound = |of: &str| json!({"name": "In", "integration": of, "recipe": {"algorithm": "none"}});
        for of in [&staff, &rival] {
            let address = of.post("/inbound-webhooks", Some(inbound(&place[1..]))).await.expect(201).json();
            let told = Request::post(address["path"].as_str().unwrap()).body(Body::from("{}")).unwrap();
            app.send(told).await.expect(200);
        }
        app.house.watch.log().flush().await;
        assert_eq!(staff.get(&at("logs?q=message.taken")).await["total_count"], 1);

        // By the clock, and no more once it is switched off.
        app.clock.advance(Duration::from_hours(1));
        for _ in 0..4 {
            app.work().await;
        }
        let again = staff.get(&place).await;
        assert_ne!(again["last_sync"], after["last_sync"], "{again}");
        assert_ne!(again["next_sync"], after["next_sync"], "{again}");
        let off = staff.post(&at("deactivate"), None).await.expect(200).json();
        assert!(off["next_sync"].is_null(), "{off}");
        app.clock.advance(Duration::from_hours(2));
        for _ in 0..4 {
            app.work().await;
        }
        assert_eq!(staff.get(&place).await["last_sync"], again["last_sync"]);
        staff.post(&at("sync"), Some(json!({}))).await.expect(409);
    }
}
