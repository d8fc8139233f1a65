//! Subscriptions: who is told of what, when, how often, and who is not.

/// One test for each engine, on a stage that may call a receiver.
macro_rules! on_hook {
    (async fn $name:ident($hook:ident) $body:block) => {
        on_hook!(
            async fn $name(new, $hook) $body
        );
    };
    (async fn $name:ident($made:ident, $hook:ident) $body:block) => {
        testkit::on_each_engine!(
            async fn $name(db: store::Db) {
                let $hook = $crate::topics::Hook::$made(db).await;
                $body
            },
            migrations = [audit::MIGRATIONS, vault::MIGRATIONS, jobs::MIGRATIONS, fhir::MIGRATIONS]
        );
    };
}

mod access;
mod conform;
mod consent;
mod delivery;
mod offers;
mod pains;
mod parameters;
pub mod receiver;
mod streams;

use http::Method;
use serde_json::{Value, json};
use store::{Db, binds};

use crate::stage::{BASE, Calls, Heard, Stage, token};
use receiver::{Call, Receiver};

const EXTENSION: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-";

struct Hook {
    stage: Stage,
    receiver: Receiver,
}

impl Hook {
    async fn new(db: Db) -> Self {
        let receiver = Receiver::open().await;
        Self::on(Stage::calling(db, receiver.hosts()).await, receiver).await
    }

    /// One whose packages say what can be searched by; no site has any of them.
    async fn of_guides(db: Db) -> Self {
        let receiver = Receiver::open().await;
        Self::on(Stage::of_guides_calling(db, receiver.hosts()).await, receiver).await
    }

    async fn on(stage: Stage, receiver: Receiver) -> Self {
        for organisation in [1, 2] {
            let admin = stage.by(token(organisation, "sites:admin", "", "")).at("");
            let json = [("content-type", "application/json")];
            let plan = r#"{"subscriptions":["base","clinical","foundation"]}"#;
            admin.call(Method::PUT, "/admin/fhir/plan", &json, plan).await.expect(200);
        }
        Self { stage, receiver }
    }

    fn north(&self) -> Calls<'_> {
        self.stage.north()
    }

    /// Everything that is behind is held against the subscriptions.
    async fn follow(&self) {
        loop {
            self.stage.fhir.follow().await.unwrap();
            let sql = "SELECT COUNT(*) FROM fhir_feed f JOIN fhir_clock c ON c.tenant = f.tenant WHERE c.rid > f.rid";
            let (behind,): (i64,) = self.stage.db.read().await.unwrap().one(sql, binds![]).await.unwrap();
            if behind == 0 {
                return;
            }
        }
    }

    /// What is heard of what happened until now.
    async fn told(&self) -> Vec<Call> {
        self.follow().await;
        self.stage.worker().run_due().await.unwrap();
        // A change of a subscription's own state is in the feed too.
        self.follow().await;
        let heard = self.receiver.heard();
        heard
            .iter()
            .filter(|call| call.body.contains("notification-r4"))
            .for_each(|call| conform::notification(&call.json()));
        heard
    }

    /// A subscription of a topic, with how much is told.
    fn wanted(&self, topic: &str, content: &str) -> Value {
        json!({
            "resourceType": "Subscription", "status": "requested", "reason": "test",
            "criteria": format!("{BASE}/SubscriptionTopic/{topic}"),
            "channel": {
                "type": "rest-hook", "endpoint": self.receiver.url(), "payload": "application/fhir+json",
                "_payload": {"extension": [{"url": format!("{EXTENSION}payload-content"), "valueCode": content}]},
            },
        })
    }

    /// One that has been shaken hands with: its id, and the key that it was shown.
    async fn subscribed(&self, by: &Calls<'_>, wanted: &Value) -> (String, String) {
        let made = by.post("/fhir/Subscription", &wanted.to_string()).await.expect(201);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let heard = self.told().await;
        assert_eq!(heard.iter().map(Call::kind).collect::<Vec<_>>(), ["handshake"]);
        assert_eq!(status(by, &id).await, "active");
        (id, made.header("webhook-secret").to_owned())
    }
}

/// `Subscription.status` as its record says it.
async fn status(by: &Calls<'_>, id: &str) -> String {
    let record = by.get(&format!("/fhir/Subscription/{id}")).await.expect(200).json();
    record["status"].as_str().unwrap().to_owned()
}

fn with_filter(mut wanted: Value, filter: &str) -> Value {
    wanted["_criteria"] =
        json!({"extension": [{"url": format!("{EXTENSION}filter-criteria"), "valueString": filter}]});
    wanted
}

async fn patient(by: &Calls<'_>, id: &str) -> Heard {
    by.put(&format!("/fhir/Patient/{id}"), &format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#)).await
}

fn observation(patient: &str, status: &str) -> String {
    json!({"resourceType": "Observation", "status": status, "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{patient}")}})
    .to_string()
}

/// A new Observation; its full URL.
async fn observed(by: &Calls<'_>, patient: &str) -> String {
    let made = by.post("/fhir/Observation", &observation(patient, "final")).await.expect(201).json();
    format!("{BASE}/Observation/{}", made["id"].as_str().unwrap())
}

fn events(heard: &[Call]) -> Vec<(i64, Option<String>)> {
    heard.iter().flat_map(Call::events).collect()
}
