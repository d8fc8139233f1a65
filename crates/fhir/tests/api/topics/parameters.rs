//! Topics and subscriptions by the search parameters of a site's packages.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{BASE, Call, Hook, receiver::event, status, with_filter};
use crate::{
    parameters::{patient, switch, turn_unheard},
    stage::{Calls, Heard, NORTH_TWO, site, token},
};

const SHOES: &str = "http://example.org/topic/shoes";
const PATIENTS: &str = "http://example.org/topic/patients";

/// Patients with large shoes, by kind of animal, with who helps them.
fn shoes() -> Value {
    json!({
        "resourceType": "SubscriptionTopic", "url": SHOES, "status": "active",
        "resourceTrigger": [{"resource": "Patient", "supportedInteraction": ["create", "update"],
            "queryCriteria": {"current": "shoe=ge40"}}],
        "canFilterBy": [{"resource": "Patient", "filterParameter": "animal"}],
        "notificationShape": [{"resource": "Patient", "include": ["Patient:helper"]}],
    })
}

/// Whatever becomes of patients, with the same filter and shape.
fn patients() -> Value {
    let mut topic = shoes();
    topic["url"] = json!(PATIENTS);
    topic["resourceTrigger"] = json!([{"resource": "Patient"}]);
    topic
}

async fn declare(hook: &Hook, name: &str, topic: &Value) -> Heard {
    let admin = hook.stage.by(token(1, "sites:admin", "", "")).at("");
    let path = format!("/admin/fhir/sites/{}/topics/{name}", site(1));
    admin.call(Method::PUT, &path, &[("content-type", "application/json")], &topic.to_string()).await
}

/// A subscription of what this says.
fn about(hook: &Hook, criteria: &str) -> Value {
    let mut wanted = hook.wanted("Patient", "full-resource");
    wanted["criteria"] = json!(criteria);
    wanted
}

/// One of R4 as it was before topics: it is active at once.
async fn searched(hook: &Hook, by: &Calls<'_>, criteria: &str) -> String {
    let made = by.post("/fhir/Subscription", &about(hook, criteria).to_string()).await.expect(201).json();
    assert_eq!(made["status"], "active");
    made["id"].as_str().unwrap().to_owned()
}

async fn put(by: &Calls<'_>, nth: usize, shoe: usize) {
    let heard = by.put(&format!("/fhir/Patient/p{nth}"), &patient(nth, shoe).to_string()).await;
    assert!([200, 201].contains(&heard.status), "{}", heard.body);
}

/// The patients that a subscription was told of, in order.
async fn told_of(by: &Calls<'_>, id: &str) -> Vec<String> {
    let page = by.get(&format!("/fhir/Subscription/{id}/$events?content=id-only")).await.expect(200).json();
    let said = page["entry"][0]["resource"]["parameter"].as_array().unwrap();
    let events = said.iter().filter(|one| one["name"] == "notification-event").map(event);
    events
        .map(|(_, focus)| focus.unwrap().trim_start_matches(&format!("{BASE}/Patient/")).to_owned())
        .collect()
}

async fn is_over(by: &Calls<'_>, id: &str, why: &str) {
    let record = by.get(&format!("/fhir/Subscription/{id}")).await.expect(200).json();
    assert_eq!(record["status"], "off", "{record}");
    assert!(record["error"].as_str().unwrap().contains(why), "{why}: {record}");
}

on_hook!(
    async fn a_subscription_is_told_by_parameters_of_a_package(of_guides, hook) {
        let north = hook.north();
        put(&north, 2, 30).await;
        let cats = with_filter(hook.wanted("Patient", "id-only"), "Patient?animal=cat").to_string();
        let large = about(&hook, "Patient?shoe=ge40").to_string();
        let refused = declare(&hook, "shoes", &shoes()).await.expect(400).body;
        for at in ["resourceTrigger[0].queryCriteria.current", "canFilterBy[0].filterParameter", "notificationShape[0].include[0]"] {
            assert!(refused.contains(at), "{at}: {refused}");
        }
        north.post("/fhir/Subscription", &cats).await.expect(422).tells("value", "`animal` is no search parameter");
        north.post("/fhir/Subscription", &large).await.expect(422).tells("value", "`shoe` is no search parameter");
        switch(&hook.stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        // As a search is answered.
        assert!(declare(&hook, "shoes", &shoes()).await.expect(400).body.contains("being indexed"));
        for wanted in [&cats, &large] {
            let early = north.post("/fhir/Subscription", wanted).await.expect(503);
            early.tells("transient", "being indexed");
            assert!(!early.header("retry-after").is_empty());
        }
        hook.stage.worker().run_due().await.unwrap();
        declare(&hook, "shoes", &shoes()).await.expect(200);
        for others in [hook.north().at(NORTH_TWO), hook.stage.south()] {
            others.post("/fhir/Subscription", &cats).await.expect(422).tells("value", "animal");
        }
        let by_kind = |kind: &str| with_filter(about(&hook, SHOES), &format!("Patient?animal={kind}"));
        let (large_cats, _) = hook.subscribed(&north, &by_kind("cat")).await;
        let (large_horses, _) = hook.subscribed(&north, &by_kind("horse")).await;
        let without = with_filter(hook.wanted("Patient-create", "id-only"), "Patient?animal:missing=true");
        let (without, _) = hook.subscribed(&north, &without).await;
        let large = searched(&hook, &north, "Patient?shoe=ge40").await;
        for (nth, shoe) in [(1, 30), (0, 45), (3, 45), (6, 30), (1, 41)] {
            put(&north, nth, shoe).await;
        }
        let heard = hook.told().await;
        assert_eq!(told_of(&north, &large_cats).await, ["p0"]);
        assert!(told_of(&north, &large_horses).await.is_empty());
        assert_eq!(told_of(&north, &without).await, ["p1"]);
        assert_eq!(told_of(&north, &large).await, ["p0", "p3", "p1"]);
        let of_topic = heard.iter().find(|call| call.body.contains(SHOES)).map(Call::json).unwrap();
        let included: Vec<&Value> = of_topic["entry"].as_array().unwrap()[1..].iter().map(|one| &one["resource"]["id"]).collect();
        assert_eq!(included, ["p0", "p1"], "the topic's shape has who helps go along");
    }
);

on_hook!(
    async fn what_is_switched_off_ends_who_asks_for_it_and_nobody_else(of_guides, hook) {
        let north = hook.north();
        let first = json!(["guide.search#1.0.0"]);
        switch(&hook.stage, &first).await.expect(200);
        declare(&hook, "shoes", &shoes()).await.expect(200);
        declare(&hook, "patients", &patients()).await.expect(200);
        let (of_topic, _) = hook.subscribed(&north, &about(&hook, SHOES)).await;
        let filtered = with_filter(about(&hook, PATIENTS), "Patient?animal:not=cat");
        let (filtered, _) = hook.subscribed(&north, &filtered).await;
        let (whole, _) = hook.subscribed(&north, &about(&hook, PATIENTS)).await;
        let barefoot = searched(&hook, &north, "Patient?shoe:missing=true").await;
        put(&north, 0, 45).await;
        hook.told().await;
        assert_eq!(told_of(&north, &of_topic).await, ["p0"]);
        switch(&hook.stage, &json!([])).await.expect(200);
        put(&north, 3, 45).await;
        let heard = hook.told().await;
        assert_eq!(heard.iter().flat_map(Call::events).collect::<Vec<_>>(), [(2, Some(format!("{BASE}/Patient/p3")))]);
        let told = heard[0].json();
        assert_eq!(told["entry"].as_array().unwrap().len(), 2, "what the shape has go along is unknown: {told}");
        is_over(&north, &of_topic, "resourceTrigger[0].queryCriteria.current: shoe: `shoe` is no search parameter").await;
        is_over(&north, &filtered, "`animal` is no search parameter").await;
        is_over(&north, &barefoot, "`shoe` is no search parameter").await;
        assert!(told_of(&north, &barefoot).await.is_empty());
        assert_eq!((status(&north, &whole).await.as_str(), told_of(&north, &whole).await), ("active", vec!["p0".to_owned(), "p3".to_owned()]));
        let again = about(&hook, SHOES).to_string();
        north.post("/fhir/Subscription", &again).await.expect(422).tells("value", "cannot read any more");
        // Switched on again it is there for whoever asks again.
        switch(&hook.stage, &first).await.expect(200);
        hook.stage.worker().run_due().await.unwrap();
        let mut asked = about(&hook, SHOES);
        asked["id"] = json!(of_topic);
        north.put(&format!("/fhir/Subscription/{of_topic}"), &asked.to_string()).await.expect(200);
        hook.told().await;
        put(&north, 6, 45).await;
        hook.told().await;
        assert_eq!(told_of(&north, &of_topic).await, ["p0", "p6"]);
    }
);

on_hook!(
    async fn what_the_next_version_means_counts_from_then_on(of_guides, hook) {
        let north = hook.north();
        switch(&hook.stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        let (id, _) = hook.subscribed(&north, &with_filter(hook.wanted("Patient", "id-only"), "Patient?shoe=45")).await;
        put(&north, 1, 45).await;
        hook.told().await;
        switch(&hook.stage, &json!(["guide.search#2.0.0"])).await.expect(200);
        north.get("/fhir/Patient?shoe=45").await.expect(503);
        let booted = patient(2, 45).to_string().replace("example/shoe", "example/boot");
        north.put("/fhir/Patient/p2", &booted).await.expect(201);
        put(&north, 4, 45).await;
        hook.told().await;
        assert_eq!((status(&north, &id).await.as_str(), told_of(&north, &id).await), ("active", vec!["p1".to_owned(), "p2".to_owned()]));
    }
);

on_hook!(
    async fn a_node_that_did_not_hear_of_it_decides_as_it_is(of_guides, hook) {
        let north = hook.north();
        switch(&hook.stage, &json!(["guide.search#1.0.0"])).await.expect(200);
        let large = searched(&hook, &north, "Patient?shoe=ge40").await;
        hook.follow().await;
        // It knows the site without them, while they are there.
        turn_unheard(&hook.stage, "gone").await;
        hook.stage.clock.advance(Duration::from_secs(60));
        north.get("/fhir/Patient?shoe=45").await.expect(400);
        turn_unheard(&hook.stage, "ready").await;
        put(&north, 1, 45).await;
        hook.follow().await;
        assert_eq!((status(&north, &large).await.as_str(), told_of(&north, &large).await), ("active", vec!["p1".to_owned()]));
        // And with them, while they are gone.
        hook.stage.clock.advance(Duration::from_secs(60));
        north.get("/fhir/Patient?shoe=45").await.expect(200);
        let barefoot = searched(&hook, &north, "Patient?shoe:missing=true").await;
        hook.follow().await;
        turn_unheard(&hook.stage, "gone").await;
        put(&north, 4, 45).await;
        hook.follow().await;
        is_over(&north, &barefoot, "`shoe` is no search parameter").await;
        assert!(told_of(&north, &barefoot).await.is_empty());
        is_over(&north, &large, "`shoe` is no search parameter").await;
    }
);
